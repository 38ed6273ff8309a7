package upstream

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// restFor is how long a target that could not be reached is passed over
// while there are others.
const restFor = time.Second

// A choice says which connection a request may take.
type choice int

const (
	pooled choice = iota // a new one, or one that was just seen to be open and silent
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

// get takes the connection used last, or dials. It looks at every connection
// before it is used again: bytes that nobody asked for would be taken for the
// answer to the next request, which may be another visitor's.
func (t *target) get(which choice, now time.Time) (*conn, error) {
	for which != fresh {
		c := t.pop()
		if c == nil {
			break
		}
		if now.Sub(c.used) > t.idleFor || !c.quiet() {
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
