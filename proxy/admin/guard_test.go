package admin

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const secret = "opensesame-0123456789"

// paths are all that is guarded.
func paths() []string {
	return []string{"GET /", "GET /metrics", "GET /admin/api/rooms", "GET /admin/api/rooms/spring", "PATCH /admin/api/rooms/spring",
		"POST /admin/api/rooms/spring/reset", "GET /admin/assets/dashboard.js", "GET /nothing", "PUT /admin/api/rooms/spring"}
}

func TestATokenIsRequired(t *testing.T) {
	on(t, Config{Token: secret, Metrics: http.NotFoundHandler()}, func(n *node) {
		for _, call := range paths() {
			method, path, _ := strings.Cut(call, " ")
			for _, wrong := range []string{"X: y", "Authorization: Bearer ", "Authorization: Bearer " + secret[1:], "Authorization: Bearer " + secret + "x",
				"Authorization: " + secret, "Authorization: Basic " + secret, "Cookie: token=" + secret} {
				time.Sleep(time.Minute) // no attempt counts against the next
				resp := n.ask(method, path, "", wrong)
				if p := as[problem](n, resp, 401); p.Type != "urn:dealgate:problem:unauthorized" || resp.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s with %s: %+v", call, wrong, p)
				}
			}
		}
		basic := base64.StdEncoding.EncodeToString([]byte("anyone:" + secret))
		for _, right := range []string{"Bearer " + secret, "bearer " + secret, "Basic " + basic} {
			if resp := n.ask("GET", "/admin/api/rooms", "", "Authorization: "+right); resp.StatusCode != 200 {
				t.Errorf("%s: %d", right, resp.StatusCode)
			}
		}
		if strings.Contains(n.log.String(), secret) {
			t.Error("the token is in the log")
		}
	})
}

// TestWithoutATokenOnlyLoopbackIsOpen: a token that was forgotten opens nothing.
func TestWithoutATokenOnlyLoopbackIsOpen(t *testing.T) {
	on(t, Config{}, func(n *node) {
		for _, auth := range []string{"X: y", "Authorization: Bearer ", "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("a:"))} {
			as[problem](n, n.ask("GET", "/admin/api/rooms", "", auth), 401)
		}
	})
	on(t, Config{Loopback: true}, func(n *node) { n.ok("GET", "/admin/api/rooms") })
	on(t, Config{Loopback: true, Token: secret}, func(n *node) {
		as[problem](n, n.ask("GET", "/admin/api/rooms", ""), 401)
	})
}

func (n *node) ok(method, path string, headers ...string) {
	n.t.Helper()
	if resp := n.ask(method, path, "", headers...); resp.StatusCode != 200 {
		n.t.Errorf("%s %s %v: %d", method, path, headers, resp.StatusCode)
	}
}

func TestGuessingIsSlow(t *testing.T) {
	on(t, Config{Token: secret}, func(n *node) {
		for range 10 {
			as[problem](n, n.ask("GET", "/admin/api/rooms", "", "Authorization: Bearer guess"), 401)
		}
		resp := n.ask("GET", "/admin/api/rooms", "", "Authorization: Bearer "+secret)
		if p := as[problem](n, resp, 429); p.Type != "urn:dealgate:problem:too-many-attempts" || resp.Header.Get("Retry-After") != "60" {
			t.Errorf("%+v", p)
		}
		n.ok("GET", "/healthz")
		time.Sleep(time.Minute + time.Second)
		n.ok("GET", "/admin/api/rooms", "Authorization: Bearer "+secret)
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		for i := range 3 * maxAddresses {
			a.add(fmt.Sprintf("10.0.%d.%d:1", i>>8, i&255))
			if len(a.of) > maxAddresses+1 {
				t.Fatal(len(a.of))
			}
		}
		a.add("not an address")
	})
}

func TestForeignHostsAreRefusedOnLoopback(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		for _, host := range []string{"localhost", "LOCALHOST:9090", "127.0.0.1", "127.0.0.1:1", "[::1]:9090", "[::1]"} {
			n.ok("GET", "/admin/api/rooms", "Host: "+host)
		}
		for _, host := range []string{"", "evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1:9090", "127.0.0.1:80:80", "localhost.", "0.0.0.0:9090", "[::]:9090"} {
			for _, call := range paths() {
				method, path, _ := strings.Cut(call, " ")
				if p := as[problem](n, n.ask(method, path, "", "Host: "+host), 403); p.Type != "urn:dealgate:problem:foreign-host" {
					t.Errorf("%s at %q: %+v", call, host, p)
				}
			}
		}
	})
	on(t, Config{Token: secret}, func(n *node) {
		n.ok("GET", "/admin/api/rooms", "Host: gate.internal", "Authorization: Bearer "+secret)
	})
}

func TestForeignOriginsAreRefused(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		patch := func(headers ...string) int {
			return n.ask("PATCH", "/admin/api/rooms/spring", `{"rate":60}`, headers...).StatusCode
		}
		for _, header := range []string{"Origin: http://localhost:9090", "Origin: https://LOCALHOST:9090", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "X: y"} {
			if status := patch(header); status != 200 {
				t.Errorf("%s: %d", header, status)
			}
		}
		for _, header := range []string{"Origin: null", "Origin: http://evil.example", "Origin: http://localhost:3000", "Origin: http://localhost", "Origin: http://127.0.0.1:9090",
			"Origin: localhost:9090", "Origin: file://localhost:9090", "Origin: http://localhost:9090.evil.example", "Origin: http://evil@localhost:90", "Origin: ",
			"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
			if p := as[problem](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"rate":70}`, header), 403); p.Type != "urn:dealgate:problem:foreign-origin" {
				t.Errorf("%s: %+v", header, p)
			}
		}
		if *n.engine.o.Rate != 60 {
			t.Error(*n.engine.o.Rate)
		}
		as[problem](n, n.ask("GET", "/admin/api/rooms", "", "Origin: http://evil.example"), 403)
		n.ok("GET", "/", "Sec-Fetch-Site: cross-site") // a link in a chat
	})
}

// TestOnlyJSONChanges: what a foreign form can send without being asked first is refused.
func TestOnlyJSONChanges(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/merge-patch+json", "application/jsonx", "text/plain; application/json", "application/json; q"} {
			for _, call := range []string{"PATCH /admin/api/rooms/spring", "POST /admin/api/rooms/spring/reset"} {
				method, path, _ := strings.Cut(call, " ")
				if p := as[problem](n, n.ask(method, path, `{}`, "Content-Type: "+media), 415); p.Type != "urn:dealgate:problem:unsupported-media-type" {
					t.Errorf("%s %q: %+v", call, media, p)
				}
			}
		}
		as[roomState](n, n.ask("PATCH", "/admin/api/rooms/spring", `{}`, "Content-Type: application/json; charset=utf-8"), 200)
	})
}

func TestEveryAnswerIsHardened(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		for _, path := range []string{"/", "/healthz", "/admin/api/rooms", "/admin/assets/dashboard.css", "/nothing"} {
			h := n.ask("GET", path, "").Header
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") ||
				h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", path, h)
			}
		}
	})
}
