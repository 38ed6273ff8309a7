package upstream

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

// dead is an address nobody listens at.
func dead(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return "http://" + ln.Addr().String()
}

// R11, the part before the first byte of an answer.
func TestFailuresSayWhatTheyAre(t *testing.T) {
	if a := ask(t, open(t, nil, dead(t)), plain); a.Status != 502 || a.Body != "failed" {
		t.Errorf("refused: %d %q", a.Status, a.Body)
	}
	hangs := func(cfg *Config, _ *gate) {
		cfg.Dial = func(addr string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: timeout{}}
		}
	}
	if a := ask(t, open(t, hangs, dead(t)), plain); a.Status != 504 {
		t.Errorf("connect hangs: %d", a.Status)
	}
	o := once(t, "", true)
	if a := ask(t, open(t, nil, o.URL()), plain); a.Status != 502 || len(o.Received()) != 1 {
		t.Errorf("reset before any byte: %d after %d attempts", a.Status, len(o.Received()))
	}
	for _, answer := range []string{"", "HTTP/1.1 200 OK\r\nConte"} {
		o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
			if _, err := readRequest(c); err == nil {
				c.Say(answer)
				_, _ = c.Rest()
			}
		})
		if a := ask(t, open(t, soon, o.URL()), plain); a.Status != 504 || len(o.Received()) != 1 {
			t.Errorf("silent after %q: %d after %d attempts", answer, a.Status, len(o.Received()))
		}
	}
}

type timeout struct{}

func (timeout) Error() string { return "timed out" }
func (timeout) Timeout() bool { return true }

// A body that stalls is aborted, not ended.
func TestAStalledBodyIsAborted(t *testing.T) {
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err == nil {
			c.Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
			_, _ = c.Rest()
		}
	})
	if a := ask(t, open(t, soon, o.URL()), plain); a.Status != 200 || a.Err == nil {
		t.Errorf("got %d %q %v", a.Status, a.Body, a.Err)
	}
}

// closing is an origin whose first connection answers once and closes when the
// second request has come; the other connections answer well.
func closingIdle(t *testing.T) *rawtest.Origin {
	t.Helper()
	return rawtest.Serve(t, func(c *rawtest.Conn, n int) {
		for i := 0; ; i++ {
			if _, err := readRequest(c); err != nil || n == 0 && i == 1 {
				return
			}
			c.Say(ok)
		}
	})
}

func TestOnlySafeRequestsAreTriedAgainAndOnlyOnce(t *testing.T) {
	f := func(request string, status, requests int) {
		t.Helper()
		o := closingIdle(t)
		g := open(t, nil, o.URL())
		ask(t, g, plain)
		a := ask(t, g, request)
		got := strings.Count(strings.Join(o.Received(), ""), " HTTP/1.1\r\n")
		if a.Status != status || got != 1+requests {
			t.Errorf("%q: status %d after %d attempts, want %d after %d", request, a.Status, got-1, status, requests)
		}
	}
	f(plain, 200, 2)
	f("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 200, 2)
	f("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", 200, 2)
	f("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", 502, 1)
	f("POST / HTTP/1.1\r\nHost: h\r\n\r\n", 502, 1)
	f("PUT / HTTP/1.1\r\nHost: h\r\n\r\n", 502, 1)
	f("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", 502, 1)

	var answered atomic.Bool // the first request only; every connection closes on the next
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err == nil && answered.CompareAndSwap(false, true) {
			c.Say(ok)
			_, _ = readRequest(c)
		}
	})
	g := open(t, nil, o.URL())
	ask(t, g, plain)
	if a := ask(t, g, plain); a.Status != 502 || len(o.Received()) != 2 {
		t.Errorf("status %d after %d connections, want 502 after 2", a.Status, len(o.Received()))
	}
}

// A POST never goes out on a connection the origin has already closed.
func TestAClosedIdleConnectionIsSeenBeforeAPost(t *testing.T) {
	var closed atomic.Bool
	o := rawtest.Serve(t, func(c *rawtest.Conn, n int) {
		for {
			if _, err := readRequest(c); err != nil {
				return
			}
			c.Say(ok)
			if n == 0 {
				_ = c.Close()
				closed.Store(true)
				return
			}
		}
	})
	g := open(t, nil, o.URL())
	ask(t, g, plain)
	rawtest.Until(t, "origin closes", closed.Load)
	if a := ask(t, g, "POST / HTTP/1.1\r\nHost: h\r\n\r\n"); a.Status != 200 {
		t.Errorf("status %d", a.Status)
	}
}

func TestTargetsTakeTurnsAndTheDeadArePassedOver(t *testing.T) {
	one, two := answering(t, ok), answering(t, ok)
	g := open(t, nil, one.URL(), dead(t), two.URL())
	for range 12 {
		if a := ask(t, g, "POST / HTTP/1.1\r\nHost: h\r\n\r\n"); a.Status != 200 {
			t.Errorf("status %d", a.Status)
		}
	}
	if len(one.Received()) == 0 || len(two.Received()) == 0 {
		t.Errorf("%d and %d connections", len(one.Received()), len(two.Received()))
	}
}

func TestConnectionsAreBoundedAndKept(t *testing.T) {
	release := make(chan bool)
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		for {
			if _, err := readRequest(c); err != nil {
				return
			}
			<-release
			c.Say(ok)
		}
	})
	g := open(t, func(cfg *Config, _ *gate) { cfg.MaxConns = 1 }, o.URL())
	c := rawtest.Dial(t, g.addr)
	c.Say(plain)
	rawtest.Until(t, "request at the origin", func() bool { return strings.Contains(strings.Join(o.Received(), ""), "\r\n\r\n") })
	if a := ask(t, g, plain); a.Status != 502 {
		t.Errorf("status %d with all connections taken", a.Status)
	}
	release <- true
	if a := c.Answer("GET"); a.Body != "ok" {
		t.Errorf("got %q %v", a.Body, a.Err)
	}
	c.Say(plain)
	release <- true
	if a := c.Answer("GET"); a.Body != "ok" || len(o.Received()) != 1 {
		t.Errorf("got %q on %d connections", a.Body, len(o.Received()))
	}
}

func TestUnusedConnectionsAreClosed(t *testing.T) {
	gone := make(chan bool, 1)
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err == nil {
			c.Say(ok)
			_, err = c.Rest()
			gone <- err == nil
		}
	})
	g := open(t, func(cfg *Config, _ *gate) { cfg.IdleTimeout = 20 * time.Millisecond }, o.URL())
	ask(t, g, plain)
	if !<-gone {
		t.Error("the origin's connection did not end cleanly")
	}
	if n := g.targets[0].open.Load(); n != 0 {
		t.Errorf("%d connections open", n)
	}
}

func TestReadyKeepsAConnectionAtHand(t *testing.T) {
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	if err := g.Ready(); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, g, plain); a.Status != 200 || len(o.Received()) != 1 {
		t.Errorf("status %d on %d connections", a.Status, len(o.Received()))
	}
	if err := open(t, nil, dead(t)).Ready(); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestTargetsAreChecked(t *testing.T) {
	for _, target := range []string{"", "shop:80", "https://shop", "http://", "http://u@shop", "http://shop/path", "http://shop?x", "ftp://shop"} {
		if _, err := New(Config{Name: "shop", Targets: []string{target}}); err == nil {
			t.Errorf("%q was taken", target)
		}
	}
	if _, err := New(Config{Name: "shop"}); err == nil {
		t.Error("no targets at all were taken")
	}
	u, err := New(Config{Name: "shop", Targets: []string{"http://shop", "http://[::1]:3000/"}})
	if err != nil || u.targets[0].addr != "shop:80" || u.targets[1].addr != "[::1]:3000" {
		t.Errorf("got %v", err)
	}
}
