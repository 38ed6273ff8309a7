package proxy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

// TestForwardedFor is P28.
func TestForwardedFor(t *testing.T) {
	f := func(trusted []netip.Prefix, want string, headers ...string) {
		t.Helper()
		g := newGate(t, func(c *Config) { c.TrustedProxies = trusted })
		g.ask("GET", "/free", headers...)
		if got := rawtest.Fields(g.seen(), "X-Forwarded-For"); !slices.Equal(got, []string{want}) {
			t.Errorf("%.100q: the origin got %q, want %q", headers, got, want)
		}
	}
	ours := append(slices.Clone(loopback), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"))
	f(nil, "127.0.0.1")
	f(nil, "127.0.0.1", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.1")
	f(ours, "127.0.0.1")
	f(ours, "203.0.113.9, 127.0.0.1", "X-Forwarded-For: 203.0.113.9")
	f(ours, "203.0.113.9, 10.0.0.1, 127.0.0.1", "X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.0.0.1")
	f(ours, "203.0.113.9, 10.0.0.1, 127.0.0.1", "X-Forwarded-For: 1.2.3.4, 203.0.113.9", "x-forwarded-for: 10.0.0.1")
	f(ours, "2001:db8::1, fd00::1, 127.0.0.1", "X-Forwarded-For: 2001:db8::1, fd00::1")
	f(ours, "203.0.113.9, 127.0.0.1", "X-Forwarded-For: 203.0.113.9:4711")
	f(ours, "10.0.0.1, 127.0.0.1", "X-Forwarded-For: 203.0.113.9, banana, 10.0.0.1")
	f(ours, "127.0.0.1", "X-Forwarded-For: "+strings.Repeat("x", 100))
	f(ours, "127.0.0.1", "X-Forwarded-For: , ,")
	f(ours, strings.Repeat("10.0.0.1, ", 32)+"127.0.0.1", "X-Forwarded-For: 203.0.113.9, "+strings.Repeat("10.0.0.1, ", 999)+"10.0.0.1")
}

// TestWhatTheOriginGets is P27, P29 and P30 at the gate.
func TestWhatTheOriginGets(t *testing.T) {
	g := newGate(t, nil)
	a := g.ask("GET", "/deals/1", "Cookie: a=b; dealgate-pass-spring="+g.pass(5)+"; c=d", "cOOkie: e=f", "Accept: x/y", "Accept: z/w", "X-Unknown: 1", "X-unknown: 2",
		"Connection: close, X-Secret, Cookie, Host, X-Forwarded-For", "X-Secret: 1", "Keep-Alive: 5", "TE: trailers, gzip", "Proxy-Authorization: x",
		"Upgrade: h2c", "HTTP2-Settings: AAAA", "X-Dealgate-Room: winter", "x-dealgate-session: public.1.1", "X_Dealgate_Room: winter", "X-Original-URL: /admin",
		"X-Forwarded-Host: evil.example", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4")
	if a.Status != 429 && a.Status != 200 {
		t.Fatalf("%s", a.Head)
	}
	// An upgrade is passive, not unprotected: the pass is what lets it through.
	got := g.seen()
	for _, want := range []string{"\r\nAccept: x/y\r\nAccept: z/w\r\nX-Unknown: 1\r\nX-unknown: 2\r\n", "\r\ncOOkie: e=f\r\n", "\r\nX-Dealgate-Room: spring\r\n", "\r\nX-Dealgate-Session: public.7.5\r\n", "\r\nX-Forwarded-Host: shop.example\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the origin lacks %q: %s", want, got)
		}
	}
	for _, not := range []string{"X-Secret", "Keep-Alive", "gzip", "Proxy-Authorization", "h2c", "HTTP2", "winter", "public.1.1", "dealgate-pass", "X-Original", "evil", "1.2.3.4", "User-Agent", "Content-Type"} {
		if strings.Contains(got, not) {
			t.Errorf("the origin got %q: %s", not, got)
		}
	}
}

func TestOriginFailures(t *testing.T) {
	g := newGate(t, nil)
	g.origin.Close()
	a := g.ask("GET", "/free")
	if a.Status != 502 || object(t, a)["type"] != "urn:dealgate:problem:origin-unreachable" {
		t.Errorf("a program: %s%s", a.Head, a.Body)
	}
	a = g.ask("GET", "/free", html)
	if a.Status != 502 || !strings.HasPrefix(a.Body, "<!doctype html>") || len(a.Fields("Content-Security-Policy")) != 1 || strings.Contains(a.Body, "refused") {
		t.Errorf("a browser: %s%.300s", a.Head, a.Body)
	}
	// The session began all the same: its pass is not lost with the answer.
	g.change(func(s *script) { s.enters = true })
	if p, _ := cookie(g.ask("GET", "/deals/1"), "dealgate-pass-spring"); p == "" {
		t.Error("the pass is lost")
	}
}

func TestNothingMatches(t *testing.T) {
	g := newGate(t, func(c *Config) { c.Routes = nil })
	if a := g.ask("GET", "/free"); a.Status != 404 || object(t, a)["type"] != "urn:dealgate:problem:not-found" {
		t.Errorf("%s%s", a.Head, a.Body)
	}
	if a := g.ask("GET", "/free", html); a.Status != 404 || !strings.HasPrefix(a.Body, "<!doctype html>") {
		t.Errorf("%s%.200s", a.Head, a.Body)
	}
}
