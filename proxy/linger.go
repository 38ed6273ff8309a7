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
)

// Listen wraps ln so that a connection the server closes while its client is
// still sending is first read to its end for a moment: otherwise the client's
// system would throw the answer away. And a client that takes nothing of its
// answer for 30 s loses the connection. Wrap the TCP listener, below any TLS.
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

// conn is a connection that ends as Listen says. It hides TCPConn's ReadFrom,
// which would pass by Write's deadline.
type conn struct {
	net.Conn
	tcp  *net.TCPConn
	once sync.Once
	done atomic.Bool // the client has sent all it will
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	if err != nil && !isTimeout(err) {
		c.done.Store(true)
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.tcp.SetWriteDeadline(time.Now().Add(writeStall)); err != nil {
		return 0, err
	}
	return c.tcp.Write(p)
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
	if c.tcp.SetReadDeadline(time.Now().Add(lingerFor)) == nil {
		_, _ = io.CopyN(io.Discard, c.tcp, lingerBytes)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
