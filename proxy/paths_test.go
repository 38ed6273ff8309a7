package proxy

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/proxy/upstream"
)

// TestNoSpellingGetsPast is Q21: whatever the spelling of a protected path,
// the method, the host's spelling and the HTTP version, nothing of who is not admitted
// reaches the origin, although a route forwards all that no room protects.
func TestNoSpellingGetsPast(t *testing.T) {
	g := newGate(t, nil)
	hosts := []string{"shop.example", "SHOP.example", "shop.example:80", "Shop.Example.:8080", "shop.example."}
	unnamed := []string{"127.0.0.1", "other.example", "[::1]", "[::1]:80", "x.shop.example", "2130706433"}
	n := 0
	f := func(method, target, host, version string) {
		t.Helper()
		n++
		c := rawtest.Dial(t, g.addr)
		defer c.Close()
		c.Say(method, " ", target, " ", version, "\r\nHost: ", host, "\r\nConnection: close\r\n\r\n")
		if a := c.Answer(method); a.Status/100 == 2 || a.Status == 404 {
			t.Errorf("%s %s of %s by %s: %s", method, target, host, version, a.Head)
		}
	}
	all := append(spellings("deals", "42"), "/buy", "/BUY", "/b%75y", "/buy/", "/buy;x", "/buy%3fa", "/buy%23", "/./buy", "/x/../buy", "//buy")
	for _, target := range all {
		f("GET", target, "shop.example", "HTTP/1.1")
		f("GET", target, "localhost", "HTTP/1.1")
		f("GET", "http://shop.example"+target, "shop.example", "HTTP/1.1")
	}
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "QUERY", "get", "Get", "TRACE"} {
		for _, target := range all[:20] {
			f(method, target, "shop.example", "HTTP/1.1")
		}
	}
	for _, host := range append(hosts, unnamed...) {
		for _, target := range all {
			f("GET", target, host, "HTTP/1.0")
		}
	}
	for _, version := range []string{"HTTP/1.2", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.10", ""} {
		f("GET", "/deals/42", "shop.example", version)
	}
	if got := g.seen(); got != "" {
		t.Errorf("after %d requests the origin got %.500q", n, got)
	}
	// The gate is not simply shut.
	for _, free := range []string{"/", "/free", "/dealsx", "/x/deals", "/a%2fb", "/buy/1", "/a;b/c", "/x%3fy"} {
		if a := g.ask("GET", free); a.Status != 200 {
			t.Errorf("%s: %s", free, a.Head)
		}
	}
}

// TestRawTargetIsForwarded is P25: what decides is a copy; the origin gets what was sent.
func TestRawTargetIsForwarded(t *testing.T) {
	g := newGate(t, nil)
	pass := passCookie(g.pass(1))
	for _, target := range []string{
		"/deals/%2e%2e/b", "/deals/../b", "//evil.example/x", "/deals//a", "/deals/a;x/b", "/deals/a?", "/deals/%00", "/deals/%c0%af",
		"/deals/a?b=%zz&c=\\", "/deals/?a=b?c", "/DEALS/%41",
	} {
		if a := g.ask("GET", target, pass); a.Status != 200 {
			t.Errorf("%s: %s", target, a.Head)
			continue
		}
		if got := g.origin.Received(); !strings.HasPrefix(got[len(got)-1], "") || !strings.Contains(strings.Join(got, ""), "GET "+target+" HTTP/1.1\r\n") {
			t.Errorf("%s: the origin got %q", target, got)
		}
	}
	if a := g.ask("GET", "http://shop.example/deals/abs?x=y", pass); a.Status != 200 || !strings.Contains(g.seen(), "GET /deals/abs?x=y HTTP/1.1\r\nHost: shop.example\r\n") {
		t.Errorf("absolute form: %s", a.Head)
	}
}

// TestRefusedRequests are rows P1–P6 and P18–P25 as far as they are decided
// here: data in testdata/refused.txt. Refused means 4xx or 5xx, closed, and
// nothing at the origin.
func TestRefusedRequests(t *testing.T) {
	data, err := os.ReadFile("testdata/refused.txt")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, nil)
	n := 0
	for line := range strings.Lines(string(data)) {
		name, raw, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || name == "#" {
			continue
		}
		n++
		raw = strings.ReplaceAll(unquote(t, raw), "{H}", "Host: shop.example\r\n")
		c := rawtest.Dial(t, g.addr)
		_ = c.Try(raw)
		a := c.Answer("GET")
		if a.Status < 400 || a.Status == 404 || a.Status == 429 || len(a.Fields("Connection")) == 0 {
			t.Errorf("%s %q: %q", name, raw, a.Head)
		}
		if rest, _ := c.Rest(); strings.Contains(rest, "HTTP/1.1 2") {
			t.Errorf("%s %q: then %q", name, raw, rest)
		}
		c.Close()
	}
	if n < 60 || g.seen() != "" {
		t.Errorf("%d requests, the origin got %q", n, g.seen())
	}
}

func TestRules(t *testing.T) {
	up, other := new(upstream.Upstream), new(upstream.Upstream)
	spring, summer := startRoom(t, "spring", &script{}), startRoom(t, "summer", &script{})
	tab, err := compile(Config{
		Keys: newGate(t, nil).keys,
		Rooms: []Room{
			{Queue: spring, Upstream: up, Match: []Match{{Host: "Shop.Example:8080", Path: "/Deals/*", Methods: []string{"GET", "POST"}}}},
			{Queue: summer, Upstream: up, Match: []Match{{Host: "*.shop.example"}, {Host: "shop.example", Path: "/deals/x"}}},
		},
		Routes: []Route{
			{Match: []Match{{Host: "admin.example", Path: "/*"}}, Upstream: up},
			{Match: []Match{{Path: "/static/*"}}, Upstream: other},
			{Match: []Match{{Path: "/*"}}, Upstream: up},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := func(method, host, target, want string) {
		t.Helper()
		s := canonical(nil, []byte(target))
		d := tab.find([]byte(host), []byte(method), method == "OVERRIDDEN", &s)
		got := "nowhere"
		switch {
		case d.room != nil:
			got = d.room.name
		case d.upstream == other:
			got = "other"
		case d.upstream == up:
			got = "shop"
		}
		if got != want {
			t.Errorf("%s %s%s goes to %s, want %s", method, host, target, got, want)
		}
	}
	f("GET", "shop.example", "/deals", "spring")
	f("GET", "shop.example", "/deals/1", "spring")
	f("HEAD", "shop.example", "/deals/1", "spring")
	f("DELETE", "shop.example", "/deals/1", "shop")
	f("OVERRIDDEN", "shop.example", "/deals/1", "spring")
	f("GET", "shop.example", "/deals/x", "spring") // the first room wins
	f("DELETE", "shop.example", "/deals/x", "summer")
	f("GET", "shop.example", "/dealsx", "shop")
	f("GET", "a.shop.example", "/", "summer")
	f("GET", "a.b.shop.example", "/", "summer")
	f("GET", "xshop.example", "/", "summer")        // a host nobody names: as on the others
	f("GET", "admin.example", "/deals/1", "shop")   // named by a route: open
	f("GET", "127.0.0.1", "/deals/1", "spring")     // named by nobody
	f("GET", "127.0.0.1", "/static/deals", "other") // another origin
	f("GET", "shop.example", "/static/x", "other")
	f("GET", "admin.example", "/static/../deals/1", "shop")

	for _, m := range []Match{
		{Host: "a b"}, {Host: "*"}, {Host: "*.*.example"}, {Host: "a:99999"}, {Path: "deals"}, {Path: "/a/../b"}, {Path: "/a*"}, {Path: "/*/a"},
		{Path: "/a%00"}, {Path: "//a"}, {Path: "/a?b"}, {Path: "*"},
	} {
		if _, err := compileRule(m); err == nil {
			t.Errorf("%+v was taken", m)
		}
	}
}

func TestHostName(t *testing.T) {
	f := func(h, want string) {
		t.Helper()
		got, ok := hostName(nil, []byte(h))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", h, got, ok, want)
		}
	}
	f("shop.example", "shop.example")
	f("Shop.EXAMPLE.", "shop.example")
	f("shop.example:8080", "shop.example")
	f("shop.example:", "shop.example")
	f("127.0.0.1:80", "127.0.0.1")
	f("[::1]", "[::1]")
	f("[2001:DB8::1]:443", "[2001:db8::1]")
	for _, bad := range slices.Concat([]string{
		"", ".", "a/evil", "a?x", "a#x", "u@a", "a, b", "a b", "a:80:90", "a:99999", "a:x", "[::1", "[::1]x", "[::1%25eth0]", "[1.2.3.4]", "a\x00b", "a%2eb", "ä",
		"a\tb", `a\b`, "*", strings.Repeat("a", 300),
	}) {
		f(bad, "")
	}
}
