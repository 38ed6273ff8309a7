package upstream

import (
	"bufio"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/valyala/fasthttp"
)

const (
	wish = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
	agreed = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x=\r\n\r\n"
)

// socket is an origin that agrees to an upgrade and then runs f.
func socket(t *testing.T, f func(c *rawtest.Conn)) *rawtest.Origin {
	t.Helper()
	return rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := c.Head(); err == nil {
			c.Say(agreed)
			f(c)
		}
	})
}

// P40: the handshake passes, and the proxy may add headers to the 101.
func TestUpgradeHandshake(t *testing.T) {
	o := socket(t, func(c *rawtest.Conn) { _, _ = c.Rest() })
	g := open(t, func(_ *Config, g *gate) {
		g.after = func(ctx *fasthttp.RequestCtx) { ctx.Response.Header.Add("Set-Cookie", "a=1") }
	}, o.URL())
	c := rawtest.Dial(t, g.addr)
	c.Say(wish)
	head, err := c.Head()
	if err != nil {
		t.Fatal(err)
	}
	want := "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x=\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a=1\r\n\r\n"
	if head != want {
		t.Errorf("got %q", head)
	}
	want = "GET /chat HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + own + "\r\n"
	if got := o.Received()[0]; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// P41: after the 101 every byte passes, both ways, and each half ends by itself.
func TestAfterTheUpgradeEveryBytePasses(t *testing.T) {
	const size = 4 << 20
	send := func(w net.Conn, seed uint64) (sum [32]byte) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := sha256.New()
		buf := make([]byte, 64<<10)
		for left := size; left > 0; {
			b := buf[:min(1+r.IntN(len(buf)), left)]
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			h.Write(b)
			if _, err := w.Write(b); err != nil {
				t.Error(err)
				return sum
			}
			left -= len(b)
		}
		if err := bare(w).(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
		return [32]byte(h.Sum(nil))
	}
	receive := func(r io.Reader) [32]byte {
		h := sha256.New()
		if n, err := io.Copy(h, r); n != size || err != nil {
			t.Errorf("%d bytes came: %v", n, err)
		}
		return [32]byte(h.Sum(nil))
	}
	sums := make(chan [32]byte, 2)
	o := socket(t, func(c *rawtest.Conn) {
		sent := make(chan [32]byte)
		go func() { sent <- send(c.Conn, 1) }()
		sums <- receive(c)
		sums <- <-sent
	})
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(wish)
	sent := make(chan [32]byte)
	go func() { sent <- send(c.Conn, 2) }() // at once, without waiting for the 101
	if _, err := c.Head(); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(rawtest.Patience))
	got, up := receive(c), <-sent
	if there, theirs := <-sums, <-sums; there != up || theirs != got {
		t.Error("other bytes came than were sent")
	}
}

func TestAPipeEndsWithEitherSide(t *testing.T) {
	gone := make(chan error, 1)
	o := socket(t, func(c *rawtest.Conn) {
		_, err := c.Rest()
		gone <- err
	})
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(wish)
	_, _ = c.Head()
	_ = c.Close()
	<-gone
	o = socket(t, func(c *rawtest.Conn) { c.Say("bye") })
	c = rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(wish)
	_, _ = c.Head()
	if rest, err := c.Rest(); rest != "bye" || err != nil {
		t.Errorf("got %q %v", rest, err)
	}
	// A silent one ends after its idle time, and all when the upstream closes.
	o = socket(t, func(c *rawtest.Conn) { _, err := c.Rest(); gone <- err })
	g := open(t, func(cfg *Config, _ *gate) { cfg.UpgradeIdle = 50 * time.Millisecond }, o.URL())
	c = rawtest.Dial(t, g.addr)
	c.Say(wish)
	_, _ = c.Head()
	<-gone
	g = open(t, nil, o.URL())
	c = rawtest.Dial(t, g.addr)
	c.Say(wish)
	_, _ = c.Head()
	g.Close()
	<-gone
	rawtest.Until(t, "pipes end", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.pipes) == 0 && g.targets[0].open.Load() == 0
	})
}

// P42, P44, R3: what is no agreed upgrade to a WebSocket stays plain HTTP.
func TestOtherUpgradesDoNotPass(t *testing.T) {
	o := answering(t, "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno")
	if a := ask(t, open(t, nil, o.URL()), wish); a.Status != 426 || a.Body != "no" {
		t.Errorf("a refusal: %d %q", a.Status, a.Body)
	}
	o = answering(t, ok)
	g := open(t, nil, o.URL())
	for _, request := range []string{
		strings.Replace(wish, "websocket", "h2c", 1),
		strings.Replace(wish, "websocket", "websocket, h2c", 1),
		strings.Replace(wish, "websocket", "TLS/1.0", 1),
		strings.Replace(wish, "keep-alive, Upgrade", "keep-alive", 1),
		strings.Replace(wish, "GET", "POST", 1),
		strings.Replace(wish, "\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", 1),
	} {
		got := sent(t, g, o, request)
		if strings.Contains(got, "Upgrade") || strings.Contains(got, "h2c") {
			t.Errorf("%q: the origin got %q", request, got)
		}
	}
	for _, answer := range []string{
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
	} {
		if a := ask(t, open(t, nil, answering(t, answer).URL()), wish); a.Status != 502 {
			t.Errorf("%q: status %d", answer, a.Status)
		}
	}
}

// A WebSocket through fasthttp's own close rules: a request that also says
// close is upgraded like any other.
func TestUpgradeWithClose(t *testing.T) {
	o := socket(t, func(c *rawtest.Conn) { _, _ = io.Copy(c.Conn, bufio.NewReader(c)) })
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(strings.Replace(wish, "keep-alive, Upgrade", "close, Upgrade", 1), "ping")
	if head, err := c.Head(); !strings.HasPrefix(head, "HTTP/1.1 101") {
		t.Fatalf("%q %v", head, err)
	}
	if echo, err := c.Take(4); echo != "ping" {
		t.Errorf("%q %v", echo, err)
	}
}
