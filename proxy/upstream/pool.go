package upstream

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// restFor is how long a target that could not be reached is passed over
	// while there are others.
	restFor = time.Second
	// watchEvery is how often a silent exchange looks whether its client is
	// still there.
	watchEvery = 500 * time.Millisecond
	// trustFor is how long an unused connection counts as open without a look.
	trustFor = 10 * time.Millisecond
)

// A choice says which connection a request may take.
type choice int

const (
	pooled choice = iota // any
	proved               // a new one, or one that was just seen to be open
	fresh                // a new one
)

// connect returns a connection to one of the targets, in turn; one that cannot
// be reached is passed over while another can.
func (u *Upstream) connect(which choice, now time.Time) (*conn, error) {
	turn := int(u.turn.Add(1))
	var failed error
	for _, resting := range [...]bool{false, true} {
		for i := range u.targets {
			t := u.targets[(turn+i)%len(u.targets)]
			if (now.UnixNano() < t.restUntil.Load()) != resting {
				continue
			}
			c, err := t.get(which, now)
			if err == nil {
				return c, nil
			}
			failed = err
		}
		if failed != nil {
			break // whoever could be tried was; the resting stay at rest
		}
	}
	return nil, failed
}

// target is one address of an origin.
type target struct {
	addr      string
	dial      func(addr string) (net.Conn, error)
	idleFor   time.Duration
	most      int
	open      atomic.Int64
	restUntil atomic.Int64 // unix nanoseconds

	mu     sync.Mutex // guards what follows
	idle   []*conn    // oldest use first
	timer  *time.Timer
	closed bool
}

// get takes the connection used last, or dials.
func (t *target) get(which choice, now time.Time) (*conn, error) {
	for which != fresh {
		c := t.pop()
		if c == nil {
			break
		}
		age := now.Sub(c.used)
		if age > t.idleFor || ((which == proved || age > trustFor) && !c.quiet()) {
			c.drop()
			continue
		}
		c.reused = true
		return c, nil
	}
	if t.open.Add(1) > int64(t.most) {
		t.open.Add(-1)
		return nil, fmt.Errorf("%s: %w: %d connections are open", t.addr, ErrRefused, t.most)
	}
	nc, err := t.dial(t.addr)
	if err != nil {
		t.open.Add(-1)
		t.restUntil.Store(time.Now().Add(restFor).UnixNano())
		if isTimeout(err) {
			return nil, fmt.Errorf("%w: %w", ErrTimeout, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return newConn(t, nc), nil
}

func (t *target) pop() *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.idle)
	if n == 0 {
		return nil
	}
	c := t.idle[n-1]
	t.idle[n-1] = nil
	t.idle = t.idle[:n-1]
	return c
}

// push keeps c for the next request and reports whether it did.
func (t *target) push(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.idle = append(t.idle, c)
	if t.timer == nil {
		t.timer = time.AfterFunc(t.idleFor, t.sweep)
	}
	return true
}

// sweep closes what was unused for too long and comes back while any is left.
func (t *target) sweep() {
	old := time.Now().Add(-t.idleFor)
	t.mu.Lock()
	n := 0
	for n < len(t.idle) && !t.idle[n].used.After(old) {
		n++
	}
	gone := append([]*conn(nil), t.idle[:n]...)
	t.idle = append(t.idle[:0], t.idle[n:]...)
	if len(t.idle) > 0 {
		t.timer.Reset(t.idleFor)
	} else {
		t.timer = nil
	}
	t.mu.Unlock()
	for _, c := range gone {
		c.drop()
	}
}

func (t *target) close() {
	t.mu.Lock()
	idle := t.idle
	t.idle, t.closed = nil, true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	for _, c := range idle {
		c.drop()
	}
}

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
	patience time.Duration // how long the origin may be silent
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
	c.client, c.used = nil, time.Now()
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
		if c.armed.Sub(now) < watchEvery/2 {
			c.armed = now.Add(watchEvery)
			if err := c.SetReadDeadline(c.armed); err != nil {
				return 0, err
			}
		}
		n, err := c.hear(p)
		if n > 0 || err == nil || c.hasty || !isTimeout(err) {
			return n, err
		}
		if now = time.Now(); now.After(end) {
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
