package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"time"
)

// buyer is one who wants a unit: a client with cookies of its own that repeats
// what was not answered, with the same idempotency key.
type buyer struct {
	*market
	n    int
	http *http.Client
}

// crowded keeps a connection for each of the buyers.
var crowded = sync.OnceValue(func() *http.Transport {
	return &http.Transport{MaxIdleConns: 5000, MaxIdleConnsPerHost: 5000, IdleConnTimeout: 30 * time.Second}
})

func newBuyer(m *market, n int) *buyer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // there are no options
	}
	return &buyer{market: m, n: n, http: &http.Client{Jar: jar, Transport: crowded(), Timeout: 20 * time.Second}}
}

// forgets says that this buyer reserves and never pays; twice, that it orders
// twice at the same time.
func (b *buyer) forgets() bool { return b.n%10 == 3 }
func (b *buyer) twice() bool   { return b.n%3 == 0 }

// shop looks at the deal, which makes the buyer known, orders and pays. It
// returns when the unit is paid, or nothing is left.
func (b *buyer) shop() {
	b.ask("GET", "/api/v1/deals/mat", "", nil)
	for try := 1; b.Context().Err() == nil; try++ {
		id, left := b.order(fmt.Sprintf("buyer-%d-try-%d", b.n, try))
		switch {
		case !left || id != "" && b.forgets():
			return
		case id != "" && b.pay(id):
			return
		}
		// The reservation lapsed before it was paid; another needs another key.
	}
}

// order orders with a key until there is an order, or nothing is left. With
// neither, what the key reserved has lapsed.
func (b *buyer) order(key string) (id string, left bool) {
	if !b.twice() {
		return b.orderOnce(key)
	}
	var twin string
	var both sync.WaitGroup
	both.Go(func() { twin, _ = b.orderOnce(key) })
	id, left = b.orderOnce(key)
	both.Wait()
	if id != "" && twin != "" && id != twin {
		b.Errorf("key %s made the orders %s and %s", key, id, twin)
	}
	return id, left
}

func (b *buyer) orderOnce(key string) (id string, left bool) {
	for b.Context().Err() == nil {
		var a struct {
			ID, State, Type string
			PollAfter       int64 `json:"poll_after_ms"`
		}
		code := b.ask("POST", "/api/v1/orders", key, &a)
		switch {
		case code == http.StatusCreated:
			b.made(key, a.ID)
			return a.ID, true
		case code == http.StatusTooManyRequests && a.State == "sold_out":
			return "", false
		case code == http.StatusTooManyRequests:
			b.mu.Lock()
			b.waited++
			b.mu.Unlock()
			jitter(time.Duration(a.PollAfter) * time.Millisecond)
		case strings.HasSuffix(a.Type, ":lapsed"):
			return "", true
		case strings.HasSuffix(a.Type, ":sold-out"), strings.HasSuffix(a.Type, ":limit-reached"):
			// What is reserved may come back, until all is sold.
			if l, ok := b.look(); ok && l.Sold != nil && *l.Sold == l.Stock {
				return "", false
			}
			jitter(time.Second)
		case code != 0:
			b.Errorf("order %s was answered %d %+v", key, code, a)
			return "", false
		}
	}
	return "", false
}

// made notes what a key was answered with: always the same order.
func (b *buyer) made(key, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if was, known := b.orders[key]; known && was != id {
		b.Errorf("key %s made the orders %s and %s", key, was, id)
	}
	b.orders[key] = id
}

// pay pays the order, and reports false if it had lapsed.
func (b *buyer) pay(id string) bool {
	for b.Context().Err() == nil {
		var a struct{ Status, Type any } // a problem has the code as its status
		code := b.ask("POST", "/api/v1/orders/"+id+"/pay", "", &a)
		switch typ := fmt.Sprint(a.Type); {
		case code == http.StatusOK && a.Status == "paid":
			b.mu.Lock()
			defer b.mu.Unlock()
			b.paid[id] = b
			return true
		case strings.HasSuffix(typ, ":lapsed"):
			return false
		case strings.HasSuffix(typ, ":order-busy"):
			jitter(100 * time.Millisecond)
		case code != 0:
			b.Errorf("paying %s was answered %d %v", id, code, a)
			return true
		}
	}
	return true
}

// look returns the deal's stock, if the gate answers.
func (b *buyer) look() (l level, ok bool) {
	code, err := b.send("GET", "/api/v1/deals/mat", "", &l)
	return l, err == nil && code == http.StatusOK
}

// ask asks until it is answered, and not by 502 to 504: then what came of it
// is not known. It returns 0 when the test ends.
func (b *buyer) ask(method, path, key string, into any) (code int) {
	for again := 0; b.Context().Err() == nil; again++ {
		code, err := b.send(method, path, key, into)
		if err == nil && code < 500 {
			return code
		}
		if again == 200 {
			b.Errorf("%s %s failed 200 times, at last: %d %v", method, path, code, err)
			return 0
		}
		b.mu.Lock()
		b.repeats++
		b.mu.Unlock()
		jitter(100 * time.Millisecond)
	}
	return 0
}

// send sends one request and reads the answer.
func (b *buyer) send(method, path, key string, into any) (code int, err error) {
	var body io.Reader
	if key != "" {
		body = strings.NewReader(`{"deal":"mat","quantity":1}`)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.gate+path, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", "application/json")
	if key != "" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := b.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			b.Errorf("%s %s was answered %s %q: %v", method, path, resp.Status, text, err)
		}
	}
	return resp.StatusCode, err
}
