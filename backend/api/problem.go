package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/dealgate/dealgate/backend"
)

// problem is an RFC 9457 problem. Its Type is a name here, a URN when written.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	Reserved   *int64 `json:"reserved,omitempty"` // units that may come back
	RetryAfter int    `json:"retry_after,omitempty"`
}

func write(w http.ResponseWriter, p problem) {
	p.Type = "urn:dealgate:problem:" + p.Type
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the client is gone
}

// refusals are the problems of what the shop refuses, by the first that fits.
var refusals = []struct {
	err     error
	problem problem
}{
	{backend.ErrSoldOut, problem{Type: "sold-out", Title: "Sold out", Status: http.StatusConflict}},
	{backend.ErrNotEnough, problem{Type: "not-enough", Title: "Fewer are left than you asked for", Status: http.StatusConflict}},
	{backend.ErrLimit, problem{Type: "limit-reached", Title: "One buyer cannot have more of this deal", Status: http.StatusConflict}},
	{backend.ErrNotOpen, problem{Type: "not-open", Title: "The deal has not opened yet", Status: http.StatusConflict}},
	{backend.ErrEnded, problem{Type: "ended", Title: "The deal has ended", Status: http.StatusConflict}},
	{backend.ErrNoDeal, problem{Type: "no-such-deal", Title: "There is no such deal", Status: http.StatusNotFound}},
	{backend.ErrNoOrder, problem{Type: "no-such-order", Title: "You have no such order", Status: http.StatusNotFound}},
	{backend.ErrDealExists, problem{Type: "deal-exists", Title: "Another deal has this id", Status: http.StatusConflict}},
	{backend.ErrKeyReused, problem{
		Type: "key-reused", Title: "The idempotency key was used for another order", Status: http.StatusUnprocessableEntity,
	}},
	{backend.ErrLapsed, problem{
		Type: "lapsed", Title: "The reservation has lapsed", Status: http.StatusConflict,
		Detail: "It was not paid in time; what was paid is given back. A new order needs a new idempotency key.",
	}},
	{backend.ErrState, problem{Type: "order-closed", Title: "The order cannot be changed any more", Status: http.StatusConflict}},
	{backend.ErrBusy, problem{Type: "order-busy", Title: "The order is being paid", Status: http.StatusConflict, RetryAfter: 1}},
	{backend.ErrDeclined, problem{
		Type: "payment-declined", Title: "The payment was declined", Status: http.StatusPaymentRequired,
		Detail: "The order is still reserved, and can be paid until pay_before.",
	}},
}

// describe returns the problem of an error of the shop. What is none of its
// refusals is logged, and the outcome is not known.
func (h *handler) describe(r *http.Request, err error) problem {
	for _, f := range refusals {
		if errors.Is(err, f.err) {
			return f.problem
		}
	}
	h.log.Warn("shop request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	return problem{
		Type: "try-again", Title: "The shop could not finish this", Status: http.StatusServiceUnavailable, RetryAfter: 2,
		Detail: "It may have happened or not. Repeat the same request, with the same idempotency key.",
	}
}

// fail answers an error of the shop.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	write(w, h.describe(r, err))
}
