package upstream

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// page is a request as browsers send it, with a pass, and answer what a shop's
// API says.
const (
	page = "GET /deals/42?ref=mail HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: ko-KR,ko;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Connection: keep-alive\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543; __Host-dealgate-pass-spring=eyJhbGciOiJIUzI1NiIsImtpZCI6IjIwMjYtMTEifQ.eyJhdWQiOiJwYXNzOnNwcmluZyJ9.c2lnbmF0dXJl; theme=dark\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nUpgrade-Insecure-Requests: 1\r\n\r\n"
	answerHead = "HTTP/1.1 200 OK\r\nServer: shop\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n" +
		"Cache-Control: private\r\nETag: \"33a64df5\"\r\nVary: Accept-Encoding\r\nSet-Cookie: session=8f14e45fceea167a5a36dedd4bea2543; Path=/; HttpOnly\r\n\r\n"
)

// serveFixed is an origin that answers every head it reads with the same bytes, and
// allocates nothing.
func serveFixed(t testing.TB, answer []byte) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				br := bufio.NewReaderSize(c, 16<<10)
				for {
					line, err := br.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) > 2 {
						continue
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// bareProxy is a fasthttp proxy with nothing to it.
func bareProxy(t testing.TB, origin string) string {
	t.Helper()
	client := &fasthttp.HostClient{Addr: origin, DisablePathNormalizing: true, NoDefaultUserAgentHeader: true, MaxConns: 4096}
	srv := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
			ctx.Error("bad gateway", fasthttp.StatusBadGateway)
		}
	}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() { _ = srv.Serve(ln) }()
	return ln.Addr().String()
}

// caller sends the same request again and again on one connection, without
// allocating, and reads answers of a body of size bytes.
type caller struct {
	c       net.Conn
	br      *bufio.Reader
	request []byte
	size    int
}

func call(t testing.TB, addr string, size int) *caller {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &caller{c: c, br: bufio.NewReaderSize(c, 64<<10), request: []byte(page), size: size}
}

func (c *caller) once(t testing.TB) {
	if _, err := c.c.Write(c.request); err != nil {
		t.Fatal(err)
	}
	line, err := c.br.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		t.Fatalf("%q %v", line, err)
	}
	for len(line) > 2 {
		if line, err = c.br.ReadSlice('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.br.Discard(c.size); err != nil {
		t.Fatal(err)
	}
}

// lean starts a gate whose own part allocates nothing, and returns its address.
func lean(t testing.TB, origin string) string {
	t.Helper()
	u, err := New(Config{Name: "shop", Targets: []string{"http://" + origin}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	chain, session := []byte("192.0.2.7"), []byte("public-4711")
	scratch := sync.Pool{New: func() any { return &Forwarding{RequestID: make([]byte, 0, 128)} }}
	srv := server(func(ctx *fasthttp.RequestCtx) {
		f := scratch.Get().(*Forwarding)
		*f = Forwarding{
			RequestID: f.RequestID[:0], ForwardedFor: chain, Host: ctx.Request.Header.Host(), Session: session, Room: "spring", Proto: "https",
		}
		err := u.Forward(ctx, f)
		scratch.Put(f)
		if err != nil {
			ctx.Error("bad gateway", fasthttp.StatusBadGateway)
		}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() { _ = srv.Serve(ln) }()
	return ln.Addr().String()
}

// The forward path allocates nothing per request.
func TestForwardingAllocatesNothing(t *testing.T) {
	body := strings.Repeat("x", 1024)
	c := call(t, lean(t, serveFixed(t, []byte(answerHead+body))), len(body))
	for range 100 {
		c.once(t) // the pools and headers grow to size
	}
	if n := testing.AllocsPerRun(1000, func() { c.once(t) }); n > 0 && !raced {
		t.Errorf("%v allocations per request", n)
	}
}

// BenchmarkForward compares, in CPU time of the whole process: clients asking
// the origin directly, through a bare fasthttp proxy, and through ours, in turn
// so that all meet the same machine. What a proxy costs is the difference to
// direct; ours/bare is the ratio of these.
func BenchmarkForward(b *testing.B) {
	const clients, round = 32, 2000
	body := strings.Repeat("x", 1024)
	origin := serveFixed(b, []byte(answerHead+body))
	addrs := [...]string{origin, bareProxy(b, origin), lean(b, origin)}
	var used [len(addrs)]time.Duration
	var callers [len(addrs)][clients]*caller
	for kind, addr := range addrs {
		for i := range clients {
			callers[kind][i] = call(b, addr, len(body))
		}
	}
	rounds := (b.N + round - 1) / round
	b.ReportAllocs()
	b.ResetTimer()
	for range rounds {
		for kind := range addrs {
			before := cpu(b)
			var all sync.WaitGroup
			for _, c := range callers[kind] {
				all.Go(func() {
					for range round / clients {
						c.once(b)
					}
				})
			}
			all.Wait()
			used[kind] += cpu(b) - before
		}
	}
	per := func(d time.Duration) float64 {
		return float64(d.Nanoseconds()) / 1e3 / float64(rounds*(round/clients)*clients)
	}
	b.ReportMetric(per(used[0]), "direct-µs")
	b.ReportMetric(per(used[1]-used[0]), "bare-µs")
	b.ReportMetric(per(used[2]-used[0]), "ours-µs")
	b.ReportMetric(float64(used[2]-used[0])/float64(used[1]-used[0]), "ours/bare")
}

// cpu returns the CPU time this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
