// Package api serves a [backend.Shop] over HTTP: JSON for programs under
// /api/v1, and the storefront's pages.
//
// Nobody signs in: a buyer is whoever holds the cookie that its first answer
// set, signed by us. A seller is whoever holds the key. Everything refused is
// an RFC 9457 problem with a stable type, or on the storefront a page.
package api

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// bodyMax is the most a request may carry, in bytes.
const bodyMax = 64 << 10

// Config is what the handler is made of.
type Config struct {
	Shop *backend.Shop // required

	// Secret signs the cookies by which buyers are known; at least 32 bytes.
	Secret []byte

	// SellerKey lets its bearer create deals. Empty: nobody can.
	SellerKey string

	Log *slog.Logger // of what failed on our side; default: silent
}

// handler answers for the shop.
type handler struct {
	shop   *backend.Shop
	buyers buyers
	seller [sha256.Size]byte // of the key
	sells  bool              // there is a key
	log    *slog.Logger
}

// New returns the shop's handler. It expects a gate in front of it: it
// believes X-Forwarded-Proto, and leaves slow clients to it.
func New(cfg Config) (http.Handler, error) {
	if cfg.Shop == nil {
		return nil, errors.New("api: a shop is required")
	}
	if len(cfg.Secret) < 32 {
		return nil, errors.New("api: a secret of at least 32 bytes is required")
	}
	h := &handler{
		shop: cfg.Shop, buyers: buyers{cfg.Secret}, seller: sha256.Sum256([]byte(cfg.SellerKey)), sells: cfg.SellerKey != "",
		log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/deals", h.deals)
	mux.HandleFunc("POST /api/v1/deals", h.createDeal)
	mux.HandleFunc("GET /api/v1/deals/{id}", h.deal)
	mux.HandleFunc("POST /api/v1/orders", h.createOrder)
	mux.HandleFunc("GET /api/v1/orders/{id}", h.order)
	mux.HandleFunc("POST /api/v1/orders/{id}/pay", h.change((*backend.Shop).Pay))
	mux.HandleFunc("POST /api/v1/orders/{id}/cancel", h.change((*backend.Shop).Cancel))
	mux.HandleFunc("/api/", h.nothing)
	h.front(mux)
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(h.crossOrigin))
	return same.Handler(plain(mux)), nil
}

// plain sets what every answer says, and bounds every request.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		next.ServeHTTP(w, r)
	})
}

func (h *handler) crossOrigin(w http.ResponseWriter, r *http.Request) {
	write(w, problem{Type: "cross-origin", Title: "Another site sent this request", Status: http.StatusForbidden})
}

// nothing answers what is under /api/ and is not ours: another path, or
// another method on one of ours.
func (h *handler) nothing(w http.ResponseWriter, r *http.Request) {
	p := problem{Type: "not-found", Title: "There is nothing here", Status: http.StatusNotFound}
	if allow := allowed(r.URL.Path); allow != "" {
		w.Header().Set("Allow", allow)
		p = problem{Type: "method-not-allowed", Title: "Not with this method", Status: http.StatusMethodNotAllowed}
	}
	write(w, p)
}

// allowed returns the methods of a path of the API, "" if it is none.
func allowed(path string) string {
	part := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	switch {
	case len(part) == 1 && part[0] == "deals":
		return "GET, HEAD, POST"
	case len(part) == 1 && part[0] == "orders", len(part) == 3 && part[0] == "orders" && (part[2] == "pay" || part[2] == "cancel"):
		return "POST"
	case len(part) == 2 && (part[0] == "deals" || part[0] == "orders"):
		return "GET, HEAD"
	}
	return ""
}

// isSeller reports whether the request bears the seller's key; if not, it has
// answered.
func (h *handler) isSeller(w http.ResponseWriter, r *http.Request) bool {
	if !h.sells {
		write(w, problem{
			Type: "no-seller", Title: "Nobody sells over this API", Status: http.StatusForbidden,
			Detail: "The shop has no seller key configured.",
		})
		return false
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(key))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(sum[:], h.seller[:]) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="dealgate"`)
		write(w, problem{Type: "not-the-seller", Title: "This is the seller's", Status: http.StatusUnauthorized})
		return false
	}
	return true
}

// rfc3339 writes an instant, nothing for the zero one.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.999Z")
}
