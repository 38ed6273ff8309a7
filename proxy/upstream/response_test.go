package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/valyala/fasthttp"
)

// once is an origin that answers the first request of each connection and
// closes it: cleanly, or by a reset.
func once(t *testing.T, answer string, reset bool) *rawtest.Origin {
	t.Helper()
	return rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err != nil {
			return
		}
		_ = c.Try(answer)
		if tcp, is := bare(c.Conn).(*net.TCPConn); is && reset {
			_ = tcp.SetLinger(0)
		}
	})
}

const plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

func TestAnswersArePassedOnAsTheyAre(t *testing.T) {
	f := func(answer, head, body string) {
		t.Helper()
		a := ask(t, open(t, nil, once(t, answer, false).URL()), plain)
		if a.Head != head || a.Body != body || a.Err != nil {
			t.Errorf("%q:\ngot  %q %q %v\nwant %q %q", answer, a.Head, a.Body, a.Err, head, body)
		}
	}
	f(ok, ok[:len(ok)-2], "ok")
	// R10, and the origin's own Date and Server; nothing is invented.
	f("HTTP/1.1 201 Made it so\r\nServer: o\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 1\r\nx-a: 1\r\nX-A:  2 \r\n"+
		"Set-Cookie: a=1; Path=/; Secure; Partitioned\r\nset-cookie: a=\"2;x\"; path=/b\r\nSet-Cookie: c=\r\n\r\n1",
		"HTTP/1.1 201 Made it so\r\nServer: o\r\nContent-Length: 1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nx-a: 1\r\nX-A: 2\r\n"+
			"Set-Cookie: a=1; Path=/; Secure; Partitioned\r\nSet-Cookie: a=\"2;x\"; path=/b\r\nSet-Cookie: c=\r\n\r\n", "1")
	// R9
	f("HTTP/1.1 200 OK\r\nConnection: X-Foo, close\r\nX-Foo: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\n"+
		"Content-Length: 1\r\nX-Bar: 2\r\n\r\n1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Bar: 2\r\n\r\n", "1")
	// R1
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello")
	// R3
	f("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+ok, ok[:len(ok)-2], "ok")
	// R4
	f("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "")
	f("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", "")
	// R5, R15
	f("HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "hello")
	f("HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "")
	// R14: 20 KB of headers.
	big := strings.Repeat("X-Big: "+strings.Repeat("b", 1000)+"\r\n", 20)
	f("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"+big+"\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"+big+"\r\n", "")
}

func TestWhatIsNotHTTPIsABadGateway(t *testing.T) {
	f := func(answer string) {
		t.Helper()
		a := ask(t, open(t, nil, once(t, answer, false).URL()), plain)
		if a.Head != "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\nConnection: close\r\n\r\n" || a.Body != "failed" {
			t.Errorf("%.200q: %q %q", answer, a.Head, a.Body)
		}
	}
	for _, line := range []string{"HTTP/1.1 200 OK\rX-Evil: 1", "HTTP/1.1 200 O\x00K", "HTTP/1.1 200 O\x7fK", "HTTP/1.1 200\r"} {
		f(line + "\r\nContent-Length: 5\r\n\r\nhello")
	}
	for _, fields := range []string{ // R2, R7
		"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n",
		"Content-Length:\r\n", "Content-Length: 05\r\n", "Content-Length: 99999999999999999999\r\n",
		"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"A: 1\nB: 2\r\n", "A: 1\r\n b\r\n", "A: 1\r\n\tb\r\n", " A: 1\r\n", "A : 1\r\n", "A b: 1\r\n", "A: x\ry\r\n", "A: x\x00y\r\n", "nocolon\r\n", ": 1\r\n",
	} {
		f("HTTP/1.1 200 OK\r\n" + fields + "\r\nhello")
	}
	for _, line := range []string{"HTTP/1.1 20 OK", "HTTP/2 200", "HTTP/1.1 2000 OK", "HTTP/1.2 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "garbage", ""} {
		f(line + "\r\nContent-Length: 5\r\n\r\nhello")
	}
	f("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n") // unasked
	f(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 50) + ok)
	f("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("b", mostHead) + "\r\n\r\n")
	f("HTTP/1.1 200 OK\nContent-Length: 0\n\n") // refused at once, not when patience ends
	f("HTTP/1.1 200 OK\r\nContent-Le")
	f("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-A: 1\r\nContent-Length: 9\r\n\r\nshort")
	f("")
}

// R6: what broke off is never passed on as a clean end.
func TestABrokenAnswerNeverEndsCleanly(t *testing.T) {
	big := strings.Repeat("x", 100<<10)
	chunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, reset := range []bool{false, true} {
		for name, answer := range map[string]string{
			"short":             "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
			"long":              "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + big,
			"after a chunk":     chunks + "5\r\nhello\r\n",
			"inside a chunk":    chunks + "5\r\nhel",
			"inside a size":     chunks + "5\r\nhello\r\n1",
			"before the CRLF":   chunks + "5\r\nhello\r\n0\r\n",
			"bad size":          chunks + "5\r\nhello\r\nzz\r\n",
			"chunk too long":    chunks + "5\r\nhelloXX\r\n0\r\n\r\n",
			"bare line feed":    chunks + "5\nhello\r\n0\r\n\r\n",
			"huge size":         chunks + "FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n",
			"long extension":    chunks + "5;" + strings.Repeat("a", mostChunkLine) + "\r\nhello\r\n0\r\n\r\n",
			"no trailer":        chunks + "5\r\nhello\r\n0\r\n0\r\n\r\n",
			"too many trailers": chunks + "0\r\n" + strings.Repeat("A: b\r\n", mostTrailer) + "\r\n",
		} {
			for _, proto := range []string{"1.1", "1.0"} {
				t.Run(fmt.Sprint(name, reset, proto), func(t *testing.T) {
					a := ask(t, open(t, nil, once(t, answer, reset).URL()), "GET / HTTP/"+proto+"\r\nHost: h\r\n\r\n")
					if a.Err == nil && a.Status != 502 {
						t.Errorf("a clean %d with %d bytes", a.Status, len(a.Body))
					}
				})
			}
		}
	}
}

// R15: an HTTP/1.0 client is never answered in chunks, and its connection ends
// with the answer.
func TestOldClients(t *testing.T) {
	f := func(answer, head, body string) {
		t.Helper()
		c := rawtest.Dial(t, open(t, nil, once(t, answer, false).URL()).addr)
		c.Say("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
		got, err := c.Rest()
		if got != head+body || err != nil {
			t.Errorf("got %q %v", got, err)
		}
	}
	big := strings.Repeat("x", 100<<10)
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19000\r\n"+big+"\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", big)
	f("HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "hello")
	f(ok, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", "ok")
}

// R4, R8: a connection with bytes behind its answer is not used again, whether
// they come at once or later.
func TestSurplusBytesReachNobody(t *testing.T) {
	evil := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
	for name, answer := range map[string]string{
		"GET": ok + evil, "HEAD": ok, "DELETE": "HTTP/1.1 204 No Content\r\n\r\n" + evil,
		"POST": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil,
	} {
		o := answering(t, answer)
		g := open(t, nil, o.URL())
		c := rawtest.Dial(t, g.addr)
		for range 3 {
			c.Say(name, " / HTTP/1.1\r\nHost: h\r\n\r\n")
			if a := c.Answer(name); a.Status/100 != 2 || strings.Contains(a.Body, "EVIL") || a.Err != nil {
				t.Errorf("%s: %d %q %v", name, a.Status, a.Body, a.Err)
			}
		}
		if n := len(o.Received()); n != 3 {
			t.Errorf("%s: %d connections for 3 requests", name, n)
		}
	}
}

// TestSurplusBytesThatLagReachNobody: the connection is in the pool, and unused
// for an instant only, when the origin says more than it was asked for. The next
// request there may be another visitor's.
func TestSurplusBytesThatLagReachNobody(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
	f := func(name, first, answer, next string) {
		t.Helper()
		later := make(chan bool)
		o := rawtest.Serve(t, func(c *rawtest.Conn, nth int) {
			if nth > 0 {
				_, _ = readRequest(c)
				_ = c.Try(good)
				return
			}
			if _, err := readRequest(c); err != nil {
				return
			}
			c.Say(answer)
			<-later
			c.Say("HTTP/1.1 200 OK\r\nSet-Cookie: planted=1\r\nContent-Length: 4\r\n\r\nEVIL")
			later <- true
			_, _ = c.Rest()
		})
		g := open(t, nil, o.URL())
		if a := ask(t, g, first+" / HTTP/1.1\r\nHost: h\r\n\r\n"); a.Err != nil {
			t.Errorf("%s: %v", name, a.Err)
		}
		later <- true
		<-later
		if a := ask(t, g, next+" / HTTP/1.1\r\nHost: h\r\n\r\n"); a.Body != "good" {
			t.Errorf("%s, then %s: got %q %v", name, next, a.Body, a.Err)
		}
	}
	for _, next := range []string{"GET", "POST"} {
		f("a body after HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n", next)
		f("a body after 304", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n", next)
		f("more than the length", "GET", ok, next)
		f("bytes after the last chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", next)
	}
}

func TestAHeadAnswerKeepsItsLength(t *testing.T) {
	o := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
	g := open(t, nil, o.URL())
	c := rawtest.Dial(t, g.addr)
	for range 2 {
		c.Say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := c.Answer("HEAD"); a.Head != "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n" {
			t.Errorf("got %q %v", a.Head, a.Err)
		}
	}
	if n := len(o.Received()); n != 1 {
		t.Errorf("%d connections for 2 requests", n)
	}
}

func TestTheProxyMayChangeHeadersBeforeTheBodyStreams(t *testing.T) {
	big := strings.Repeat("x", 100<<10)
	o := answering(t, "HTTP/1.1 200 OK\r\nX-Dealgate-Command: end\r\nContent-Length: 102400\r\n\r\n"+big)
	g := open(t, func(_ *Config, g *gate) {
		g.after = func(ctx *fasthttp.RequestCtx) {
			h := &ctx.Response.Header
			if string(h.Peek("X-Dealgate-Command")) != "end" {
				t.Errorf("no command in %q", h.String())
			}
			h.Del("X-Dealgate-Command")
			h.Add("Set-Cookie", "a=1")
		}
	}, o.URL())
	a := ask(t, g, plain)
	if a.Head != "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\nSet-Cookie: a=1\r\n\r\n" || a.Body != big || a.Err != nil {
		t.Errorf("got %q, %d bytes, %v", a.Head, len(a.Body), a.Err)
	}
}

// A proxy that decides otherwise replaces the whole response.
func TestAStreamedAnswerCanBeReplaced(t *testing.T) {
	o := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n"+strings.Repeat("x", 100<<10))
	g := open(t, func(_ *Config, g *gate) {
		g.after = func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Reset()
			ctx.Response.SetBodyString("no")
		}
	}, o.URL())
	if a := ask(t, g, plain); a.Body != "no" || a.Err != nil {
		t.Errorf("got %q %v", a.Body, a.Err)
	}
}

func TestChunkSize(t *testing.T) {
	f := func(line string, want int64, fine bool) {
		t.Helper()
		if n, ok := chunkSize([]byte(line)); ok != fine || ok && n != want {
			t.Errorf("%q: %d %v", line, n, ok)
		}
	}
	f("0", 0, true)
	f("1aF", 0x1af, true)
	f("5;a=b", 5, true)
	f("5 ;a", 5, true)
	f("5  ", 5, true)
	f("5;a\rX", 0, false)
	f("5;a=b\x00", 0, false)
	f("", 0, false)
	f(" 5", 0, false)
	f("+5", 0, false)
	f("0x5", 0, false)
	f("5_0", 0, false)
	f(";a", 0, false)
	f("5 5", 0, false)
	f("FFFFFFFFFFFFFFFF", 0, false)
}

func TestErrorsSayWhoFailed(t *testing.T) {
	err := reading(io.EOF, true)
	if !errors.Is(err, ErrBroken) || !errors.Is(err, errSilent) {
		t.Error(err)
	}
	if err = reading(io.EOF, false); !errors.Is(err, ErrBroken) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
