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
	if a.Status != 200 || a.Body != "origin" || pass == "" || w.last() != Claimed || w.waits != 1 {
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

func TestStates(t *testing.T) {
	g := newGate(t, nil)
	tk := g.ticket(3)
	g.change(func(s *script) { s.tail = 5 })
	f := func(state queue.State, want string, joins bool) {
		t.Helper()
		g.change(func(s *script) { s.view.State = state })
		g.script.mu.Lock()
		before := g.script.joined
		g.script.mu.Unlock()
		if a := g.ask("GET", "/deals/1"); a.Status != 429 || object(t, a)["state"] != want {
			t.Errorf("%s, newcomer: %s%s", state, a.Head, a.Body)
		}
		g.script.mu.Lock()
		if joined := g.script.joined > before; joined != joins {
			t.Errorf("%s: joined %v", state, joined)
		}
		g.script.mu.Unlock()
		for _, target := range []string{"/deals/1", "/.dealgate/rooms/spring/ticket"} {
			if a := g.ask("GET", target, ticketCookie(tk)); object(t, a)["state"] != want {
				t.Errorf("%s, %s with a ticket: %s%s", state, target, a.Head, a.Body)
			}
		}
		if a := g.ask("GET", "/deals/1", passCookie(g.pass(2))); a.Status != 200 {
			t.Errorf("%s, with a pass: %s", state, a.Head)
		}
	}
	f(queue.Auto, "waiting", true)
	f(queue.Hold, "paused", true)
	f(queue.Closed, "closed", false)
}

func TestSoldOut(t *testing.T) {
	g := newGate(t, func(c *Config) { c.Rooms[0].Stock = stock{0} })
	if a := g.ask("GET", "/deals/1"); a.Status != 429 || object(t, a)["state"] != "sold_out" {
		t.Errorf("newcomer: %s%s", a.Head, a.Body)
	}
	if a := g.ask("POST", "/.dealgate/rooms/spring/tickets"); a.Status != 429 || object(t, a)["state"] != "sold_out" {
		t.Errorf("joining: %s%s", a.Head, a.Body)
	}
	g.change(func(s *script) {
		s.tail, s.head = 5, 3
		s.outcomes[2] = queue.Outcome{Standing: queue.Called}
		s.outcomes[3] = queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(time.Minute)}
	})
	for _, place := range []int64{2, 4} {
		if a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(place))); a.Status != 429 || object(t, a)["state"] != "sold_out" {
			t.Errorf("place %d: %s%s", place, a.Head, a.Body)
		}
	}
	if g.script.claimed+g.script.joined > 0 {
		t.Errorf("%d claimed, %d joined", g.script.claimed, g.script.joined)
	}
	if a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(3))); a.Status != 200 || a.Body != "origin" {
		t.Errorf("whose session runs: %s%s", a.Head, a.Body)
	}
	if o := object(t, g.ask("GET", "/.dealgate/rooms/spring")); o["state"] != "sold_out" {
		t.Errorf("the room: %v", o)
	}
}

func TestOpenForwardsEveryone(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) { s.view.State, s.enters = queue.Open, true })
	a := g.ask("GET", "/deals/1")
	if p, _ := cookie(a, "dealgate-pass-spring"); a.Status != 200 || a.Body != "origin" || p == "" {
		t.Errorf("with an engine that answers: %s%s", a.Head, a.Body)
	}
	if a = g.ask("GET", "/deals/1", "Sec-Fetch-Dest: image"); a.Status != 200 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("an image: %s", a.Head)
	}
	g.script.mu.Lock()
	g.script.away = true
	g.script.mu.Unlock()
	if a = g.ask("GET", "/deals/1"); a.Status != 200 || a.Body != "origin" {
		t.Errorf("with an engine that does not: %s%s", a.Head, a.Body)
	}
}

func TestStoreAway(t *testing.T) {
	for mode, want := range map[string]struct {
		status int
		state  string
	}{"hold": {429, "paused"}, "open": {200, ""}, "closed": {429, "closed"}} {
		g := newGate(t, func(c *Config) { c.Rooms[0].OnStoreFailure = mode })
		g.change(func(s *script) { s.tail, s.head, s.outcomes[1] = 5, 1, queue.Outcome{Standing: queue.Called} })
		g.script.mu.Lock()
		g.script.away = true
		g.script.mu.Unlock()
		a := g.ask("GET", "/deals/1")
		if a.Status != want.status || want.state != "" && (object(t, a)["state"] != want.state || object(t, a)["reason"] != "store_away") {
			t.Errorf("%s, newcomer: %s%s", mode, a.Head, a.Body)
		}
		if a = g.ask("GET", "/deals/1", ticketCookie(g.ticket(1))); a.Status != want.status {
			t.Errorf("%s, called: %s%s", mode, a.Head, a.Body)
		}
		if a = g.ask("GET", "/deals/1", passCookie(g.pass(1))); a.Status != 200 {
			t.Errorf("%s, with a pass: %s", mode, a.Head)
		}
		if a = g.ask("GET", "/.dealgate/rooms/spring/ticket", ticketCookie(g.ticket(3))); a.Status != 200 || object(t, a)["place"] != 3.0 {
			t.Errorf("%s, poll: %s%s", mode, a.Head, a.Body)
		}
	}
}

func TestOriginEndsTheSession(t *testing.T) {
	g := newGate(t, nil)
	g.answer = "x-dealgate-command: end\r\nContent-Length: 4\r\n\r\nthx!"
	for _, path := range []string{"/deals/thanks", "/thanks"} { // inside of the room, and outside
		a := g.ask("GET", path, passCookie(g.pass(4)))
		value, at := cookie(a, "dealgate-pass-spring")
		if a.Status != 200 || a.Body != "thx!" || value != "" || !strings.Contains(at, "Max-Age=0") {
			t.Errorf("%s: %s%s", path, a.Head, a.Body)
		}
		if len(a.Fields("X-Dealgate-Command")) > 0 {
			t.Errorf("%s: the command went on to the visitor", path)
		}
	}
	g.script.mu.Lock()
	defer g.script.mu.Unlock()
	if want := (queue.Ticket{Lane: "public", Epoch: epoch, Place: 4}); !slices.Contains(g.script.ended, want) {
		t.Errorf("ended: %v", g.script.ended)
	}
}

func TestReloadIsAtomic(t *testing.T) {
	g := newGate(t, nil)
	bad := g.cfg
	bad.Routes = []Route{{Match: []Match{{Path: "/*"}}}}
	if err := g.handler.Reload(bad); err == nil {
		t.Error("a route without an upstream was taken")
	}
	if a := g.ask("GET", "/deals/1"); a.Status != 429 {
		t.Errorf("after a faulty reload: %s", a.Head)
	}
	next := g.cfg
	next.Rooms = nil
	if err := g.handler.Reload(next); err != nil {
		t.Fatal(err)
	}
	if a := g.ask("GET", "/deals/1"); a.Status != 200 {
		t.Errorf("after the room went: %s", a.Head)
	}
}
