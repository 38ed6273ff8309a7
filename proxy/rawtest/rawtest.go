// Package rawtest plays clients and origins byte for byte in tests: what is
// sent is what the test wrote, what came is what the peer sent. No HTTP library
// stands between, so none repairs what the test is about.
package rawtest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long the kit waits for what must come.
const Patience = 10 * time.Second

// Conn is one end of a connection. Its methods fail the test where something
// must come and does not.
type Conn struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func newConn(t testing.TB, c net.Conn) *Conn {
	return &Conn{Conn: c, t: t, r: bufio.NewReaderSize(c, 64<<10)}
}

// Dial connects a client to addr. The connection closes with the test.
func Dial(t testing.TB, addr string) *Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return newConn(t, c)
}

// Read reads what the buffered methods left over.
func (c *Conn) Read(p []byte) (int, error) { return c.r.Read(p) }

// Say sends the parts as they are.
func (c *Conn) Say(parts ...string) {
	c.t.Helper()
	if err := c.Try(parts...); err != nil {
		c.t.Errorf("say: %v", err)
	}
}

// Try is Say where the peer may have gone.
func (c *Conn) Try(parts ...string) error {
	_ = c.SetWriteDeadline(time.Now().Add(Patience))
	_, err := io.WriteString(c.Conn, strings.Join(parts, ""))
	return err
}

// Head returns the bytes up to and including the empty line that ends a head,
// or what came of it and why no more did.
func (c *Conn) Head() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(Patience))
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b, err := c.r.ReadByte()
		if err != nil {
			return string(head), err
		}
		head = append(head, b)
	}
	return string(head), nil
}

// Take returns the next n bytes.
func (c *Conn) Take(n int) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(Patience))
	b := make([]byte, n)
	n, err := io.ReadFull(c.r, b)
	return string(b[:n]), err
}

// Chunks returns the data of a chunked body and reads past its end.
func (c *Conn) Chunks() (string, error) {
	var data strings.Builder
	for {
		part, err := c.Chunk()
		if err != nil {
			return data.String(), err
		}
		if part == "" {
			return data.String(), c.exactly("\r\n")
		}
		data.WriteString(part)
	}
}

// Chunk returns the data of the next chunk, "" for the last one.
func (c *Conn) Chunk() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(Patience))
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
	if err != nil || n == 0 {
		return "", err
	}
	data, err := c.Take(int(n))
	if err != nil {
		return data, err
	}
	return data, c.exactly("\r\n")
}

func (c *Conn) exactly(want string) error {
	got, err := c.Take(len(want))
	if err == nil && got != want {
		err = errors.New("want " + strconv.Quote(want) + ", got " + strconv.Quote(got))
	}
	return err
}

// Rest returns what comes until the peer closes, and the error when it does not
// do so by a clean end.
func (c *Conn) Rest() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(Patience))
	b, err := io.ReadAll(c.r)
	return string(b), err
}

// An Answer is a response as it came.
type Answer struct {
	Status int
	Head   string // with the status line and the empty line
	Body   string // decoded when chunked
	Err    error  // why the body is not complete; io.EOF or ErrUnexpectedEOF: cut off
}

// Fields returns the values of the named header, in order.
func (a *Answer) Fields(name string) []string { return Fields(a.Head, name) }

// Answer reads a response to a request of the given method.
func (c *Conn) Answer(method string) *Answer {
	c.t.Helper()
	head, err := c.Head()
	a := &Answer{Head: head, Err: err}
	if err != nil {
		return a
	}
	if len(head) < 12 || !strings.HasPrefix(head, "HTTP/1.1 ") {
		c.t.Errorf("no status line: %q", head)
		return a
	}
	a.Status, _ = strconv.Atoi(head[9:12])
	coding, length := a.Fields("Transfer-Encoding"), a.Fields("Content-Length")
	switch {
	case a.Status < 200 || a.Status == 204 || a.Status == 304 || method == "HEAD":
	case len(coding) > 0:
		a.Body, a.Err = c.Chunks()
	case len(length) > 0:
		n, _ := strconv.Atoi(length[0])
		a.Body, a.Err = c.Take(n)
	default:
		a.Body, a.Err = c.Rest()
	}
	return a
}

// Fields returns the values of the named header in a raw head, in order.
func Fields(head, name string) []string {
	var values []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

// Origin is a server that a test scripts connection by connection.
type Origin struct {
	Addr string
	ln   net.Listener

	mu    sync.Mutex // guards what follows
	conns []*record
}

// record keeps what a connection brought.
type record struct {
	net.Conn
	mu  sync.Mutex
	got bytes.Buffer
}

func (r *record) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got.Write(p[:n])
	return n, err
}

// NetConn returns the connection below.
func (r *record) NetConn() net.Conn { return r.Conn }

// Serve starts an origin on the loopback: each connection is handed to handle
// with its number, from 0, and closed when that returns. The origin ends with
// the test, and waits for its handlers.
func Serve(t testing.TB, handle func(c *Conn, n int)) *Origin {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &Origin{Addr: ln.Addr().String(), ln: ln}
	var running sync.WaitGroup
	running.Go(func() {
		for n := 0; ; n++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			r := &record{Conn: nc}
			o.mu.Lock()
			o.conns = append(o.conns, r)
			o.mu.Unlock()
			running.Go(func() {
				defer func() { _ = r.Conn.Close() }()
				handle(newConn(t, r), n)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		o.mu.Lock()
		for _, r := range o.conns {
			_ = r.Conn.Close()
		}
		o.mu.Unlock()
		running.Wait()
	})
	return o
}

// URL returns the origin's address as http://host:port.
func (o *Origin) URL() string { return "http://" + o.Addr }

// Close stops accepting connections.
func (o *Origin) Close() { _ = o.ln.Close() }

// Received returns the bytes each connection brought so far.
func (o *Origin) Received() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, r := range o.conns {
		r.mu.Lock()
		all = append(all, r.got.String())
		r.mu.Unlock()
	}
	return all
}

// Until waits for a condition that must come true.
func Until(t testing.TB, what string, met func() bool) {
	t.Helper()
	end := time.NewTimer(Patience)
	defer end.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("%s: not within %v", what, Patience)
		}
	}
}
