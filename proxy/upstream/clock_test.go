package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// pretend runs f in front of an origin that lives in memory, on a fake clock.
func pretend(t *testing.T, cfg Config, origin func(c net.Conn, br *bufio.Reader), f func(c net.Conn, br *bufio.Reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		back := fasthttputil.NewInmemoryListener()
		go func() {
			for {
				c, err := back.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					origin(c, bufio.NewReader(c))
				}()
			}
		}()
		cfg.Targets = []string{"http://memory"}
		cfg.Dial = func(string) (net.Conn, error) { return back.Dial() }
		u, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		front := fasthttputil.NewInmemoryListener()
		g := &gate{Upstream: u}
		srv := server(g.serve)
		go func() { _ = srv.Serve(front) }()
		c, err := front.Dial()
		if err != nil {
			t.Fatal(err)
		}
		f(c, bufio.NewReader(c))
		_ = c.Close()
		_ = srv.Shutdown()
		_ = back.Close()
		u.Close()
		time.Sleep(time.Minute) // fasthttp's cleaners end
	})
}

// swallow reads a request and answers it.
func swallow(c net.Conn, br *bufio.Reader) {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if _, err := io.WriteString(c, ok); err != nil {
			return
		}
	}
}

// An upload may take longer than the origin has for its answer: that time
// begins when it has got everything.
func TestALongUploadIsNoLateAnswer(t *testing.T) {
	part := strings.Repeat("x", 10000)
	pretend(t, Config{AnswerTimeout: 30 * time.Second}, swallow, func(c net.Conn, br *bufio.Reader) {
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
		for range 30 {
			time.Sleep(9 * time.Second)
			_, _ = io.WriteString(c, part)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v %v", resp, err)
		}
	})
}

// P50: a body that only trickles does not hold a connection to the origin.
func TestATricklingUploadIsCutOff(t *testing.T) {
	gone := make(chan error, 1)
	origin := func(c net.Conn, br *bufio.Reader) {
		_, err := io.Copy(io.Discard, br)
		gone <- err
	}
	pretend(t, Config{}, origin, func(c net.Conn, br *bufio.Reader) {
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
		start := time.Now()
		for {
			if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil || time.Since(start) > 20*time.Second {
				break
			}
			time.Sleep(time.Second)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 400 {
			t.Fatalf("got %v %v", resp, err)
		}
		<-gone
	})
}

// R11: an origin that never answers is given up when its time is over, and one
// that stalls in the middle of a body when that is.
func TestPatienceEnds(t *testing.T) {
	silent := func(answer string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, br *bufio.Reader) {
			if _, err := http.ReadRequest(br); err == nil {
				_, _ = io.WriteString(c, answer)
				_, _ = io.Copy(io.Discard, br)
			}
		}
	}
	cfg := Config{AnswerTimeout: 20 * time.Second, StallTimeout: 40 * time.Second}
	pretend(t, cfg, silent(""), func(c net.Conn, br *bufio.Reader) {
		start := time.Now()
		_, _ = io.WriteString(c, plain)
		resp, err := http.ReadResponse(br, nil)
		if took := time.Since(start); err != nil || resp.StatusCode != 504 || took < 20*time.Second || took > 21*time.Second {
			t.Fatalf("got %v %v after %v", resp, err, took)
		}
	})
	pretend(t, cfg, silent("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), func(c net.Conn, br *bufio.Reader) {
		start := time.Now()
		_, _ = io.WriteString(c, plain)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		if took := time.Since(start); !errors.Is(err, io.ErrUnexpectedEOF) || took < 40*time.Second || took > 41*time.Second {
			t.Fatalf("got %v after %v", err, took)
		}
	})
}

// What has come of a short answer that lags is passed on after a moment.
func TestAShortAnswerThatLagsIsNotHeldBack(t *testing.T) {
	origin := func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
			time.Sleep(2 * time.Second)
			_, _ = io.WriteString(c, "world")
		}
	}
	pretend(t, Config{}, origin, func(c net.Conn, br *bufio.Reader) {
		start := time.Now()
		_, _ = io.WriteString(c, plain)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 5)
		_, err = io.ReadFull(resp.Body, half)
		if took := time.Since(start); err != nil || string(half) != "hello" || took > gatherFor+time.Millisecond {
			t.Errorf("got %q %v after %v", half, err, took)
		}
		rest, err := io.ReadAll(resp.Body)
		if took := time.Since(start); err != nil || string(rest) != "world" || took > 2*time.Second+time.Millisecond {
			t.Errorf("got %q %v after %v", rest, err, took)
		}
	})
}

var _ fasthttp.ReadCloserWithError = (*exchange)(nil)
