package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/api"
)

func TestBuyPayCancel(t *testing.T) {
	onEach(t, func(s *site) {
		b := s.buyer()
		a := b.order("k", `{"deal":"mat","quantity":2}`).is(201, "")
		id := a.field("id").(string)
		if a.Header().Get("Location") != "/api/v1/orders/"+id || a.field("total") != 30000.0 || a.field("status") != "reserved" || a.field("pay_before") == nil {
			t.Errorf("%v %s", a.Header(), a.Body)
		}
		if got := b.send("GET /api/v1/orders/"+id).is(200, ""); got.Body.String() != a.Body.String() {
			t.Errorf("read as %s, made as %s", got.Body, a.Body)
		}
		for range 2 {
			if got := b.send("POST /api/v1/orders/"+id+"/pay").is(200, "").field("status"); got != "paid" {
				t.Errorf("status %v", got)
			}
		}
		b.send("POST /api/v1/orders/"+id+"/cancel").is(409, "order-closed")
		b.order("k2", `{"deal":"mat","quantity":1}`).is(409, "limit-reached")

		b = s.buyer()
		id = b.order("k", `{"deal":"mat","quantity":1}`).is(201, "").field("id").(string)
		for range 2 {
			b.send("POST /api/v1/orders/"+id+"/cancel").is(200, "")
		}
		b.send("POST /api/v1/orders/"+id+"/pay").is(409, "order-closed")
		b.order("k2", `{"deal":"mat","quantity":9}`).is(409, "limit-reached")
	}, mat())
}

func TestDeclinedAndUnknownPayments(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	b := s.buyer()
	id := b.order("k", `{"deal":"mat","quantity":1}`).is(201, "").field("id").(string)
	s.payment.Fail = func(string, backend.Money) error { return backend.ErrDeclined }
	b.send("POST /api/v1/orders/"+id+"/pay").is(402, "payment-declined")
	s.payment.Fail = func(string, backend.Money) error { return fmt.Errorf("secret inner words") }
	a := b.send("POST /api/v1/orders/"+id+"/pay").is(503, "try-again")
	if a.Header().Get("Retry-After") == "" || strings.Contains(a.Body.String(), "secret") {
		t.Errorf("%v %s", a.Header(), a.Body)
	}
	s.payment.Fail = nil
	b.send("POST /api/v1/orders/"+id+"/pay").is(200, "")
}

// TestI4SameKeyAtOnce sends one purchase a thousand times.
func TestI4SameKeyAtOnce(t *testing.T) {
	onEach(t, func(s *site) {
		first := s.buyer()
		first.send("GET /api/v1/deals").is(200, "")
		bodies := make([]string, 1000)
		var wg sync.WaitGroup
		for i := range bodies {
			wg.Go(func() {
				b := &buyer{s, first.cookie}
				bodies[i] = b.order("k", `{"deal":"mat","quantity":1}`).is(201, "").Body.String()
			})
		}
		wg.Wait()
		for _, body := range bodies {
			if body != bodies[0] {
				t.Fatalf("answered %s and %s", body, bodies[0])
			}
		}
		if l, err := s.ledger.Sweep(t.Context(), "mat"); err != nil || l.Reserved != 1 {
			t.Errorf("%+v, %v", l, err)
		}
		id := first.order("k", `{"deal":"mat","quantity":1}`).field("id").(string)
		first.send("POST /api/v1/orders/"+id+"/pay").is(200, "")
		if again := first.order("k", `{"deal":"mat","quantity":1}`).is(201, ""); again.Body.String() != bodies[0] {
			t.Errorf("after it was paid the purchase is answered %s, before %s", again.Body, bodies[0])
		}
		first.order("k", `{"deal":"mat","quantity":2}`).is(422, "key-reused") // I5
	}, mat())
}

func TestI6I7IdempotencyKey(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	b := s.buyer()
	const body = `{"deal":"mat","quantity":1}`
	b.send("POST /api/v1/orders", "Content-Type: application/json", "", body).is(400, "idempotency-key")
	b.send("POST /api/v1/orders", "Content-Type: application/json", "Idempotency-Key: a", "Idempotency-Key: b", "", body).is(400, "idempotency-key")
	for _, key := range []string{"", strings.Repeat("k", 256), "ключ", "a\x7f", "a\tb"} {
		b.order(key, body).is(400, "idempotency-key")
	}
	s.untouched()
	b.order(strings.Repeat("k", 255), body).is(201, "")
}

func TestBadInputTouchesNothing(t *testing.T) {
	onEach(t, func(s *site) {
		f := func(body string, status int, problem string) {
			t.Helper()
			s.buyer().order("k", body).is(status, problem)
		}
		f(`{"deal":"mat","quantity":-1}`, 422, "bad-quantity")
		f(`{"deal":"mat","quantity":0}`, 422, "bad-quantity")
		f(`{"deal":"mat"}`, 422, "bad-quantity")
		f(`{"deal":"mat","quantity":1000001}`, 422, "bad-quantity")
		f(`{"deal":"mat","quantity":1.5}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":"2"}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":9223372036854775808}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1e99}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":null}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":true}`, 400, "bad-json")
		f(`{"deal":["mat"],"quantity":1}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1,"price":1}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1,"total":1}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1,"Quantity":2}`, 400, "bad-json")
		f(`{"deal":"mat","Quantity":2}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1,"quantity":2}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1} {}`, 400, "bad-json")
		f(`{"deal":"mat","quantity":1`, 400, "bad-json")
		f("{\"deal\":\"mat\xff\",\"quantity\":1}", 400, "bad-json")
		f(`[]`, 400, "bad-json")
		f(`null`, 400, "bad-json")
		f(``, 400, "bad-json")
		f(strings.Repeat(`[`, 60000), 400, "bad-json")
		f(`{"deal":"`+strings.Repeat("m", 64<<10)+`","quantity":1}`, 413, "too-large")
		f(`{"deal":"rug","quantity":1}`, 404, "no-such-deal")
		f(`{"deal":"","quantity":1}`, 404, "no-such-deal")
		f(`{"deal":"mat","quantity":3}`, 409, "limit-reached")
		s.buyer().send("POST /api/v1/orders", "Idempotency-Key: k", "", `{"deal":"mat","quantity":1}`).is(415, "not-json")
		s.buyer().send("POST /api/v1/orders", "Idempotency-Key: k", "Content-Type: text/plain", "", `{"deal":"mat","quantity":1}`).is(415, "not-json")
		s.buyer().send("PUT /api/v1/orders").is(405, "method-not-allowed")
		s.buyer().send("GET /api/v1/orders").is(405, "method-not-allowed")
		s.buyer().send("DELETE /api/v1/deals/mat").is(405, "method-not-allowed")
		s.buyer().send("GET /api/v2/deals").is(404, "not-found")
		s.untouched()
	}, mat())
}

// TestI24OthersOrders reads, pays and cancels the order of another, and with
// made up cookies.
func TestI24OthersOrders(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	ann := s.buyer()
	id := ann.order("k", `{"deal":"mat","quantity":1}`).is(201, "").field("id").(string)
	name, value, _ := strings.Cut(ann.cookie, "=")
	them, _, _ := strings.Cut(value, ".")
	for _, cookie := range []string{
		"", name + "=" + them, name + "=" + them + ".", name + "=" + value + "x", name + "=" + value[:len(value)-1],
		name + "=x" + value, name + "=" + strings.Repeat("a", 5000), "__Host-" + ann.cookie,
	} {
		for _, call := range []string{"GET /api/v1/orders/" + id, "POST /api/v1/orders/" + id + "/pay", "POST /api/v1/orders/" + id + "/cancel"} {
			(&buyer{s, cookie}).send(call).is(404, "no-such-order")
		}
	}
	ann.send("GET /api/v1/orders/"+id).is(200, "")
	ann.send("GET /api/v1/orders/nothing").is(404, "no-such-order")
}

func TestCookie(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	f := func(want string, headers ...string) {
		t.Helper()
		got := s.buyer().send(append([]string{"GET /api/v1/deals"}, headers...)...).Header().Get("Set-Cookie")
		for _, part := range strings.Split(want, "|") {
			if !strings.Contains(got, part) {
				t.Errorf("Set-Cookie: %s; want %s", got, part)
			}
		}
		if strings.Contains(got, "Secure") != strings.HasPrefix(want, "__Host-") {
			t.Errorf("Set-Cookie: %s", got)
		}
	}
	f("shop-buyer=|; Path=/|; HttpOnly|; SameSite=Lax")
	f("__Host-shop-buyer=|; Path=/|; HttpOnly|; SameSite=Lax|; Secure", "X-Forwarded-Proto: https")
	b := s.buyer()
	b.send("GET /api/v1/deals")
	if again := b.send("GET /api/v1/deals").Header().Get("Set-Cookie"); again != "" {
		t.Errorf("a known buyer was given %s", again)
	}
}

func TestSellerCreatesDeals(t *testing.T) {
	onEach(t, func(s *site) {
		const rug = `{"id":"rug","title":"Rug","sku":"rug-1","stock":5,"price":1999,"currency":"EUR","per_buyer":1,"opens_at":"2026-01-01T00:00:00+01:00","closes_at":""}`
		create := func(body string, headers ...string) *answer {
			t.Helper()
			return s.buyer().send(append(append([]string{"POST /api/v1/deals", "Content-Type: application/json"}, headers...), "", body)...)
		}
		create(rug).is(401, "not-the-seller")
		create(rug, "Authorization: Bearer ").is(401, "not-the-seller")
		create(rug, "Authorization: Bearer "+sellerKey+"x").is(401, "not-the-seller")
		create(rug, "Authorization: Basic "+sellerKey).is(401, "not-the-seller")
		const auth = "Authorization: Bearer " + sellerKey
		if a := create(rug, auth).is(201, ""); a.Header().Get("Location") != "/api/v1/deals/rug" || a.field("available") != 5.0 || a.field("opens_at") != "2025-12-31T23:00:00Z" {
			t.Errorf("%v %s", a.Header(), a.Body)
		}
		create(rug, auth).is(200, "")
		create(strings.Replace(rug, "1999", "1", 1), auth).is(409, "deal-exists")
		create(strings.Replace(rug, "rug", "mat", 1), auth).is(409, "deal-exists")
		create(strings.Replace(rug, "5", "-5", 1), auth).is(422, "bad-deal")
		create(strings.Replace(rug, `"rug"`, `"../x"`, 1), auth).is(422, "bad-deal")
		create(strings.Replace(rug, "2026-01", "2026-13", 1), auth).is(422, "bad-deal")
		create(strings.Replace(rug, `"sku"`, `"sold"`, 1), auth).is(400, "bad-json")
		s.buyer().send("GET /api/v1/deals/rug").is(200, "")
		s.buyer().send("GET /api/v1/deals/none").is(404, "no-such-deal")
		if a := s.buyer().send("GET /api/v1/deals").is(200, ""); len(a.field("deals").([]any)) != 2 {
			t.Errorf("%s", a.Body)
		}
		s.buyer().order("k", `{"deal":"rug","quantity":1}`).is(201, "")
	}, mat())
}

func TestWithoutASellerKeyNobodySells(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	h, err := api.New(api.Config{Shop: s.shop, Secret: []byte(secret)})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	s.buyer().send("POST /api/v1/deals", "Content-Type: application/json", "Authorization: Bearer ", "", `{}`).is(403, "no-seller")
	if _, err := api.New(api.Config{Shop: s.shop, Secret: []byte("short")}); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestW8OtherSites(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	f := func(status int, headers ...string) {
		t.Helper()
		for _, call := range []string{"POST /api/v1/orders", "POST /deals/mat", "POST /orders/x/pay", "POST /orders/x/cancel"} {
			a := s.buyer().send(append([]string{"POST http://shop.example" + strings.TrimPrefix(call, "POST "), "Idempotency-Key: k", "Content-Type: application/json"}, headers...)...)
			if (a.Code == http.StatusForbidden) != (status == 403) {
				t.Errorf("%s with %q: %d", call, headers, a.Code)
			}
		}
	}
	f(403, "Sec-Fetch-Site: cross-site")
	f(403, "Sec-Fetch-Site: same-site")
	f(403, "Origin: https://evil.example")
	f(403, "Origin: null")
	f(0, "Sec-Fetch-Site: same-origin")
	f(0, "Origin: http://shop.example")
	f(0)
	s.untouched()
}

// TestTwoThousandBuyersOfFiveHundred is the whole promise without a crash.
// Who is told that the outcome is not known repeats the purchase, as told.
func TestTwoThousandBuyersOfFiveHundred(t *testing.T) {
	d := mat()
	d.Stock = stock
	onEach(t, func(s *site) {
		var made, out, odd atomic.Int64
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() {
				b := s.buyer()
				b.send("GET /api/v1/deals")
				a := b.order("k", `{"deal":"mat","quantity":1}`)
				for a.Code == 503 {
					a = b.order("k", `{"deal":"mat","quantity":1}`)
				}
				switch a.Code {
				case 201:
					made.Add(1)
				case 409:
					out.Add(1)
				default:
					odd.Add(1)
				}
			})
		}
		wg.Wait()
		if made.Load() != stock || out.Load() != crowd-stock {
			t.Errorf("%d orders, %d sold out, %d other answers", made.Load(), out.Load(), odd.Load())
		}
		if l, err := s.ledger.Sweep(t.Context(), "mat"); err != nil || l.Reserved != stock || l.Available != 0 {
			t.Errorf("%+v, %v", l, err)
		}
	}, d)
}
