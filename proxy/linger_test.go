package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// duplex is a pipe as a conn's socket. It counts what sets its deadlines.
type duplex struct {
	net.Conn
	ended sync.Once
	sets  int
}

func (d *duplex) CloseWrite() error { return nil }

func (d *duplex) Close() error {
	d.ended.Do(func() { _ = d.Conn.Close() })
	return nil
}

func (d *duplex) SetReadDeadline(t time.Time) error {
	d.sets++
	return d.Conn.SetReadDeadline(t)
}

func (d *duplex) SetWriteDeadline(t time.Time) error {
	d.sets++
	return d.Conn.SetWriteDeadline(t)
}

// joined returns a conn, its socket, and the client at its other end.
func joined(t *testing.T) (c *conn, below *duplex, client net.Conn) {
	client, server := net.Pipe()
	below = &duplex{Conn: server}
	t.Cleanup(func() { _, _ = client.Close(), below.Close() })
	return &conn{Conn: below, tcp: below}, below, client
}

// TestSlowClientsEndInTime: to the instant, whatever came before on the
// connection: a deadline that was only noted holds as well as any.
func TestSlowClientsEndInTime(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
	f := func(name string, gaps []time.Duration, last string, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			srv := (&Handler{}).Server()
			srv.Handler, srv.ErrorHandler = func(*fasthttp.RequestCtx) {}, func(*fasthttp.RequestCtx, error) {}
			c, _, client := joined(t)
			over := make(chan time.Time, 1)
			go func() {
				_ = srv.ServeConn(c)
				over <- time.Now()
			}()
			answers := bufio.NewReader(client)
			for i, gap := range gaps {
				time.Sleep(gap)
				resp := &fasthttp.Response{}
				if _, err := io.WriteString(client, request); err != nil {
					t.Fatalf("%s: request %d: %v", name, i, err)
				}
				if err := resp.Read(answers); err != nil {
					t.Fatalf("%s: answer %d: %v", name, i, err)
				}
			}
			start := time.Now()
			go func() { _, _ = io.Copy(io.Discard, answers) }()
			for i := range last { // a byte in 3 s
				if _, err := io.WriteString(client, last[i:i+1]); err != nil {
					break
				}
				time.Sleep(3 * time.Second)
			}
			if got := (<-over).Sub(start); got != want {
				t.Errorf("%s: ended after %v, want %v", name, got, want)
			}
			_ = client.Close()
			synctest.Wait()
		})
	}
	soon := []time.Duration{0, time.Second, 5 * time.Second, 5 * time.Second}
	late := []time.Duration{0, 59 * time.Second, 12 * time.Second, 59 * time.Second}
	const drip = "GET / HTTP/1.1"
	f("says nothing", nil, "", headerTimeout)
	f("idle", soon, "", idleTimeout)
	f("idle after long waits", late, "", idleTimeout)
	f("slow head", nil, drip, headerTimeout)
	f("slow head after others", soon, drip, headerTimeout)
	f("slow head after long waits", late, drip, headerTimeout)
}

// TestStalledClientsLoseTheirAnswer: who takes nothing is let go of after 20
// to 30 s, however recently it took something.
func TestStalledClientsLoseTheirAnswer(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 9 * time.Second, 11 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			c, _, client := joined(t)
			go func() { _, _ = io.ReadFull(client, make([]byte, 5)) }()
			if _, err := c.Write([]byte("taken")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			start := time.Now()
			_, err := c.Write([]byte("not taken"))
			if took := time.Since(start); !isTimeout(err) || took < writeLeast || took > writeStall {
				t.Errorf("%v after another: %v, %v", after, took, err)
			}
		})
	}
}

// TestDeadlinesOfAReadUnderWay: what moves them from elsewhere is obeyed.
func TestDeadlinesOfAReadUnderWay(t *testing.T) {
	f := func(name string, first, then time.Duration, end func(*conn), want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			c, _, _ := joined(t)
			start := time.Now()
			_ = c.SetReadDeadline(start.Add(first))
			_ = c.SetReadDeadline(start.Add(then))
			if end != nil {
				time.AfterFunc(5*time.Second, func() { end(c) })
			}
			_, err := c.Read(make([]byte, 1))
			if got := time.Since(start); err == nil || got != want {
				t.Errorf("%s: %v after %v, want %v", name, err, got, want)
			}
			time.Sleep(time.Minute) // what lingers ends
		})
	}
	f("later", 3*time.Second, 7*time.Second, nil, 7*time.Second)
	f("earlier", 7*time.Second, 3*time.Second, nil, 3*time.Second)
	f("past", 7*time.Second, -time.Hour, nil, 0)
	f("made past", 3*time.Second, time.Hour, func(c *conn) { _ = c.SetDeadline(time.Unix(1, 0)) }, 5*time.Second)
	f("made later", 6*time.Second, 6*time.Second, func(c *conn) { _ = c.SetReadDeadline(time.Now().Add(3 * time.Second)) }, 8*time.Second)
	f("taken away, then back", 3*time.Second, time.Hour, func(c *conn) {
		_ = c.SetReadDeadline(time.Time{})
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	}, 65*time.Second)
	f("closed", 3*time.Second, time.Hour, func(c *conn) { _ = c.Close() }, 5*time.Second+lingerFor)
}

// TestNoDeadlineAgain: none stays none once an earlier one has passed.
func TestNoDeadlineAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, client := joined(t)
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_ = c.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Hour, func() { _, _ = client.Write([]byte("x")) })
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		synctest.Wait()
		if err := c.SetReadDeadline(time.Now().Add(time.Hour)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed connection took a deadline: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

// TestDeadlinesAreCheap: a busy connection's socket is left alone.
func TestDeadlinesAreCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, below, client := joined(t)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		for range 1000 { // in 5 s
			_ = c.SetReadDeadline(time.Now().Add(headerTimeout))
			_, _ = c.Write([]byte("answer"))
			_ = c.SetReadDeadline(time.Now().Add(idleTimeout))
			time.Sleep(5 * time.Millisecond)
		}
		if below.sets > 2 {
			t.Errorf("%d calls, want one to read and one to write", below.sets)
		}
		_ = client.Close()
		synctest.Wait()
	})
}
