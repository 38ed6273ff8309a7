package crowd

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// answers returns a Conn whose other end says the texts, one a request, in
// pieces of a few bytes.
func answers(t *testing.T, texts ...string) *Conn {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	go func() {
		defer there.Close()
		request := make([]byte, 1000)
		for _, text := range texts {
			if _, err := there.Read(request); err != nil {
				return
			}
			for len(text) > 0 {
				n := min(len(text), 7)
				if _, err := io.WriteString(there, text[:n]); err != nil {
					return
				}
				text = text[n:]
			}
		}
	}()
	return NewConn(here)
}

func TestReadsAnswers(t *testing.T) {
	f := func(text string, code int, body string) {
		t.Helper()
		a, err := answers(t, text).Do([]byte("GET / HTTP/1.1\r\n\r\n"))
		if err != nil || a.Code != code || string(a.Body) != body {
			t.Errorf("%+v, %v; want %d %q", a, err, code, body)
		}
	}
	long := strings.Repeat("0123456789", 1000)
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello")
	f("HTTP/1.1 200 OK\r\ncontent-length:10000\r\n\r\n"+long, 200, long)
	f("HTTP/1.1 204 No Content\r\n\r\n", 204, "")
	f("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, "")
	f("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, "")
	f("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end")
	f("HTTP/1.1 200 OK\r\n\r\n"+long, 200, long)
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 200, "hello!")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n"+long+"\r\n0\r\n\r\n", 200, long)
	f("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", 201, "x")
}

func TestKnowsBrokenAnswers(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if a, err := answers(t, text).Do([]byte("GET / HTTP/1.1\r\n\r\n")); err == nil || errors.Is(err, errStale) {
			t.Errorf("%.40q: %+v, %v", text, a, err)
		}
	}
	f("")
	f("HTTP/1.1 200 OK\r\n")
	f("SSH-2.0-OpenSSH_9.2\r\n\r\n")
	f("HTTP/1.1 20x OK\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
}

func TestKnowsAKeptConnectionThatWasClosed(t *testing.T) {
	c := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=b; Path=/\r\nset-cookie: c=d\r\nRetry-After: 3\r\nRefresh: 12; url=/\r\nX-Robots-Tag: noindex\r\n\r\n")
	a, err := c.Do([]byte("x"))
	if err != nil || len(a.SetCookie) != 2 || string(a.SetCookie[1]) != "c=d" || string(a.RetryAfter) != "3" || !a.waits() || a.wait().Seconds() != 12 || a.Closes() {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err = c.Do([]byte("x")); !errors.Is(err, errStale) {
		t.Errorf("%v", err)
	}
}

func TestWheelKeepsTimeAndOrder(t *testing.T) {
	w := newWheel(6)
	w.add(0, 5)
	w.add(1, 5)
	w.add(2, 3)
	w.add(3, horizon+5) // another round of the same slot
	f := func(now int64, want ...int32) {
		t.Helper()
		for _, v := range append(want, -1) {
			if got := w.take(now); got != v {
				t.Errorf("at %d: %d, want %d", now, got, v)
			}
		}
	}
	f(2)
	if at := w.soonest(2); at != 3 {
		t.Errorf("soonest %d", at)
	}
	f(5, 2, 0, 1)
	w.add(4, 1) // late already
	f(5)
	f(6, 4)
	if at := w.soonest(6); at != 1006 {
		t.Errorf("soonest %d", at)
	}
	f(horizon + 4)
	w.add(5, horizon+5)
	f(horizon+5, 3, 5)
}

func TestDropsCookies(t *testing.T) {
	v := &Visitor{crowd: &Crowd{cfg: Config{Room: "spring"}}}
	v.crowd.tape.init()
	f := func(line, want string) {
		t.Helper()
		v.take([]byte(line), 0)
		got := ""
		for _, k := range v.cookies {
			got += k.name + "=" + k.value + ";"
		}
		if got != want {
			t.Errorf("after %q: %q, want %q", line, got, want)
		}
	}
	f("a=1; Path=/", "a=1;")
	f("b=2; Max-Age=60; Secure", "a=1;b=2;")
	f("a=3", "a=3;b=2;")
	f("a=; Path=/; Max-Age=0", "b=2;")
	f("b=x; expires=Thu, 01 Jan 1970 00:00:00 GMT", "")
	f("__Host-dealgate-ticket-spring=x.y.z; Max-Age=60", "__Host-dealgate-ticket-spring=x.y.z;")
	f("dealgate-ticket-spring-2=p.q.r", "__Host-dealgate-ticket-spring=x.y.z;dealgate-ticket-spring-2=p.q.r;")
	if v.Ticket() != "x.y.z" || v.Pass() != "" || len(v.Places) != 1 {
		t.Errorf("%q %q %v", v.Ticket(), v.Pass(), v.Places)
	}
}
