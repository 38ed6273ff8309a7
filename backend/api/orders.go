package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/dealgate/dealgate/backend"
)

// orderJSON is an order as its buyer's program sees it.
type orderJSON struct {
	ID        string `json:"id"`
	Deal      string `json:"deal"`
	SKU       string `json:"sku"`
	Title     string `json:"title"`
	Quantity  int64  `json:"quantity"`
	Price     int64  `json:"price"` // of one, minor units of the currency
	Total     int64  `json:"total"`
	Currency  string `json:"currency"`
	Status    string `json:"status"` // reserved paid cancelled expired
	CreatedAt string `json:"created_at"`
	PayBefore string `json:"pay_before"`
}

func toOrderJSON(o *backend.Order) orderJSON {
	return orderJSON{
		ID: o.ID, Deal: o.Deal, SKU: o.SKU, Title: o.Title, Quantity: o.Units, Price: o.Price.Minor, Total: o.Total().Minor,
		Currency: o.Price.Currency, Status: string(o.Status), CreatedAt: rfc3339(o.CreatedAt), PayBefore: rfc3339(o.PayBefore),
	}
}

// newOrder is what a buyer sends. There is no price in it: the shop knows it.
type newOrder struct {
	Deal     string `json:"deal"`
	Quantity int64  `json:"quantity"`
}

func (h *handler) createOrder(w http.ResponseWriter, r *http.Request) {
	k, ok := key(w, r)
	if !ok {
		return
	}
	var n newOrder
	if !read(w, r, &n) {
		return
	}
	if n.Quantity < 1 || n.Quantity > backend.MaxUnits {
		write(w, problem{
			Type: "bad-quantity", Title: "The quantity is not one to sell", Status: http.StatusUnprocessableEntity,
			Detail: fmt.Sprintf("quantity: want 1 to %d, got %d.", backend.MaxUnits, n.Quantity),
		})
		return
	}
	o, err := h.shop.Buy(r.Context(), backend.Purchase{Buyer: h.buyers.of(w, r), Key: k, Deal: n.Deal, Units: n.Quantity})
	if err != nil {
		write(w, h.withReserved(h.describe(r, err), err, n.Deal))
		return
	}
	w.Header().Set("Location", "/api/v1/orders/"+o.ID)
	answer(w, http.StatusCreated, toOrderJSON(&o))
}

// withReserved adds to a sold-out problem how much may still come back.
func (h *handler) withReserved(p problem, err error, deal string) problem {
	if errors.Is(err, backend.ErrSoldOut) {
		if l, err := h.shop.Deal(deal); err == nil && l.Known {
			p.Reserved = &l.Reserved
		}
	}
	return p
}

func (h *handler) order(w http.ResponseWriter, r *http.Request) {
	o, err := h.shop.Order(r.Context(), h.buyers.of(w, r), r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, toOrderJSON(&o))
}

// change returns the handler of paying or cancelling, whose requests carry
// nothing, or an empty object.
func (h *handler) change(do func(s *backend.Shop, ctx context.Context, buyer, id string) (backend.Order, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && !read(w, r, &struct{}{}) {
			return
		}
		o, err := do(h.shop, r.Context(), h.buyers.of(w, r), r.PathValue("id"))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		answer(w, http.StatusOK, toOrderJSON(&o))
	}
}
