package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/shop"
)

// front adds the storefront. Its forms do what the API does.
func (h *handler) front(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", h.listPage)
	mux.HandleFunc("GET /deals/{id}", func(w http.ResponseWriter, r *http.Request) { h.dealPage(w, r, http.StatusOK, "") })
	mux.HandleFunc("POST /deals/{id}", h.buyForm)
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) { h.orderPage(w, r, http.StatusOK, "") })
	mux.HandleFunc("POST /orders/{id}/pay", h.orderForm((*backend.Shop).Pay))
	mux.HandleFunc("POST /orders/{id}/cancel", h.orderForm((*backend.Shop).Cancel))
	mux.HandleFunc("/", h.noPage)
}

func (h *handler) listPage(w http.ResponseWriter, r *http.Request) {
	h.buyers.of(w, r)
	h.show(w, r, http.StatusOK, &shop.Page{Deals: h.shop.Deals()})
}

// dealPage shows a deal, with what went wrong, if anything: the type of a problem.
func (h *handler) dealPage(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	h.buyers.of(w, r)
	l, err := h.shop.Deal(r.PathValue("id"))
	if err != nil {
		h.sorry(w, r, err)
		return
	}
	if l.State == backend.Scheduled {
		refreshAt(w, l.OpensAt, "/deals/"+l.ID)
	}
	h.show(w, r, status, &shop.Page{Deal: &l, Key: backend.NewID(), Wrong: wrong})
}

func (h *handler) buyForm(w http.ResponseWriter, r *http.Request) {
	form, ok := h.form(w, r)
	if !ok {
		return
	}
	units, err := strconv.ParseInt(form.Get("quantity"), 10, 64)
	key := form.Get("key")
	if err != nil || units < 1 || units > backend.MaxUnits || !usable(key) {
		h.dealPage(w, r, http.StatusUnprocessableEntity, "bad-quantity")
		return
	}
	buyer := h.buyers.of(w, r)
	o, err := h.shop.Buy(r.Context(), backend.Purchase{Buyer: buyer, Key: key, Deal: r.PathValue("id"), Units: units})
	if errors.Is(err, backend.ErrNoDeal) {
		h.sorry(w, r, err)
		return
	}
	if err != nil {
		p := h.describe(r, err)
		l, _ := h.shop.Deal(r.PathValue("id"))
		if p.Status != http.StatusServiceUnavailable { // to be repeated with its own key
			key = backend.NewID()
		}
		h.show(w, r, p.Status, &shop.Page{Deal: &l, Key: key, Wrong: p.Type})
		return
	}
	http.Redirect(w, r, "/orders/"+o.ID, http.StatusSeeOther)
}

func (h *handler) orderPage(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	o, err := h.shop.Order(r.Context(), h.buyers.of(w, r), r.PathValue("id"))
	if err != nil {
		h.sorry(w, r, err)
		return
	}
	if o.Status == backend.Reserved {
		refreshAt(w, o.PayBefore, "/orders/"+o.ID)
	}
	h.show(w, r, status, &shop.Page{Order: &o, Wrong: wrong})
}

// orderForm returns the handler of the buttons that pay or cancel.
func (h *handler) orderForm(do func(s *backend.Shop, ctx context.Context, buyer, id string) (backend.Order, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := h.form(w, r); !ok {
			return
		}
		_, err := do(h.shop, r.Context(), h.buyers.of(w, r), r.PathValue("id"))
		if err != nil {
			p := h.describe(r, err)
			h.orderPage(w, r, p.Status, p.Type)
			return
		}
		http.Redirect(w, r, "/orders/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
	}
}

// form reads a form; if it cannot, it has answered.
func (h *handler) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if err := r.ParseForm(); err != nil {
		h.show(w, r, http.StatusBadRequest, &shop.Page{Wrong: "bad-body"})
		return nil, false
	}
	return r.PostForm, true
}

func (h *handler) noPage(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, http.StatusNotFound, &shop.Page{Wrong: "not-found"})
}

func (h *handler) sorry(w http.ResponseWriter, r *http.Request, err error) {
	p := h.describe(r, err)
	h.show(w, r, p.Status, &shop.Page{Wrong: p.Type})
}

// show writes a page.
func (h *handler) show(w http.ResponseWriter, r *http.Request, status int, p *shop.Page) {
	p.Lang, p.Now = shop.Language(r.Header.Get("Accept-Language")), time.Now()
	var b bytes.Buffer
	if err := shop.Write(&b, p); err != nil {
		h.log.Error("page failed", "path", r.URL.Path, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", shop.Policy())
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the client is gone
}

// refreshAt has the browser load path when something there is about to change.
func refreshAt(w http.ResponseWriter, at time.Time, path string) {
	if wait := time.Until(at); wait < time.Hour {
		w.Header().Set("Refresh", strconv.Itoa(max(1, int(wait/time.Second)+1))+"; url="+path)
	}
}
