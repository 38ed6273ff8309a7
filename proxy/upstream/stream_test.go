package upstream

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

// R12: events reach the client as they are written, and its header before them.
func TestEventsArriveAtOnce(t *testing.T) {
	for _, chunked := range []bool{true, false} {
		next := make(chan time.Time)
		o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
			if _, err := readRequest(c); err != nil {
				return
			}
			if chunked {
				c.Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			} else {
				c.Say("HTTP/1.1 200 OK\r\n\r\n")
			}
			for i := range 5 {
				<-next
				event := fmt.Sprintf("data: %d\n\n", i)
				if chunked {
					event = fmt.Sprintf("%x\r\n%s\r\n", len(event), event)
				}
				next <- time.Now()
				c.Say(event)
			}
			if chunked {
				c.Say("0\r\n\r\n")
			}
		})
		c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
		c.Say(plain)
		if head, err := c.Head(); err != nil || !strings.Contains(head, "chunked") {
			t.Fatalf("head %q %v before the first event", head, err)
		}
		for i := range 5 {
			next <- time.Time{}
			written := <-next
			if event, err := c.Chunk(); event != fmt.Sprintf("data: %d\n\n", i) || err != nil {
				t.Fatalf("event %d: %q %v", i, event, err)
			}
			if d := time.Since(written); d > 50*time.Millisecond {
				t.Errorf("event %d came after %v", i, d)
			}
		}
		if rest, err := c.Chunks(); rest != "" || err != nil {
			t.Errorf("end: %q %v", rest, err)
		}
	}
}

// A body with a length that trickles is passed on as it comes, too.
func TestATricklingBodyIsNotHeldBack(t *testing.T) {
	next := make(chan bool)
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err != nil {
			return
		}
		c.Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		<-next
		c.Say("world")
		_, _ = c.Rest()
	})
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(plain)
	if _, err := c.Head(); err != nil {
		t.Fatal(err)
	}
	if part, err := c.Take(5); part != "hello" {
		t.Fatal(part, err)
	}
	next <- true
	if part, err := c.Take(5); part != "world" {
		t.Fatal(part, err)
	}
}

// A client that leaves ends the request at the origin: while it waits for the
// head, for an event, and in the middle of a download.
func TestALeavingClientEndsTheRequest(t *testing.T) {
	for name, answer := range map[string]string{
		"before the head": "",
		"between events":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n",
		"in a download":   "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			asked, gone := make(chan bool), make(chan bool)
			o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
				defer close(gone)
				if _, err := readRequest(c); err != nil {
					return
				}
				c.Say(answer)
				asked <- true
				if name != "in a download" {
					_, _ = c.Rest()
					return
				}
				for c.Try(strings.Repeat("x", 1<<20)) == nil {
				}
			})
			c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
			c.Say(plain)
			<-asked
			if answer != "" {
				if _, err := c.Head(); err != nil {
					t.Fatal(err)
				}
			}
			_ = c.Close()
			select {
			case <-gone:
			case <-time.After(rawtest.Patience / 2):
				t.Error("the origin's connection is still open")
			}
		})
	}
}

// A large download neither fills the memory nor costs more than its copying.
func TestALargeDownloadIsNotBuffered(t *testing.T) {
	const size = 64 << 20
	part := []byte(strings.Repeat("x", 1<<20))
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err != nil {
			return
		}
		c.Say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		for range size >> 20 {
			if _, err := c.Conn.Write(part); err != nil {
				return
			}
		}
	})
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(plain)
	if _, err := c.Head(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	buf := make([]byte, 1<<20)
	for got := 0; got < size; {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 8<<20 {
		t.Errorf("%d MiB allocated for a download of %d MiB", grown>>20, size>>20)
	}
}

// An upload reaches the origin as it comes, and an answer may come before its end.
func TestBodiesStreamBothWays(t *testing.T) {
	for _, chunked := range []bool{true, false} {
		o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) { // an echo
			head, err := c.Head()
			if err != nil {
				return
			}
			c.Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for {
				part := ""
				if len(rawtest.Fields(head, "Content-Length")) > 0 {
					part, err = c.Take(10000)
				} else {
					part, err = c.Chunk()
				}
				if err != nil || part == "" {
					break
				}
				c.Say(fmt.Sprintf("%x\r\n%s\r\n", len(part), part))
			}
			_ = c.Try("0\r\n\r\n")
		})
		c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
		part := strings.Repeat("x", 10000)
		if chunked {
			c.Say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
		} else {
			c.Say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n")
		}
		for i := range 5 {
			if chunked {
				c.Say(fmt.Sprintf("%x\r\n", len(part)), part, "\r\n")
			} else {
				c.Say(part)
			}
			if i == 0 {
				if head, err := c.Head(); err != nil || !strings.Contains(head, "Connection: close") {
					t.Fatalf("head %q %v", head, err)
				}
			}
			for got := ""; len(got) < len(part); {
				more, err := c.Chunk()
				if err != nil {
					t.Fatal(err)
				}
				got += more
			}
		}
	}
}

// R13: a client that does not read holds the origin back.
func TestASlowClientHoldsTheOriginBack(t *testing.T) {
	const size = 1 << 30
	taken := make(chan int, 1)
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		if _, err := readRequest(c); err != nil {
			return
		}
		c.Say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		part, total := make([]byte, 1<<20), 0
		for total < size {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := c.Conn.Write(part)
			if total += n; err != nil {
				break
			}
		}
		taken <- total
	})
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	c.Say(plain)
	if _, err := c.Head(); err != nil {
		t.Fatal(err)
	}
	if n := <-taken; n > 64<<20 { // what sockets hold
		t.Errorf("%d MiB were taken for a client that reads nothing", n>>20)
	}
}
