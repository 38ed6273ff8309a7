package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

func TestNewcomerWaitsThenPasses(t *testing.T) {
	w := &watcher{}
	g := newGate(t, func(c *Config) { c.Observe = w })
	a := g.ask("GET", "/deals/42")
	tk, _ := cookie(a, "dealgate-ticket-spring")
	if a.Status != 429 || tk == "" || w.last() != Joined {
		t.Fatalf("joining: %v %s%s", w.last(), a.Head, a.Body)
	}
	if o := object(t, a); o["state"] != "waiting" || o["place"] != 1.0 || o["room"] != "spring" || o["lane"] != "public" {
		t.Errorf("joining: %v", o)
	}
	if a = g.ask("GET", "/deals/42", ticketCookie(tk)); a.Status != 429 || w.last() != Waited {
		t.Errorf("waiting: %v %s", w.last(), a.Head)
	}
	if g.seen() != "" {
		t.Fatalf("the origin got %q of one who waits", g.seen())
	}
	g.change(func(s *script) {
		s.head, s.outcomes[1] = 1, queue.Outcome{Standing: queue.Called}
	})
	if a = g.ask("GET", "/deals/42", ticketCookie(tk)); a.Status != 429 || object(t, a)["state"] != "called" || object(t, a)["poll_after_ms"] != 1000.0 {
		t.Errorf("called and refused for now: %s%s", a.Head, a.Body)
	}
	ends := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	g.change(func(s *script) { s.outcomes[1] = queue.Outcome{Standing: queue.Claimed, Ends: ends} })
	a = g.ask("GET", "/deals/42", ticketCookie(tk))
	pass, _ := cookie(a, "dealgate-pass-spring")
	if a.Status != 200 || a.Body != "origin" || pass == "" || w.last() != Claimed || w.admitted() != 1 {
		t.Fatalf("claiming: %v %s%s", w.last(), a.Head, a.Body)
	}
	if c := a.Fields("Cache-Control"); !slices.Equal(c, []string{"private"}) {
		t.Errorf("an answer with a pass has Cache-Control %q", c)
	}
	g.script.mu.Lock()
	calls := g.script.claimed + g.script.looked + g.script.renewals
	g.script.mu.Unlock()
	a = g.ask("GET", "/deals/43", passCookie(pass))
	if a.Status != 200 || a.Body != "origin" || w.last() != Admitted || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("with the pass: %v %s", w.last(), a.Head)
	}
	g.script.mu.Lock()
	defer g.script.mu.Unlock()
	if n := g.script.claimed + g.script.looked + g.script.renewals; n != calls {
		t.Errorf("a forwarded request asked the engine")
	}
	if !strings.Contains(g.seen(), "X-Dealgate-Room: spring\r\n") || !strings.Contains(g.seen(), "X-Dealgate-Session: public.7.1\r\n") {
		t.Errorf("the origin was told %q", g.seen())
	}
}

func TestAdmittedAtOnceIsPrivateAndProvisional(t *testing.T) {
	g := newGate(t, nil)
	g.script.mu.Lock()
	g.script.enters = true
	g.script.renewed = queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(10 * time.Minute).Truncate(time.Second)}
	g.script.mu.Unlock()
	a := g.ask("GET", "/buy")
	pass, _ := cookie(a, "dealgate-pass-spring")
	if a.Status != 200 || a.Body != "origin" || !slices.Equal(a.Fields("Cache-Control"), []string{"private"}) {
		t.Fatalf("%s%s", a.Head, a.Body)
	}
	c, err := g.keys.Parse([]byte(pass), token.Pass, "spring", time.Now())
	if err != nil || !c.Provisional || c.Expires > time.Now().Add(31*time.Second).Unix() {
		t.Fatalf("%+v, %v: want a provisional pass of 30 s", c, err)
	}
	// It came back once: from now on it lives like any other.
	a = g.ask("GET", "/buy", passCookie(pass))
	pass, _ = cookie(a, "dealgate-pass-spring")
	c, err = g.keys.Parse([]byte(pass), token.Pass, "spring", time.Now())
	if err != nil || c.Provisional || c.Expires < time.Now().Add(9*time.Minute).Unix() {
		t.Errorf("renewed: %+v, %v", c, err)
	}
}

// TestABrowserIsAskedToConfirm: the page it got may load nothing else, and its
// reader would lose the session after half a minute.
func TestABrowserIsAskedToConfirm(t *testing.T) {
	g := newGate(t, nil)
	ends := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	g.change(func(s *script) {
		s.enters, s.renewed = true, queue.Outcome{Standing: queue.Claimed, Ends: ends}
	})
	a := g.ask("GET", "/buy", html)
	if got := a.Fields("Link"); !slices.Equal(got, []string{"</.dealgate/rooms/spring/ticket>; rel=prefetch"}) {
		t.Fatalf("Link %q, want one that brings the pass back", got)
	}
	pass, _ := cookie(a, "dealgate-pass-spring")
	a = g.ask("GET", "/.dealgate/rooms/spring/ticket", passCookie(pass), "Sec-Purpose: prefetch")
	pass, _ = cookie(a, "dealgate-pass-spring")
	c, err := g.keys.Parse([]byte(pass), token.Pass, "spring", time.Now())
	if err != nil || c.Provisional || c.Expires != ends.Unix() {
		t.Errorf("brought back: %+v, %v; want a session until %v", c, err, ends)
	}
	if a = g.ask("GET", "/buy", passCookie(pass), html); len(a.Fields("Link")) > 0 {
		t.Errorf("asked again: %q", a.Fields("Link"))
	}
	if a = g.ask("GET", "/buy", "Accept: application/json"); len(a.Fields("Link")) > 0 {
		t.Errorf("a program was asked: %q", a.Fields("Link"))
	}
}

func TestRenewsPastHalfItsLife(t *testing.T) {
	g := newGate(t, nil)
	ends := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	g.change(func(s *script) { s.renewed = queue.Outcome{Standing: queue.Claimed, Ends: ends} })
	half := func(c *token.Claims) { c.IssuedAt, c.Expires = c.IssuedAt-301, c.IssuedAt+300 }
	a := g.ask("GET", "/deals/1", passCookie(g.pass(1, half)))
	if got, at := cookie(a, "dealgate-pass-spring"); got == "" || !strings.Contains(at, "Max-Age=") {
		t.Errorf("past half its life: %s", a.Head)
	}
	// Not confirmed: no new pass, and the old one still works.
	g.change(func(s *script) { s.renewed = queue.Outcome{Standing: queue.Expired} })
	if a = g.ask("GET", "/deals/1", passCookie(g.pass(1, half))); a.Status != 200 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("not confirmed: %s", a.Head)
	}
	if a = g.ask("GET", "/deals/1", passCookie(g.pass(1))); a.Status != 200 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("before half its life: %s", a.Head)
	}
}

func TestExpiredOnceThenJoinsAgain(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) {
		s.tail, s.head = 5, 5
		s.outcomes[1] = queue.Outcome{Standing: queue.Expired}
		s.outcomes[2] = queue.Outcome{Standing: queue.Claimed} // over
	})
	for _, place := range []int64{1, 2} {
		for _, accept := range []string{"Accept: */*", html} {
			a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(place)), accept)
			value, at := cookie(a, "dealgate-ticket-spring")
			if a.Status != 200 || value != "" || !strings.Contains(at, "Max-Age=0") || !strings.Contains(a.Body, "expired") {
				t.Errorf("place %d, %s: %s%.200s", place, accept, a.Head, a.Body)
			}
		}
	}
	if a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(1)), "Sec-Fetch-Dest: image"); a.Status != 429 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("an image used the telling up: %s", a.Head)
	}
	if a := g.ask("GET", "/deals/1"); a.Status != 429 || object(t, a)["place"] != 6.0 {
		t.Errorf("the next request: %s%s", a.Head, a.Body)
	}
	if g.seen() != "" {
		t.Errorf("the origin got %q", g.seen())
	}
}

// TestTokensAreForWhatTheySay is T5 by HTTP: a token is good for its kind,
// room, lane and key alone.
func TestTokensAreForWhatTheySay(t *testing.T) {
	g := newGate(t, nil)
	other, err := token.NewKeyring("dealgate", []token.Key{{ID: "k", Alg: "HS256", Secret: []byte("another environment's secret of some length")}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	foreign, err := other.Append(nil, &token.Claims{
		Kind: token.Pass, Room: "spring", Lane: "public", Epoch: epoch, Place: 1, IssuedAt: at.Unix(), Expires: at.Add(time.Minute).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	room := func(c *token.Claims) { c.Room = "summer" }
	late := func(c *token.Claims) { c.IssuedAt, c.Expires = c.IssuedAt-60, c.IssuedAt-1 }
	good := g.pass(1)
	for name, header := range map[string]string{
		"ticket as pass":      passCookie(g.ticket(1)),
		"pass as ticket":      ticketCookie(good),
		"other room's":        passCookie(g.pass(1, room)),
		"other room's cookie": "Cookie: dealgate-pass-summer=" + good,
		"expired":             passCookie(g.pass(1, late)),
		"other key":           passCookie(string(foreign)),
		"cut":                 passCookie(good[:len(good)-1]),
		"longer":              passCookie(good + "A"),
		"quoted":              passCookie(`"` + good + `"`),
		"TLS name over HTTP":  "Cookie: __Host-dealgate-pass-spring=" + good,
		"name as a suffix":    "Cookie: x-dealgate-pass-spring=" + good,
		"in a value":          "Cookie: a=dealgate-pass-spring=" + good,
		"bearer ticket":       "Authorization: Bearer " + g.ticket(1),
		"basic":               "Authorization: Basic " + good,
		"query":               "X-Query: " + good,
	} {
		if a := g.ask("GET", "/deals/1", header); a.Status != 429 {
			t.Errorf("%s: %s", name, a.Head)
		}
	}
	if g.seen() != "" {
		t.Fatalf("the origin got %q", g.seen())
	}
	for name, header := range map[string]string{
		"pass": passCookie(good), "bearer": "Authorization: Bearer " + good, "bearer in capitals": "AUTHORIZATION: BEARER " + good,
		"second of its name":  "Cookie: dealgate-pass-spring=no; a=b; dealgate-pass-spring=" + good,
		"second cookie line":  "Cookie: a=b\r\nCookie: c=d;dealgate-pass-spring=" + good,
		"without a space":     "Cookie: a=b;dealgate-pass-spring=" + good + ";c=d",
		"lower case field":    "cookie: dealgate-pass-spring=" + good,
		"beside an ended one": "Cookie: dealgate-pass-spring=" + g.pass(1, late) + "; dealgate-pass-spring=" + good,
	} {
		if a := g.ask("GET", "/deals/1", header); a.Status != 200 {
			t.Errorf("%s: %s", name, a.Head)
		}
	}
}
