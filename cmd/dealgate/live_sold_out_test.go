package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// lastOne is a room of one before a shop of its own, that closes when the last
// of a deal is sold.
func lastOne(origin string) string {
	return `listen: "{{gate}}"
admin: {listen: "{{admin}}"}
store: {path: "{{dir}}/data"}
upstreams: [{name: shop, targets: ["` + origin + `"]}, {name: deals, bundled: true}]
rooms:
  - name: spring
    match: [{path: "/deals/*"}]
    upstream: shop
    admit: {capacity: 1}
    session: {ttl: 1h}
    deals: [mat]
routes: [{match: [{path: "/*"}], upstream: deals}]
backend:
  deals: [{id: mat, title: "Yoga mat", sku: mat-1, stock: 1, price: 2400, currency: EUR}]
`
}

// TestLiveSoldOut: once the last unit is paid, those who wait are told so and
// nobody gets in, though there is room.
func TestLiveSoldOut(t *testing.T) {
	together(t)
	shop := newOrigin(t)
	p := serveYAML(t, t.TempDir(), lastOne(shop.URL))
	inside, person, program := browserLike(t), browserLike(t), browserLike(t)
	if resp, _ := get(t, inside, p.gate+"/deals/mat"); resp.StatusCode != http.StatusOK {
		t.Fatalf("the first was answered %s", resp.Status)
	}
	if state := take(t, program, p.gate); state != "waiting" {
		t.Fatalf("the second is %s, want waiting", state)
	}
	if _, body := get(t, person, p.gate+"/deals/mat"); !strings.Contains(body, `data-state="waiting"`) {
		t.Fatalf("the third gets no waiting page:\n%s", body)
	}
	m := newMarket(t, p.gate)
	buyer := newBuyer(m, -1)
	buyer.ask("GET", "/api/v1/deals/mat", "", nil)
	id, _ := buyer.orderOnce("the-last")
	eventually(t, "the last one is reserved", func() error {
		if l, ok := buyer.look(); !ok || l.Reserved == nil || *l.Reserved != 1 {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	if state := status(t, program, p.gate); state != "waiting" {
		t.Errorf("while the last one is reserved, the second is %s, want waiting", state)
	}
	if !buyer.pay(id) {
		t.Fatal("the reservation lapsed")
	}
	reached := shop.served.Load()
	eventually(t, "those who wait are told", func() error {
		if state := status(t, program, p.gate); state != "sold_out" {
			return fmt.Errorf("the second is %s", state)
		}
		return nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.gate+"/.dealgate/rooms/spring/ticket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := inside.Do(req); err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("leaving: %v %v", resp, err)
	}
	for who, c := range map[string]*http.Client{"the second": program, "the third": person, "a newcomer": browserLike(t), "the first": inside} {
		resp, body := get(t, c, p.gate+"/deals/mat")
		if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `data-state="sold_out"`) {
			t.Errorf("%s asks for the deal: %s\n%s", who, resp.Status, body)
		}
		if state := take(t, c, p.gate); state != "sold_out" {
			t.Errorf("%s asks for a place and is %s, want sold_out", who, state)
		}
	}
	if n := shop.served.Load() - reached; n > 0 {
		t.Errorf("%d requests reached the origin after the last one was sold", n)
	}
}

// take asks for a place, as a program does, and returns the state in the answer.
func take(t *testing.T, c *http.Client, gate string) string {
	t.Helper()
	return stateOf(t, c, http.MethodPost, gate+"/.dealgate/rooms/spring/tickets")
}

// status is the state of the holder of a place.
func status(t *testing.T, c *http.Client, gate string) string {
	t.Helper()
	return stateOf(t, c, http.MethodGet, gate+"/.dealgate/rooms/spring/ticket")
}

func stateOf(t *testing.T, c *http.Client, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a struct{ State string }
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a.State
}
