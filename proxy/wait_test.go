package proxy

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// TestWhatWaitsGets is the table of what a request for a protected path gets
// when it has no valid pass and is not called at once.
func TestWhatWaitsGets(t *testing.T) {
	g := newGate(t, nil)
	f := func(method string, headers []string, joins, page bool, status int) {
		t.Helper()
		g.script.mu.Lock()
		before := g.script.joined
		g.script.mu.Unlock()
		a := g.ask(method, "/deals/1", headers...)
		g.script.mu.Lock()
		joined := g.script.joined > before
		g.script.mu.Unlock()
		if a.Status != status || joined != joins {
			t.Errorf("%s %q: joined %v, %s", method, headers, joined, a.Head)
		}
		tk, _ := cookie(a, "dealgate-ticket-spring")
		if (tk != "") != joins {
			t.Errorf("%s %q: ticket cookie %q", method, headers, tk)
		}
		if isPage := strings.HasPrefix(strings.Join(a.Fields("Content-Type"), ","), "text/html"); isPage != page {
			t.Errorf("%s %q: %s", method, headers, a.Head)
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff",
		} {
			if got := a.Fields(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s %q: %s is %q", method, headers, name, got)
			}
		}
		if n, err := strconv.Atoi(strings.Join(a.Fields("Retry-After"), ",")); err != nil || n < 1 {
			t.Errorf("%s %q: Retry-After %q", method, headers, a.Fields("Retry-After"))
		}
		if !strings.Contains(strings.Join(a.Fields("Vary"), ","), "Cookie") {
			t.Errorf("%s %q: Vary %q", method, headers, a.Fields("Vary"))
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"} {
		f(method, []string{html}, true, true, 503)
		f(method, []string{"Accept: application/json"}, true, false, 429)
		f(method, nil, true, false, 429)
	}
	f("HEAD", []string{html}, false, true, 503)
	f("HEAD", nil, false, false, 429)
	f("OPTIONS", []string{html}, false, false, 429)
	f("OPTIONS", []string{"Origin: https://a.example", "Access-Control-Request-Method: POST"}, false, false, 429)
	f("GET", []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"}, false, false, 429)
	for _, dest := range []string{"image", "style", "script", "font"} {
		f("GET", []string{html, "Sec-Fetch-Dest: " + dest}, false, false, 429)
	}
	for _, dest := range []string{"document", "iframe"} {
		f("GET", []string{html, "Sec-Fetch-Dest: " + dest}, true, true, 503)
	}
	f("GET", []string{"Accept: */*", "Sec-Fetch-Dest: empty"}, true, false, 429)
	if g.seen() != "" {
		t.Errorf("the origin got %q", g.seen())
	}
}

// TestHeadHasTheHeadersOfGet: but for what is of one response alone.
func TestHeadHasTheHeadersOfGet(t *testing.T) {
	g := newGate(t, nil)
	names := func(a *rawtest.Answer) (all []string) {
		for line := range strings.SplitSeq(a.Head, "\r\n") {
			if name, _, ok := strings.Cut(line, ":"); ok {
				all = append(all, name)
			}
		}
		return all
	}
	tk := ticketCookie(g.ticket(3))
	g.change(func(s *script) { s.tail = 5 })
	for _, accept := range []string{html, "Accept: */*"} {
		get, head := names(g.ask("GET", "/deals/1", tk, accept)), names(g.ask("HEAD", "/deals/1", tk, accept))
		if !slices.Equal(get, head) {
			t.Errorf("GET has %q, HEAD %q", get, head)
		}
	}
}

func TestWaitingStatus(t *testing.T) {
	for _, code := range []int{200, 202, 429, 503} {
		g := newGate(t, func(c *Config) { c.Rooms[0].WaitingStatus = code })
		if a := g.ask("GET", "/deals/1", html); a.Status != code || !strings.HasPrefix(a.Body, "<!doctype html>") {
			t.Errorf("want %d: %s%.100s", code, a.Head, a.Body)
		}
		if a := g.ask("GET", "/deals/1"); a.Status != 429 {
			t.Errorf("a program: %s", a.Head)
		}
	}
}

// TestPageHeaders is W1 and W2.
func TestPageHeaders(t *testing.T) {
	g := newGate(t, func(c *Config) { c.TrustedProxies = loopback })
	a, b := g.ask("GET", "/deals/1", html), g.ask("GET", "/deals/1", html, "X-Forwarded-Proto: https")
	if got := a.Fields("Referrer-Policy"); !slices.Equal(got, []string{"same-origin"}) {
		t.Errorf("Referrer-Policy %q", got)
	}
	if len(a.Fields("Server")) > 0 || len(a.Fields("Strict-Transport-Security")) > 0 || len(b.Fields("Strict-Transport-Security")) != 1 {
		t.Errorf("over HTTP %s over TLS %s", a.Head, b.Head)
	}
	one, two := strings.Join(a.Fields("Content-Security-Policy"), "|"), strings.Join(b.Fields("Content-Security-Policy"), "|")
	for _, want := range []string{"default-src 'none'", "script-src 'nonce-", "style-src 'nonce-", "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(one, want) {
			t.Errorf("the policy %q lacks %q", one, want)
		}
	}
	if one == two || strings.Contains(one, "unsafe") {
		t.Errorf("policies %q and %q", one, two)
	}
	nonce, _, _ := strings.Cut(strings.SplitN(one, "'nonce-", 2)[1], "'")
	if len(nonce) < 22 || !strings.Contains(a.Body, `<script nonce="`+nonce+`">`) {
		t.Errorf("nonce %q is not that of the page", nonce)
	}
	if r := a.Fields("Refresh"); len(r) != 1 || !strings.Contains(r[0], "/.dealgate/wait?room=spring&return_to=") {
		t.Errorf("Refresh %q", r)
	}
}

// TestCookies is W4.
func TestCookies(t *testing.T) {
	g := newGate(t, func(c *Config) { c.TrustedProxies = loopback })
	a := g.ask("GET", "/deals/1")
	value, attributes := cookie(a, "dealgate-ticket-spring")
	if value == "" || attributes != "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax" {
		t.Errorf("over HTTP: %q %q", value, attributes)
	}
	a = g.ask("GET", "/deals/1", "X-Forwarded-Proto: https")
	value, attributes = cookie(a, "__Host-dealgate-ticket-spring")
	if value == "" || attributes != "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure" {
		t.Errorf("over TLS: %s", a.Head)
	}
	if n := len("__Host-dealgate-ticket-spring=" + value + "; " + attributes); n > 1024 {
		t.Errorf("a cookie of %d bytes", n)
	}
	// Over TLS the name that plain HTTP can set is not believed.
	if a = g.ask("GET", "/deals/1", "X-Forwarded-Proto: https", passCookie(g.pass(1))); a.Status != 429 {
		t.Errorf("over TLS with the plain name: %s", a.Head)
	}
	if a = g.ask("GET", "/deals/1", "X-Forwarded-Proto: https", "Cookie: __Host-dealgate-pass-spring="+g.pass(1)); a.Status != 200 {
		t.Errorf("over TLS: %s", a.Head)
	}
}

// TestProtoOfAStranger: only a trusted proxy says that the visitor is on TLS.
func TestProtoOfAStranger(t *testing.T) {
	g := newGate(t, nil)
	a := g.ask("GET", "/deals/1", "X-Forwarded-Proto: https")
	if value, _ := cookie(a, "dealgate-ticket-spring"); value == "" {
		t.Errorf("%s", a.Head)
	}
}

func TestPageTellsWhatIsKnown(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) {
		s.tail, s.head = 5000, 1000
		s.view.Rate, s.view.Message = 10, `Back at <noon> & "later"`
	})
	tk := g.ticket(3000, func(c *token.Claims) { c.Head = 500 })
	a := g.ask("GET", "/.dealgate/rooms/spring/ticket", ticketCookie(tk))
	o := object(t, a)
	if a.Status != 200 || o["place"] != 3000.0 || o["state"] != "waiting" || o["progress"] != 0.2 || o["message"] != `Back at <noon> & "later"` {
		t.Errorf("%s%s", a.Head, a.Body)
	}
	if n, _ := o["ahead"].(float64); n < 1900 || n > 2100 {
		t.Errorf("ahead is %v", o["ahead"])
	}
	eta, _ := o["eta"].(map[string]any)
	at, err := time.Parse(time.RFC3339, strings.Trim(str(eta["at"]), `"`))
	if s, _ := eta["seconds"].(float64); err != nil || s < 100 || time.Until(at) < 90*time.Second {
		t.Errorf("eta is %v", o["eta"])
	}
	poll, _ := o["poll_after_ms"].(float64)
	retry, _ := strconv.Atoi(strings.Join(a.Fields("Retry-After"), ""))
	if poll < 1000 || poll > 40000 || float64(retry) < poll/1000 || float64(retry) > poll/1000+1 {
		t.Errorf("poll_after_ms %v, Retry-After %d", poll, retry)
	}
	a = g.ask("GET", "/deals/1", ticketCookie(tk), html, "Accept-Language: ko")
	if !strings.Contains(a.Body, "3,000") || strings.Contains(a.Body, "<noon>") || !strings.Contains(a.Body, `lang="ko"`) {
		t.Errorf("the page: %.2000s", a.Body)
	}
}

func str(v any) string { s, _ := v.(string); return s }

func TestWayBack(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) { s.view.State = queue.Hold })
	f := func(method, target, referer, want string) {
		t.Helper()
		headers := []string{html}
		if referer != "" {
			headers = append(headers, "Referer: "+referer)
		}
		a := g.ask(method, target, headers...)
		if !strings.Contains(a.Body, `data-to="`+want+`"`) {
			_, rest, _ := strings.Cut(a.Body, "data-to=")
			t.Errorf("%s %s from %s: want %s, leads to %.60s", method, target, referer, want, rest)
		}
	}
	f("GET", "/deals/42?size=L", "", "/deals/42?size=L")
	f("POST", "/buy", "", "/")
	f("POST", "/buy", "http://shop.example/deals/42?a=b", "/deals/42?a=b")
	f("POST", "/buy", "https://shop.example/deals/42", "/deals/42")
	f("POST", "/buy", "http://evil.example/deals/42", "/")
	f("POST", "/buy", "http://shop.example@evil.example/x", "/")
	f("POST", "/buy", "http://shop.example//evil.example/x", "/")
	f("POST", "/buy", "javascript:alert(1)", "/")
	f("GET", "//evil.example/deals/../../x", "", "/")
}
