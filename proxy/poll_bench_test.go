package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// browserFields are what a browser sends with a poll, but for the cookie.
const browserFields = "Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: application/json\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: http://shop.example/deals/42\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n" +
	"Cache-Control: no-store\r\nConnection: keep-alive\r\n"

// waitingGate returns a handler whose room has many waiting, and a poll of one of them.
func waitingGate(tb testing.TB) (*Handler, string) {
	tb.Helper()
	keys, err := token.NewKeyring("dealgate", []token.Key{{ID: "k", Alg: "HS256", Secret: secret}})
	if err != nil {
		tb.Fatal(err)
	}
	s := &script{tail: 100_000, head: 1000, outcomes: map[int64]queue.Outcome{}}
	s.view.State, s.view.Rate = queue.Auto, 50
	room, err := queue.NewRoom(queue.Config{Name: "spring", Engine: s, Policy: queue.Policy{
		Rate: 50, Burst: 50, SessionTTL: time.Minute, ReturnWithin: time.Minute, Lanes: []queue.Lane{{Name: "public", Weight: 1}},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	tb.Cleanup(func() { end(); running.Wait() })
	rawtest.Until(tb, "the first sync", func() bool { return !room.View().Now.IsZero() })
	h, err := New(Config{Keys: keys, Rooms: []Room{{Queue: room}}})
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Now()
	tok, err := keys.Append(nil, &token.Claims{
		Kind: token.Ticket, Room: "spring", Lane: "public", Epoch: epoch, Place: 50_000, IssuedAt: at.Unix(), Expires: at.Add(time.Hour).Unix(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h, "GET /.dealgate/rooms/spring/ticket HTTP/1.1\r\n" + browserFields + "Cookie: session=0123456789abcdef; dealgate-ticket-spring=" + string(tok) + "\r\n\r\n"
}

// loop is a connection that asks the same n times.
type loop struct {
	net.Conn
	request []byte
	left    int
	at      int
	first   bytes.Buffer // what came back, of the first answer
}

func (l *loop) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.request[l.at:])
	if l.at += n; l.at == len(l.request) {
		l.at = 0
		l.left--
	}
	return n, nil
}

func (l *loop) Write(p []byte) (int, error) {
	if l.first.Len() == 0 {
		l.first.Write(p)
	}
	return len(p), nil
}

func (l *loop) Close() error                     { return nil }
func (l *loop) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (l *loop) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (l *loop) SetDeadline(time.Time) error      { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

// once returns the answer to one request, as bytes.
func once(tb testing.TB, srv *fasthttp.Server, request string) *fasthttp.Response {
	tb.Helper()
	l := &loop{request: []byte(request), left: 1}
	_ = srv.ServeConn(l)
	resp := &fasthttp.Response{}
	if err := resp.Read(bufio.NewReader(&l.first)); err != nil {
		tb.Fatal(err)
	}
	return resp
}

// BenchmarkPoll is a poll in line, beside a bare handler that gets the same
// request and returns the same bytes, both without a network: b/op of the one over the other is
// more than the ratio of CPU on real connections.
func BenchmarkPoll(b *testing.B) {
	h, request := waitingGate(b)
	srv := h.Server()
	srv.MaxRequestsPerConn = 0
	answer := once(b, srv, request)
	if answer.StatusCode() != 200 || !strings.Contains(string(answer.Body()), `"place":50000`) {
		b.Fatalf("%s", answer)
	}
	bare := h.Server()
	bare.MaxRequestsPerConn = 0
	bare.HeaderReceived, bare.ExpectHandler = nil, nil
	body, retry := bytes.Clone(answer.Body()), string(answer.Header.Peek("Retry-After"))
	bare.Handler = func(ctx *fasthttp.RequestCtx) {
		hd := &ctx.Response.Header
		hd.SetContentType("application/json")
		hd.Set("Cache-Control", "no-store")
		hd.Set("X-Robots-Tag", "noindex")
		hd.Set("X-Content-Type-Options", "nosniff")
		hd.Set("Retry-After", retry)
		ctx.Response.SetBody(body)
	}
	if other := once(b, bare, request); !bytes.Equal(other.Body(), answer.Body()) || other.Header.Len() != answer.Header.Len() {
		b.Fatalf("%s and %s", answer, other)
	}
	for name, s := range map[string]*fasthttp.Server{"dealgate": srv, "bare": bare} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			const batch = 1000
			for b.Loop() {
				_ = s.ServeConn(&loop{request: []byte(request), left: batch})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/poll")
		})
	}
}

// TestManyCookiesAreCheap is the shape of T17: a head full of cookies, many of
// our own name, is answered without a walk through them all for each.
func TestManyCookiesAreCheap(t *testing.T) {
	h, _ := waitingGate(t)
	srv := h.Server()
	srv.MaxRequestsPerConn = 0
	f := func(name, cookie string) {
		t.Helper()
		var hs heads
		for range 4 {
			hs.field([]byte("cookie"), []byte(cookie))
		}
		tried := 0
		if n := testing.AllocsPerRun(10, func() {
			tried = 0
			hs.cookie("dealgate-ticket-spring=", func([]byte) bool { tried++; return false })
		}); n > 1 || tried > maxSame {
			t.Errorf("%s: %v allocations, %d tried", name, n, tried)
		}
		request := "GET /.dealgate/rooms/spring/ticket HTTP/1.1\r\nHost: shop.example\r\nCookie: " + cookie + "\r\n\r\n"
		if got := once(t, srv, request).StatusCode(); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	f("small ones", strings.Repeat("a=b;", 30<<10/4))
	f("of our name", strings.Repeat("dealgate-ticket-spring=x;", 30<<10/25))
	f("nearly of our name", strings.Repeat("dealgate-ticket-sprin;", 30<<10/22))
	f("one of 30 KiB", "dealgate-ticket-spring="+strings.Repeat("x", 30<<10))
	f("dots", "dealgate-ticket-spring="+strings.Repeat(".", 30<<10))
	request := "GET /.dealgate/rooms/spring/ticket HTTP/1.1\r\nHost: shop.example\r\nCookie: " + strings.Repeat("a=b;", 100_000) + "\r\n\r\n"
	if got := once(t, srv, request).StatusCode(); got != 431 {
		t.Errorf("100,000 cookies: %d, want 431", got)
	}
}
