package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

const (
	ticketPath  = "/.dealgate/rooms/spring/ticket"
	ticketsPath = "/.dealgate/rooms/spring/tickets"
)

func TestTakesATicket(t *testing.T) {
	g := newGate(t, nil)
	a := g.ask("POST", ticketsPath)
	o := object(t, a)
	tk, _ := cookie(a, "dealgate-ticket-spring")
	if a.Status != 201 || o["state"] != "waiting" || o["place"] != 1.0 || tk == "" || o["ticket"] != tk {
		t.Fatalf("a program: %s%s", a.Head, a.Body)
	}
	if a = g.ask("POST", ticketsPath, ticketCookie(tk)); a.Status != 200 || object(t, a)["place"] != 1.0 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("again: %s%s", a.Head, a.Body)
	}
	if a = g.ask("POST", ticketsPath, "Authorization: Bearer "+tk); a.Status != 200 || object(t, a)["place"] != 1.0 {
		t.Errorf("again as an app: %s%s", a.Head, a.Body)
	}
	// A page's script gets no token it could lose.
	a = g.ask("POST", ticketsPath, "Origin: http://shop.example", "Sec-Fetch-Site: same-origin")
	if o = object(t, a); a.Status != 201 || o["ticket"] != nil || o["place"] != 2.0 {
		t.Errorf("a page: %s%s", a.Head, a.Body)
	}
	g.change(func(s *script) {
		s.head, s.outcomes[1] = 1, queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(time.Minute).Truncate(time.Second)}
	})
	a = g.ask("POST", ticketsPath, "Authorization: Bearer "+tk)
	o = object(t, a)
	pass := str(o["pass"])
	if _, err := time.Parse(time.RFC3339, str(o["pass_expires_at"])); a.Status != 200 || o["state"] != "admitted" || pass == "" || err != nil {
		t.Fatalf("called: %s%s", a.Head, a.Body)
	}
	if a = g.ask("GET", "/deals/1", "Authorization: Bearer "+pass); a.Status != 200 || a.Body != "origin" {
		t.Errorf("with the pass: %s", a.Head)
	}
	// A poll never claims.
	g.script.mu.Lock()
	claimed := g.script.claimed
	g.script.mu.Unlock()
	if a = g.ask("GET", ticketPath, ticketCookie(tk)); object(t, a)["state"] != "admitted" || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("a poll: %s%s", a.Head, a.Body)
	}
	g.script.mu.Lock()
	if g.script.claimed != claimed {
		t.Error("a poll claimed")
	}
	g.script.mu.Unlock()
	// An expired ticket is no hindrance to another.
	g.change(func(s *script) { s.head, s.outcomes[1] = 1, queue.Outcome{Standing: queue.Expired} })
	if a = g.ask("POST", ticketsPath, ticketCookie(tk)); a.Status != 201 || object(t, a)["place"] != 3.0 {
		t.Errorf("with an expired one: %s%s", a.Head, a.Body)
	}
}

func TestPoll(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) { s.tail = 50 })
	if a := g.ask("GET", ticketPath); a.Status != 401 || len(a.Fields("WWW-Authenticate")) == 0 || object(t, a)["type"] != "urn:dealgate:problem:no-ticket" {
		t.Errorf("without a ticket: %s%s", a.Head, a.Body)
	}
	for range 20 {
		if a := g.ask("GET", ticketPath, ticketCookie(g.ticket(9))); a.Status != 200 || object(t, a)["state"] != "waiting" {
			t.Errorf("%s%s", a.Head, a.Body)
		}
	}
	g.script.mu.Lock()
	looked := g.script.looked + g.script.claimed
	g.script.mu.Unlock()
	if looked > 0 {
		t.Errorf("polls above the head asked the engine %d times", looked)
	}
	for standing, want := range map[queue.Standing]string{queue.Called: "called", queue.Returned: "called", queue.Expired: "expired"} {
		g.change(func(s *script) { s.head, s.outcomes[9] = 9, queue.Outcome{Standing: standing} })
		a := g.ask("GET", ticketPath, ticketCookie(g.ticket(9)))
		if o := object(t, a); a.Status != 200 || o["state"] != want || o["poll_after_ms"] != 1000.0 {
			t.Errorf("%v: %s%s", standing, a.Head, a.Body)
		}
		if cleared := len(a.Fields("Set-Cookie")) > 0; cleared != (want == "expired") {
			t.Errorf("%v: %s", standing, a.Head)
		}
	}
}

// TestAppsRenewByPolling: they have no other way to.
func TestAppsRenewByPolling(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) {
		s.renewed = queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(10 * time.Minute).Truncate(time.Second)}
	})
	old := g.pass(1, func(c *token.Claims) { c.IssuedAt, c.Expires = c.IssuedAt-301, c.IssuedAt+300 })
	a := g.ask("GET", ticketPath, "Authorization: Bearer "+old)
	pass := str(object(t, a)["pass"])
	if c, err := g.keys.Parse([]byte(pass), token.Pass, "spring", time.Now()); err != nil || c.Expires < time.Now().Add(9*time.Minute).Unix() {
		t.Errorf("%v: %s%s", err, a.Head, a.Body)
	}
	if a = g.ask("GET", ticketPath, passCookie(old)); object(t, a)["pass"] != nil || len(a.Fields("Set-Cookie")) == 0 || object(t, a)["state"] != "admitted" {
		t.Errorf("by cookie: %s%s", a.Head, a.Body)
	}
}

func TestLeaves(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) { s.tail = 9 })
	a := g.ask("DELETE", ticketPath, ticketCookie(g.ticket(3)))
	if _, at := cookie(a, "dealgate-ticket-spring"); a.Status != 204 || !strings.Contains(at, "Max-Age=0") {
		t.Errorf("leaving the line: %s", a.Head)
	}
	if a = g.ask("DELETE", ticketPath, passCookie(g.pass(1))); a.Status != 204 {
		t.Errorf("ending a session: %s", a.Head)
	}
	g.script.mu.Lock()
	if !slices.Contains(g.script.left, queue.Ticket{Lane: "public", Epoch: epoch, Place: 3}) ||
		!slices.Contains(g.script.ended, queue.Ticket{Lane: "public", Epoch: epoch, Place: 1}) {
		t.Errorf("left %v, ended %v", g.script.left, g.script.ended)
	}
	g.script.mu.Unlock()
	a = g.ask("POST", ticketPath+"?leave", html, ticketCookie(g.ticket(4)), "Origin: http://shop.example", "Content-Length: 0")
	if a.Status != 200 || !strings.Contains(a.Body, `data-state="left"`) {
		t.Errorf("by form: %s%.200s", a.Head, a.Body)
	}
	g.script.mu.Lock()
	g.script.away = true
	g.script.mu.Unlock()
	if a = g.ask("DELETE", ticketPath, ticketCookie(g.ticket(5))); a.Status != 503 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("while the store is away: %s", a.Head)
	}
}

// TestForeignPagesChangeNothing is W8.
func TestForeignPagesChangeNothing(t *testing.T) {
	g := newGate(t, nil)
	f := func(want int, headers ...string) {
		t.Helper()
		for _, call := range [][2]string{{"DELETE", ticketPath}, {"POST", ticketsPath}, {"POST", ticketPath + "?leave"}} {
			a := g.ask(call[0], call[1], append(headers, ticketCookie(g.ticket(3)))...)
			if got := a.Status; (got == 403) != (want == 403) {
				t.Errorf("%v %q: %s", call, headers, a.Head)
			}
		}
	}
	g.change(func(s *script) { s.tail = 9 })
	f(403, "Sec-Fetch-Site: cross-site")
	f(403, "Sec-Fetch-Site: same-site", "Origin: https://other.shop.example")
	f(403, "Sec-Fetch-Site: banana")
	f(403, "Origin: https://evil.example")
	f(403, "Origin: null")
	f(403, "Origin: https://shop.example.evil.example")
	f(403, "Origin: https://shop.example:8443")
	f(403, "Origin: shop.example")
	g.script.mu.Lock()
	if len(g.script.left)+len(g.script.ended)+g.script.joined > 0 {
		t.Errorf("left %v, ended %v, joined %d", g.script.left, g.script.ended, g.script.joined)
	}
	g.script.mu.Unlock()
	f(200, "Sec-Fetch-Site: same-origin", "Origin: https://SHOP.example")
	f(200, "Origin: http://shop.example")
	f(200)
	if a := g.ask("GET", ticketPath, "Sec-Fetch-Site: cross-site", ticketCookie(g.ticket(5))); a.Status != 200 || len(a.Fields("Access-Control-Allow-Origin")) > 0 {
		t.Errorf("reading: %s", a.Head)
	}
}

func TestOwnAddresses(t *testing.T) {
	g := newGate(t, nil)
	f := func(method, target string, status int, kind string) {
		t.Helper()
		a := g.ask(method, target)
		if a.Status != status || kind != "" && object(t, a)["type"] != "urn:dealgate:problem:"+kind {
			t.Errorf("%s %s: %s%s", method, target, a.Head, a.Body)
		}
	}
	f("GET", "/.dealgate/rooms/summer/ticket", 404, "unknown-room")
	f("POST", "/.dealgate/rooms/summer/tickets", 404, "unknown-room")
	f("GET", "/.dealgate/rooms/summer", 404, "unknown-room")
	f("GET", "/.dealgate/rooms/", 404, "unknown-room")
	f("GET", "/.dealgate/wait?room=summer", 404, "unknown-room")
	f("GET", "/.dealgate/rooms/spring/", 404, "not-found")
	f("GET", "/.dealgate/rooms/spring/x", 404, "not-found")
	f("GET", "/.dealgate/", 404, "not-found")
	f("GET", "/.dealgate/metrics", 404, "not-found")
	f("GET", ticketsPath, 405, "method-not-allowed")
	f("PUT", ticketPath, 405, "method-not-allowed")
	f("POST", ticketPath, 405, "method-not-allowed")
	f("POST", "/.dealgate/wait", 405, "method-not-allowed")
	f("OPTIONS", "*", 200, "")
	a := g.ask("GET", "/.dealgate/jwks.json")
	if a.Status != 200 || object(t, a)["keys"] == nil || strings.Contains(a.Body, string(secret)) {
		t.Errorf("jwks: %s%s", a.Head, a.Body)
	}
	g.change(func(s *script) { s.tail, s.view.Rate, s.view.Message = 7, 10, "soon" })
	a = g.ask("GET", "/.dealgate/rooms/spring", ticketCookie(g.ticket(3)))
	o := object(t, a)
	if a.Status != 200 || o["room"] != "spring" || o["state"] != "waiting" || o["waiting"] != 7.0 || o["rate"] != 10.0 || o["message"] != "soon" ||
		o["place"] != nil || !slices.Equal(a.Fields("Cache-Control"), []string{"public, max-age=1"}) || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("the room: %s%s", a.Head, a.Body)
	}
	if g.seen() != "" {
		t.Errorf("the origin got %q", g.seen())
	}
}

func TestWaitPageByItself(t *testing.T) {
	g := newGate(t, nil)
	a := g.ask("GET", "/.dealgate/wait?room=spring&return_to=/deals/42", html)
	tk, _ := cookie(a, "dealgate-ticket-spring")
	if a.Status != 200 || tk == "" || !strings.Contains(a.Body, `data-to="/deals/42"`) {
		t.Fatalf("joining: %s%.300s", a.Head, a.Body)
	}
	for _, evil := range []string{"//evil.example", "https://evil.example/", "%2F%2Fevil.example", "/%5Cevil.example", "javascript:alert(1)"} {
		if a = g.ask("GET", "/.dealgate/wait?room=spring&return_to="+evil, html, ticketCookie(tk)); !strings.Contains(a.Body, `data-to="/"`) {
			t.Errorf("%s: %.300s", evil, a.Body)
		}
	}
	if a = g.ask("GET", "/.dealgate/wait?room=spring", "Sec-Fetch-Dest: image"); a.Status != 429 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("an image: %s", a.Head)
	}
	g.change(func(s *script) { s.head, s.outcomes[1] = 1, queue.Outcome{Standing: queue.Called} })
	a = g.ask("GET", "/.dealgate/wait?room=spring&return_to=/deals/42", html, ticketCookie(tk))
	if r := a.Fields("Refresh"); len(r) != 1 || !strings.HasSuffix(r[0], "url=/deals/42") {
		t.Errorf("called: %s", a.Head)
	}
	g.script.mu.Lock()
	if g.script.claimed > 0 {
		t.Error("the page claimed")
	}
	g.script.mu.Unlock()
	a = g.ask("GET", "/.dealgate/wait?return_to=/deals/42", html, passCookie(g.pass(1)))
	if l := a.Fields("Location"); a.Status != 303 || !slices.Equal(l, []string{"/deals/42"}) {
		t.Errorf("admitted: %s", a.Head)
	}
	g.change(func(s *script) { s.enters = true })
	a = g.ask("GET", "/.dealgate/wait?room=spring&return_to=/deals/42", html)
	if p, _ := cookie(a, "dealgate-pass-spring"); a.Status != 303 || p == "" {
		t.Errorf("admitted at once: %s", a.Head)
	}
}
