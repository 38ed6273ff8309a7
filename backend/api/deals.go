package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// dealJSON is a deal as programs see it.
type dealJSON struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	SKU       string `json:"sku"`
	State     string `json:"state"` // scheduled live sold_out ended
	Price     int64  `json:"price"` // minor units of the currency
	ListPrice int64  `json:"list_price,omitempty"`
	Discount  int64  `json:"discount_percent,omitempty"`
	Currency  string `json:"currency"`
	PerBuyer  int64  `json:"per_buyer,omitempty"`
	Stock     int64  `json:"stock"`
	Available *int64 `json:"available,omitempty"` // absent while it is not known
	Reserved  *int64 `json:"reserved,omitempty"`
	Sold      *int64 `json:"sold,omitempty"` // available + reserved + sold = stock
	OpensAt   string `json:"opens_at,omitempty"`
	ClosesAt  string `json:"closes_at,omitempty"`
}

func toDealJSON(l *backend.Listing) dealJSON {
	d := dealJSON{
		ID: l.ID, Title: l.Title, SKU: l.SKU, State: string(l.State), Price: l.Price, ListPrice: l.ListPrice,
		Discount: l.Off(), Currency: l.Currency, PerBuyer: l.PerBuyer, Stock: l.Stock,
		OpensAt: rfc3339(l.OpensAt), ClosesAt: rfc3339(l.ClosesAt),
	}
	if l.Known {
		d.Available, d.Reserved, d.Sold = &l.Available, &l.Reserved, &l.Sold
	}
	return d
}

func (h *handler) deals(w http.ResponseWriter, r *http.Request) {
	h.buyers.of(w, r)
	listings := h.shop.Deals()
	deals := make([]dealJSON, len(listings))
	for i := range listings {
		deals[i] = toDealJSON(&listings[i])
	}
	answer(w, http.StatusOK, map[string]any{"deals": deals})
}

func (h *handler) deal(w http.ResponseWriter, r *http.Request) {
	h.buyers.of(w, r)
	l, err := h.shop.Deal(r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, toDealJSON(&l))
}

// newDeal is what a seller sends. Its times are RFC 3339, or "" like absent.
type newDeal struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	SKU       string `json:"sku"`
	Stock     int64  `json:"stock"`
	Price     int64  `json:"price"`
	ListPrice int64  `json:"list_price"`
	Currency  string `json:"currency"`
	PerBuyer  int64  `json:"per_buyer"`
	OpensAt   string `json:"opens_at"`
	ClosesAt  string `json:"closes_at"`
}

func (h *handler) createDeal(w http.ResponseWriter, r *http.Request) {
	if !h.isSeller(w, r) {
		return
	}
	var n newDeal
	if !read(w, r, &n) {
		return
	}
	d := backend.Deal{
		ID: n.ID, Title: n.Title, SKU: n.SKU, Stock: n.Stock, Price: n.Price, ListPrice: n.ListPrice,
		Currency: n.Currency, PerBuyer: n.PerBuyer,
	}
	var fault string
	instant := func(name, s string) (t time.Time) {
		t, err := time.Parse(time.RFC3339, s)
		if s != "" && err != nil {
			fault = name + `: want a time like "2026-11-20T10:00:00Z"`
		}
		return t
	}
	d.OpensAt, d.ClosesAt = instant("opens_at", n.OpensAt), instant("closes_at", n.ClosesAt)
	if err := d.Validate(); err != nil {
		fault = err.Error()
	}
	if fault != "" {
		write(w, problem{Type: "bad-deal", Title: "The deal is not as it should be", Status: http.StatusUnprocessableEntity, Detail: fault})
		return
	}
	created, err := h.shop.Create(r.Context(), d)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answerDeal(w, r, d.ID, created)
}

func (h *handler) answerDeal(w http.ResponseWriter, r *http.Request, id string, created bool) {
	l, err := h.shop.Deal(id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		w.Header().Set("Location", "/api/v1/deals/"+id)
	}
	answer(w, status, toDealJSON(&l))
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) //nolint:errcheck // the client is gone
}
