package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// TestNoCacheKeepsAnAnswerWithAPass: some caches heed a field of their own before
// Cache-Control; the next visitor would get the pass from there.
func TestNoCacheKeepsAnAnswerWithAPass(t *testing.T) {
	g := newGate(t, nil)
	g.answer = "Cache-Control: public, max-age=600\r\nCDN-Cache-Control: max-age=600\r\ncloudflare-cdn-cache-control: max-age=600\r\n" +
		"Surrogate-Control: max-age=600\r\nX-Accel-Expires: 600\r\nContent-Length: 6\r\n\r\norigin"
	g.change(func(s *script) {
		s.tail, s.head, s.outcomes[1] = 5, 1, queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(time.Hour)}
	})
	names := []string{"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires"}
	a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(1)))
	if v, _ := cookie(a, "dealgate-pass-spring"); v == "" || !slices.Equal(a.Fields("Cache-Control"), []string{"private"}) {
		t.Errorf("%s", a.Head)
	}
	for _, name := range names {
		if v := a.Fields(name); len(v) > 0 {
			t.Errorf("with a pass: %s %q", name, v)
		}
	}
	a = g.ask("GET", "/deals/1", passCookie(g.pass(1)))
	for _, name := range names {
		if v := a.Fields(name); len(v) != 1 {
			t.Errorf("without a cookie of ours: %s %q", name, v)
		}
	}
}

// TestOurBearerTokensStayHere: the origin gets no token of ours, and every
// Authorization that is not.
func TestOurBearerTokensStayHere(t *testing.T) {
	g := newGate(t, nil)
	pass, old := g.pass(1), g.pass(1, func(c *token.Claims) { c.IssuedAt -= 1000; c.Expires -= 1000 })
	f := func(target, authorization string, goesOn bool) {
		t.Helper()
		before := g.seen()
		a := g.ask("GET", target, passCookie(pass), authorization)
		got := strings.TrimPrefix(g.seen(), before)
		if a.Status != 200 || strings.Contains(got, authorization+"\r\n") != goesOn || !goesOn && strings.Contains(got, "eyJ") {
			t.Errorf("%s %.40s: %d, the origin got %s", target, authorization, a.Status, got)
		}
	}
	for _, target := range []string{"/deals/1", "/elsewhere"} {
		f(target, "Authorization: Bearer "+pass, false)
		f(target, "authorization: bearer "+g.ticket(1), false)
		f(target, "Authorization: Bearer "+old, false)
		f(target, "Authorization: Basic dXNlcjpwYXNz", true)
		f(target, "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJwYXNzOnNwcmluZyJ9.c2lnbmF0dXJl", true)
		f(target, "Authorization: Bearer "+pass[:len(pass)-4]+"AAAA", true)
		f(target, "aUthorization:   Digest a=\"b\"", true)
	}
	if a := g.ask("GET", "/deals/1", "Authorization: Bearer "+pass); a.Status != 200 || strings.Contains(g.seen(), pass) {
		t.Errorf("alone: %s, the origin got %s", a.Head, g.seen())
	}
}
