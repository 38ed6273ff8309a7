package proxy

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

const evil = "GET /evil HTTP/1.1\r\nHost: shop.example\r\n\r\n"

// TestUnreadBodyIsNeverRun is P16: whatever stands in the body of a visitor
// who waits, none of it becomes a request; the visitor gets its answer, and
// nothing reaches the origin. A genuine next request may be answered.
func TestUnreadBodyIsNeverRun(t *testing.T) {
	head := func(method, framing string) string {
		return method + " /deals/1 HTTP/1.1\r\nHost: shop.example\r\n" + framing + "\r\n\r\n"
	}
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) }
	const chunked = "Transfer-Encoding: chunked"
	long := strings.Repeat(evil, 200<<10/len(evil)+1)[:200<<10]
	for _, c := range []struct {
		name  string
		parts []string // sent 300 ms apart
		next  bool     // a genuine request may follow
	}{
		{"a: in the same packet", []string{head("POST", length(len(evil))) + evil}, true},
		{"b: later", []string{head("POST", length(len(evil))), evil}, true},
		{"c: 1 MB announced, 8 KiB sent", []string{head("POST", length(1<<20)) + strings.Repeat("x", 8<<10) + evil}, false},
		{"c: half of it", []string{head("POST", length(1<<20)) + strings.Repeat("x", 512<<10-len(evil)) + evil}, false},
		{"d: 200 KB complete", []string{head("POST", length(len(long))) + long}, true},
		{"e: chunked complete", []string{head("POST", chunked) + "2a\r\n" + evil[:42] + "\r\n0\r\n\r\n"}, true},
		{"f: chunked unfinished", []string{head("POST", chunked) + "5\r\nhello\r\n" + evil}, false},
		{"g: chunked broken", []string{head("POST", chunked) + "5\r\nhelloXX\r\n0\r\n\r\n" + evil}, false},
		{"g: broken size", []string{head("POST", chunked) + "zz\r\n" + evil}, false},
		{"h: expects 100", []string{head("POST", length(len(evil))+"\r\nExpect: 100-continue"), evil}, false},
		{"h: expects 100, sends at once", []string{head("POST", length(len(evil))+"\r\nexpect: 100-continue") + evil}, false},
		{"i: GET with body", []string{head("GET", length(len(evil))) + evil}, true},
		{"HEAD with body", []string{head("HEAD", length(len(evil))) + evil}, true},
		{"DELETE chunked", []string{head("DELETE", chunked) + "2a\r\n" + evil[:42] + "\r\n0\r\n\r\n"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, nil)
			conn := rawtest.Dial(t, g.addr)
			for i, part := range c.parts {
				if i > 0 {
					wait := time.NewTimer(300 * time.Millisecond)
					<-wait.C
				}
				_ = conn.Try(part)
			}
			method, _, _ := strings.Cut(c.parts[0], " ")
			a := conn.Answer(method)
			if a.Status != 429 || method != "HEAD" && a.Err != nil {
				t.Fatalf("the visitor got %q, %v", a.Head, a.Err)
			}
			closes := len(a.Fields("Connection")) > 0
			if c.next && !closes {
				conn.Say("GET /free HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
			}
			rest, _ := conn.Rest()
			switch answers := strings.Count(rest, "HTTP/1.1 "); {
			case c.next && !closes && (answers != 1 || !strings.HasSuffix(rest, "origin")):
				t.Errorf("the genuine next request got %q", rest)
			case !c.next && strings.Contains(rest, "HTTP/1.1 2"), answers > 1:
				t.Errorf("the body got an answer: %q", rest)
			}
			seen := g.seen()
			if strings.Contains(seen, "evil") || strings.Count(seen, "HTTP/1.1") > 1 || (closes || !c.next) && seen != "" {
				t.Errorf("the origin got %q", seen)
			}
		})
	}
}

// TestAnswerArrivesBeforeTheEnd: a client that goes on sending a body nobody
// reads gets its answer whole, and then the end, not a reset that swallows it.
func TestAnswerArrivesBeforeTheEnd(t *testing.T) {
	g := newGate(t, nil)
	for range 20 {
		c := rawtest.Dial(t, g.addr)
		c.Say("POST /deals/1 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\n", strings.Repeat("x", 300<<10))
		a := c.Answer("POST")
		if a.Status != 429 || a.Err != nil {
			t.Fatalf("%q: %v", a.Head, a.Err)
		}
		if rest, err := c.Rest(); rest != "" || err != nil {
			t.Fatalf("after the answer: %q, %v", rest, err)
		}
	}
}

// TestExpect is P17.
func TestExpect(t *testing.T) {
	g := newGate(t, nil)
	f := func(proto, expect, cookie string) *rawtest.Conn {
		t.Helper()
		c := rawtest.Dial(t, g.addr)
		c.Say("POST /deals/1 ", proto, "\r\nHost: shop.example\r\n", cookie, "Content-Length: 4\r\nExpect: ", expect, "\r\n\r\n")
		return c
	}
	admitted := passCookie(g.pass(1)) + "\r\n"

	c := f("HTTP/1.1", "100-continue", "")
	if a := c.Answer("POST"); a.Status != 429 || len(a.Fields("Connection")) == 0 || object(t, a)["state"] != "waiting" {
		t.Errorf("not admitted: %s%s", a.Head, a.Body)
	}
	if rest, _ := c.Rest(); rest != "" {
		t.Errorf("not admitted, then: %q", rest)
	}

	c = f("HTTP/1.1", "100-continue", admitted)
	if a := c.Answer("POST"); a.Status != 100 {
		t.Errorf("admitted: %s", a.Head)
	}
	if strings.Contains(g.seen(), "POST") {
		t.Error("the origin got the request before its body")
	}
	c.Say("body")
	if a := c.Answer("POST"); a.Status != 200 || a.Body != "origin" {
		t.Errorf("admitted, after the body: %s", a.Head)
	}

	for _, header := range []string{"expect: 100-continue", "Expect: 100-CONTINUE", "EXPECT: 100-continue"} {
		c = rawtest.Dial(t, g.addr)
		c.Say("POST /deals/1 HTTP/1.1\r\nHost: shop.example\r\n", admitted, "Content-Length: 4\r\n", header, "\r\n\r\n")
		if a := c.Answer("POST"); a.Status != 100 {
			t.Errorf("%s: %s", header, a.Head)
		}
	}

	c = f("HTTP/1.1", "foo", admitted)
	if a := c.Answer("POST"); a.Status != 417 || len(a.Fields("Connection")) == 0 {
		t.Errorf("Expect: foo: %s", a.Head)
	}
	c = f("HTTP/1.0", "100-continue", admitted)
	c.Say("body")
	if a := c.Answer("POST"); a.Status != 200 {
		t.Errorf("HTTP/1.0: %s", a.Head)
	}

	// The decision is made once: who is admitted at once keeps that session.
	g.change(func(s *script) { s.enters = true })
	c = f("HTTP/1.1", "100-continue", "")
	if a := c.Answer("POST"); a.Status != 100 {
		t.Fatalf("admitted at once: %s", a.Head)
	}
	c.Say("body")
	a := c.Answer("POST")
	if p, _ := cookie(a, "dealgate-pass-spring"); a.Status != 200 || p == "" {
		t.Errorf("admitted at once, after the body: %s", a.Head)
	}
	g.script.mu.Lock()
	defer g.script.mu.Unlock()
	if g.script.joined != 2 {
		t.Errorf("joined %d times, want 2", g.script.joined)
	}
}

func TestExpectOfADeadOrigin(t *testing.T) {
	g := newGate(t, nil)
	g.origin.Close()
	c := rawtest.Dial(t, g.addr)
	c.Say("POST /deals/1 HTTP/1.1\r\nHost: shop.example\r\n", passCookie(g.pass(1)), "\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if a := c.Answer("POST"); a.Status != 502 {
		t.Errorf("%s", a.Head)
	}
}
