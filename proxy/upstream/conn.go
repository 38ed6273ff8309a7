package upstream

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// watchEvery is how often a silent exchange looks whether its client is still
// there.
const watchEvery = 500 * time.Millisecond

// conn is a connection to an origin. One exchange uses it at a time.
type conn struct {
	net.Conn
	target  *target
	peeker  *peeker // nil where the socket cannot be looked at
	direct  *direct // nil where it cannot be used directly
	used    time.Time
	reused  bool
	dropped atomic.Bool

	// For reading, set per exchange.
	question []byte        // to be sent by the next Read, before it reads
	client   net.Conn      // who waits; nil: nobody to look after
	begun    time.Time     // a moment ago, for the first Read to spare it a look at the clock; zero: none
	patience time.Duration // how long the origin may be silent …
	upload   *upload       // … once it has got all of this; nil: it has
	hasty    bool          // a deadline that passes is an answer, not a reason to look around
	armed    time.Time     // the read deadline in force
	writing  time.Time     // the write deadline in force
}

func newConn(t *target, nc net.Conn) *conn {
	return &conn{Conn: nc, target: t, peeker: newPeeker(nc), direct: newDirect(nc)}
}

// quiet reports whether the connection is open and nothing unasked has come in.
func (c *conn) quiet() bool { return c.peeker == nil || c.peeker.look() == silent }

// keep gives c back for the next request.
func (c *conn) keep() {
	c.client, c.upload, c.used = nil, nil, time.Now()
	if !c.target.push(c) {
		c.drop()
	}
}

// drop closes c, once.
func (c *conn) drop() {
	if c.dropped.CompareAndSwap(false, true) {
		c.target.open.Add(-1)
		_ = c.Conn.Close()
	}
}

// Read waits for the origin, after the question was sent if there is one. While it is silent it looks after the client
// from time to time: nobody computes for someone who has left.
func (c *conn) Read(p []byte) (int, error) {
	now := c.begun
	if c.begun = (time.Time{}); now.IsZero() {
		now = time.Now()
	}
	end := now.Add(c.patience)
	for {
		if !c.hasty && c.armed.Sub(now) < watchEvery/2 { // the hasty have set their own
			c.armed = now.Add(watchEvery)
			if err := c.SetReadDeadline(c.armed); err != nil {
				return 0, err
			}
		}
		n, err := c.hear(p)
		if n > 0 || err == nil || c.hasty || !isTimeout(err) {
			return n, err
		}
		now = time.Now()
		if c.upload != nil && !c.upload.over() {
			end = now.Add(c.patience)
		}
		if now.After(end) {
			return 0, err
		}
		if left(c.client) {
			return 0, ErrGone
		}
	}
}

// hear sends the question, if there is one, and reads.
func (c *conn) hear(p []byte) (n int, err error) {
	if c.question != nil {
		if c.direct != nil {
			n, c.question, err = c.direct.ask(c.question, p)
		}
		if len(c.question) > 0 && err == nil {
			_ = c.SetWriteDeadline(time.Now().Add(c.patience))
			_, _ = c.Conn.Write(c.question) // reading shows what became of it
			c.question = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return c.Conn.Read(p)
}

// send writes p while the origin takes some of it at least every stall.
func (c *conn) send(p []byte, stall time.Duration) error {
	if now := time.Now(); c.writing.Sub(now) < stall/2 {
		c.writing = now.Add(stall)
		if err := c.SetWriteDeadline(c.writing); err != nil {
			return err
		}
	}
	_, err := c.Write(p)
	return err
}

// left reports whether the client has closed its connection.
func left(client net.Conn) bool {
	if client == nil {
		return false
	}
	p := newPeeker(client)
	return p != nil && p.look() == shut
}

// bare returns the connection below all wrappers that own up to wrapping.
func bare(c net.Conn) net.Conn {
	for {
		below := inner(c)
		if below == nil {
			return c
		}
		c = below
	}
}

// inner returns what c, such as a TLS connection, wraps; nil if it does not say.
func inner(c net.Conn) net.Conn {
	switch w := c.(type) {
	case interface{ NetConn() net.Conn }:
		return w.NetConn()
	case interface{ UnsafeConn() net.Conn }:
		return w.UnsafeConn()
	}
	return nil
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// A state is what a look at a socket shows without reading it.
type state int

const (
	silent  state = iota // open, nothing to read
	talking              // bytes wait to be read
	shut                 // the other side has closed, or the connection broke
)

// peeker looks at a socket without waiting and without taking anything.
type peeker struct {
	raw  syscall.RawConn
	see  func(fd uintptr)
	seen state
}

// newPeeker returns nil for what is no socket.
func newPeeker(c net.Conn) *peeker {
	s, ok := bare(c).(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peeker{raw: raw}
	p.see = func(fd uintptr) { p.seen = peek(fd) }
	return p
}

func (p *peeker) look() state {
	if err := p.raw.Control(p.see); err != nil {
		return shut
	}
	return p.seen
}
