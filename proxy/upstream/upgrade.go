package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// switchOver lets the client's connection become a pipe to the origin's, now
// that the origin has agreed: the response is its 101, and when it has been
// written the bytes go both ways unread.
func (x *exchange) switchOver(ctx *fasthttp.RequestCtx) error {
	ctx.Response.ResetBody()
	ctx.Response.Header.Set("Connection", "Upgrade")
	ctx.Response.Header.Set("Upgrade", "websocket")
	p := &pipe{u: x.u, origin: x.c, idle: x.u.cfg.UpgradeIdle}
	early, _ := x.br.Peek(x.br.Buffered())
	p.early = append(p.early, early...)
	if !x.u.add(p) {
		return fmt.Errorf("%w: closed", ErrRefused)
	}
	x.c = nil // the pipe's now
	x.end(false)
	takeOver(ctx, p.run, p.end)
	return nil
}

func (u *Upstream) add(p *pipe) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.pipes[p] = struct{}{}
	return true
}

func (u *Upstream) remove(p *pipe) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.pipes, p)
}

// pipe joins a client's connection and an origin's after a 101.
type pipe struct {
	u      *Upstream
	origin *conn
	early  []byte // what the origin sent behind its 101
	idle   time.Duration
	last   atomic.Int64 // when a byte came through last, unix nanoseconds
	over   atomic.Bool  // set before the deadlines that interrupt it
	client atomic.Pointer[net.Conn]
}

var pipeBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// run carries the bytes until both sides have closed, one broke, or neither
// said anything for the idle time.
func (p *pipe) run(client net.Conn, head []byte) {
	defer p.end()
	p.client.Store(&client)
	p.last.Store(time.Now().UnixNano())
	_ = p.origin.Conn.SetDeadline(time.Time{})
	if _, err := client.Write(append(head, p.early...)); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.carry(p.origin.Conn, client)
	}()
	p.carry(client, p.origin.Conn)
	<-done
}

func (p *pipe) end() {
	p.u.remove(p)
	p.origin.drop()
}

// carry copies one way. At the end of src it ends dst's half; on a failure it
// ends the other way too.
func (p *pipe) carry(dst, src net.Conn) {
	err := p.copy(dst, src)
	if err == nil && closeWrite(dst) {
		return
	}
	p.interrupt(dst)
	p.interrupt(src)
}

func (p *pipe) copy(dst, src net.Conn) error {
	buf := pipeBuffers.Get().(*[16 << 10]byte)
	defer pipeBuffers.Put(buf)
	for {
		quiet := time.Since(time.Unix(0, p.last.Load()))
		if err := src.SetReadDeadline(time.Now().Add(p.idle - quiet)); err != nil {
			return err
		}
		if p.over.Load() {
			return net.ErrClosed
		}
		n, err := src.Read(buf[:])
		if n > 0 {
			now := time.Now()
			p.last.Store(now.UnixNano())
			if err := dst.SetWriteDeadline(now.Add(p.idle)); err != nil {
				return err
			}
			if p.over.Load() {
				return net.ErrClosed
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
		case !isTimeout(err) || time.Since(time.Unix(0, p.last.Load())) >= p.idle:
			return err
		}
	}
}

// interrupt ends the pipe by making what waits on c fail.
func (p *pipe) interrupt(c net.Conn) {
	p.over.Store(true)
	_ = c.SetDeadline(time.Unix(1, 0))
}

// shut ends the pipe from outside.
func (p *pipe) shut() {
	p.interrupt(p.origin.Conn)
	if client := p.client.Load(); client != nil {
		p.interrupt(*client)
	}
}

// closeWrite ends the writing half of c and reports whether it could.
func closeWrite(c net.Conn) bool {
	for {
		if w, ok := c.(interface{ CloseWrite() error }); ok {
			return w.CloseWrite() == nil
		}
		below := inner(c)
		if below == nil {
			return false
		}
		c = below
	}
}
