package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a connection's end.
const (
	lingerFor   = 500 * time.Millisecond // after the answer, for the client to stop sending
	lingerBytes = 256 << 10
	writeStall  = 30 * time.Second // within which a client takes something of its answer
	writeLeast  = 20 * time.Second // and how long it always has for that
)

// Listen wraps ln so that a connection the server closes while its client is
// still sending is first read to its end for a moment: otherwise the client's
// system would throw the answer away. And a client that takes nothing of its
// answer loses the connection after 20 to 30 s. Wrap the TCP listener, below any TLS.
func Listen(ln net.Listener) net.Listener { return listener{ln} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		c = &conn{Conn: tcp, tcp: tcp}
	}
	return c, nil
}

// socket is what a conn needs of a TCPConn.
type socket interface {
	net.Conn
	CloseWrite() error
}

// conn is a connection that ends as Listen says. It hides TCPConn's ReadFrom,
// which would pass by Write's deadline.
//
// Deadlines move with every request and hardly ever pass, so a later one is only
// noted: the socket keeps the earlier, and who meets it looks up what holds.
type conn struct {
	net.Conn
	tcp  socket
	once sync.Once
	done atomic.Bool // the client has sent all it will

	mu      sync.Mutex // guards all below, and the socket's deadlines
	reading time.Time  // the read deadline that holds; zero: none
	armed   time.Time  // the socket's: never after reading; zero: none
	writing time.Time  // the socket's write deadline, if Write set it
	closed  bool       // reading is not looked at any more
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.tcp.Read(p)
		switch {
		case err == nil:
		case !isTimeout(err):
			c.done.Store(true)
		case n == 0 && c.rearm():
			continue
		}
		return n, err
	}
}

// rearm sets the socket's read deadline to the one that holds. It reports
// false if that has passed.
func (c *conn) rearm() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.reading.IsZero() && !time.Now().Before(c.reading) {
		return false
	}
	c.armed = c.reading
	return c.tcp.SetReadDeadline(c.reading) == nil
}

// SetReadDeadline may be called while a Read is under way, which then obeys.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.reading = t
	if !c.armed.IsZero() && (t.IsZero() || !t.Before(c.armed)) {
		return nil
	}
	c.armed = t
	return c.tcp.SetReadDeadline(t)
}

func (c *conn) Write(p []byte) (int, error) {
	now := time.Now()
	c.mu.Lock()
	if c.writing.Sub(now) < writeLeast {
		c.writing = now.Add(writeStall)
		if err := c.tcp.SetWriteDeadline(c.writing); err != nil {
			c.mu.Unlock()
			return 0, err
		}
	}
	c.mu.Unlock()
	return c.tcp.Write(p)
}

// SetWriteDeadline holds for a Write that is under way; the next has its own.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = time.Time{}
	return c.tcp.SetWriteDeadline(t)
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite ends what the server sends.
func (c *conn) CloseWrite() error { return c.tcp.CloseWrite() }

// NetConn is the connection below, as of a tls.Conn.
func (c *conn) NetConn() net.Conn { return c.tcp }

// Close says that nothing follows, and closes when the client is done too.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		if c.done.Load() {
			err = c.tcp.Close()
			return
		}
		if err = c.tcp.CloseWrite(); err != nil {
			_ = c.tcp.Close()
			return
		}
		go c.linger()
	})
	return err
}

func (c *conn) linger() {
	defer c.tcp.Close()
	c.mu.Lock()
	c.closed = true
	err := c.tcp.SetReadDeadline(time.Now().Add(lingerFor))
	c.mu.Unlock()
	if err == nil {
		_, _ = io.CopyN(io.Discard, c.tcp, lingerBytes)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
