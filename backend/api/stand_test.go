package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/api"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
	"github.com/dealgate/dealgate/backend/ledger/redis"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

const sellerKey = "the seller's own key"

// secret signs the cookies of these tests, also over restarts.
const secret = "0123456789abcdef0123456789abcdef"

// site is a shop as its handler shows it.
type site struct {
	*testing.T
	http.Handler
	shop    *backend.Shop
	ledger  backend.Ledger
	store   *sqlite.Store
	payment *backend.StandIn
}

func mat() backend.Deal {
	return backend.Deal{ID: "mat", Title: "Yoga mat", SKU: "mat-1", Stock: 10, Price: 15000, ListPrice: 30000, Currency: "KRW", PerBuyer: 2}
}

// onEach runs f on a shop on each ledger.
func onEach(t *testing.T, f func(s *site), deals ...backend.Deal) {
	t.Run("embedded", func(t *testing.T) { f(open(t, openEmbedded(t), deals...)) })
	t.Run("redis", func(t *testing.T) {
		l, err := redis.Open(t.Context(), redis.Options{Addrs: []string{ledgertest.Redis(t)}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		f(open(t, l, deals...))
	})
}

func openEmbedded(t testing.TB) backend.Ledger {
	t.Helper()
	l, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "stock.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// open opens a shop whose sweep does not run: nothing here waits for it.
func open(t *testing.T, l backend.Ledger, deals ...backend.Deal) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{T: t, ledger: l, store: store, payment: new(backend.StandIn)}
	if s.shop, err = backend.New(t.Context(), backend.Config{Ledger: l, Store: store, Payment: s.payment, Deals: deals}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if s.Handler, err = api.New(api.Config{Shop: s.shop, Secret: []byte(secret), SellerKey: sellerKey, Log: log}); err != nil {
		t.Fatal(err)
	}
	return s
}

// buyer is a client with a cookie of its own.
type buyer struct {
	*site
	cookie string
}

func (s *site) buyer() *buyer { return &buyer{site: s} }

// answer is what a request got.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// send sends a request: method and target, then headers "Name: value", then
// after an empty string a body.
func (b *buyer) send(parts ...string) *answer {
	b.Helper()
	method, target, _ := strings.Cut(parts[0], " ")
	var body io.Reader
	headers := parts[1:]
	for i, h := range headers {
		if h == "" {
			body, headers = strings.NewReader(strings.Join(headers[i+1:], "")), headers[:i]
			break
		}
	}
	r := httptest.NewRequest(method, target, body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	if b.cookie != "" && r.Header.Get("Cookie") == "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) > 0 {
		b.cookie = c[0].Name + "=" + c[0].Value
	}
	return &answer{w, b.T}
}

// order sends a purchase with the key.
func (b *buyer) order(key, body string) *answer {
	b.Helper()
	return b.send("POST /api/v1/orders", "Content-Type: application/json", "Idempotency-Key: "+key, "", body)
}

// is checks the status, and of a problem its type.
func (a *answer) is(status int, problem string) *answer {
	a.t.Helper()
	var p struct {
		Type   string
		Status int
	}
	if problem != "" {
		if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil || a.Header().Get("Content-Type") != "application/problem+json" {
			a.t.Errorf("not a problem: %s", a.Body)
		}
	}
	if a.Code != status || problem != "" && (p.Type != "urn:dealgate:problem:"+problem || p.Status != status) {
		a.t.Errorf("answered %d %s, want %d %s", a.Code, a.Body, status, problem)
	}
	return a
}

// field returns a field of the JSON answer.
func (a *answer) field(name string) any {
	a.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &fields); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	return fields[name]
}

// untouched checks that nothing is reserved or sold.
func (s *site) untouched() {
	s.Helper()
	l, err := s.ledger.Sweep(s.Context(), "mat")
	if err != nil || l.Available != l.Total || l.Reserved != 0 || l.Sold != 0 {
		s.Errorf("the stock was touched: %+v, %v", l, err)
	}
}
