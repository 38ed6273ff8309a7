package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// smallBody is how much of a request's body the server has read when the
	// handler starts; one that is no longer goes out with the head.
	smallBody = 8 << 10
	// gatherFor is how long a short body may lag behind its head and still be
	// answered in one piece.
	gatherFor = 10 * time.Millisecond
	// uploadGrace is how long an answer waits for the upload it answers to end.
	uploadGrace = 50 * time.Millisecond
)

// exchange is one request and its answer. It owns a connection from the head of
// the request to the end of the answer's body.
type exchange struct {
	u      *Upstream
	client net.Conn
	c      *conn
	br     *bufio.Reader // over c
	out    []byte        // the head, then scratch space
	req    request
	resp   response
	up     *upload // a body that is sent while the answer is awaited
	body   body
	told   bool // the log has the failure
}

var exchanges = sync.Pool{New: func() any {
	return &exchange{br: bufio.NewReaderSize(nil, mostHead), out: make([]byte, 0, 4<<10)}
}}

func acquire(u *Upstream, client net.Conn) *exchange {
	x := exchanges.Get().(*exchange)
	x.u, x.client = u, client
	return x
}

// run sends the request, and fills ctx's response from the answer.
func (x *exchange) run(ctx *fasthttp.RequestCtx, f *Forwarding) error {
	stream, size, err := x.prepare(ctx, f)
	if err != nil {
		return err
	}
	safe := size == 0 && (ctx.IsGet() || ctx.IsHead() || ctx.IsOptions())
	err = x.attempt(ctx, pooled, stream, size)
	if err != nil && safe && x.c != nil && x.c.reused && errors.Is(err, errSilent) {
		// The origin closed an unused connection as we took it.
		x.c.drop()
		err = x.attempt(ctx, fresh, stream, size)
	}
	if err != nil {
		return x.blame(err)
	}
	if x.resp.status == fasthttp.StatusSwitchingProtocols {
		return x.switchOver(ctx)
	}
	x.await(ctx)
	return x.deliver(ctx)
}

// prepare writes the head of the request, and a short body behind it, to x.out.
// A longer body is returned as a stream, with its size or -1.
func (x *exchange) prepare(ctx *fasthttp.RequestCtx, f *Forwarding) (stream io.Reader, size int, err error) {
	stream, size = ctx.Request.BodyStream(), max(ctx.Request.Header.ContentLength(), -1)
	if stream == nil {
		size = len(ctx.Request.Body())
	}
	x.out, err = x.req.appendRequest(x.out[:0], &ctx.Request.Header, f, size)
	switch {
	case err != nil || size == 0:
		return nil, size, err
	case stream == nil:
		x.out = append(x.out, ctx.Request.Body()...)
		return nil, size, nil
	case size < 0 || size > smallBody:
		return stream, size, nil
	}
	head := len(x.out)
	x.out = append(x.out, make([]byte, size)...)
	if _, err := io.ReadFull(stream, x.out[head:]); err != nil {
		return nil, size, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return nil, size, nil
}

// attempt sends the request on a connection and reads the head of the answer.
func (x *exchange) attempt(ctx *fasthttp.RequestCtx, which choice, stream io.Reader, size int) (err error) {
	now := time.Now()
	if x.c, err = x.u.connect(which, now); err != nil {
		return err
	}
	if x.c.reused { // dialing takes its time
		x.c.begun = now
	}
	x.c.client, x.c.patience = x.client, x.u.cfg.AnswerTimeout
	x.br.Reset(x.c)
	if stream == nil {
		x.c.question = x.out
	} else if x.c.send(x.out, x.u.cfg.StallTimeout) == nil {
		x.c.client = nil // the upload notices when the client leaves
		x.up = startUpload(x, stream, size)
		x.c.upload = x.up
	} // else: the origin may have answered, and closed, without wanting the request
	return x.resp.readHead(x.br, &ctx.Response.Header, ctx.IsHead(), x.req.websocket)
}

// blame says whose fault err is: an upload that broke off at the client's side
// closes the origin's connection, which then looks broken.
func (x *exchange) blame(err error) error {
	if x.up != nil {
		x.up.stop(x)
		if x.up.failed != nil {
			return fmt.Errorf("%w: %w", ErrRequest, x.up.failed)
		}
	}
	return err
}

// await gives an upload that is nearly through a moment to end. If it goes on
// the client is told that its connection will close.
func (x *exchange) await(ctx *fasthttp.RequestCtx) {
	x.c.patience, x.c.client = x.u.cfg.StallTimeout, x.client
	if x.up != nil && !x.up.within(uploadGrace) {
		x.c.client = nil
		ctx.SetConnectionClose()
	}
}

// deliver hands the body to ctx's response: in one piece when it is there, else
// as a stream.
func (x *exchange) deliver(ctx *fasthttp.RequestCtx) error {
	r := &x.resp
	ctx.Response.ResetBody()
	x.body.start(r)
	switch r.framing {
	case none:
		x.end(true)
		return nil
	case fixed:
		if ready, err := x.gather(); err != nil {
			return err
		} else if ready {
			b, _ := x.br.Peek(int(r.size))
			ctx.Response.SetBody(b)
			_, _ = x.br.Discard(len(b))
			x.end(true)
			return nil
		}
		return x.stream(ctx, int(r.size))
	case chunked:
		if wholeChunks(x.br) {
			return x.inOne(ctx)
		}
	}
	return x.stream(ctx, -1)
}

// inOne makes a chunked body that is in the buffer the response's.
func (x *exchange) inOne(ctx *fasthttp.RequestCtx) error {
	for {
		b, err := x.next()
		if errors.Is(err, io.EOF) {
			x.end(true)
			return nil
		}
		if err != nil {
			return err
		}
		ctx.Response.AppendBody(b)
		x.took(len(b))
	}
}

// gather reports whether a fixed body is in the buffer, or comes within a moment.
func (x *exchange) gather() (bool, error) {
	size := x.resp.size
	if size <= int64(x.br.Buffered()) {
		return true, nil
	}
	if size > int64(x.br.Size()) {
		return false, nil
	}
	c := x.c
	c.armed = time.Now().Add(gatherFor)
	if err := c.SetReadDeadline(c.armed); err != nil {
		return false, reading(err, false)
	}
	c.hasty = true
	_, err := x.br.Peek(int(size))
	c.hasty, c.armed = false, time.Time{}
	if err != nil && !isTimeout(err) {
		return false, reading(err, false)
	}
	return err == nil, nil
}

// stream lets the body follow while the response is written.
func (x *exchange) stream(ctx *fasthttp.RequestCtx, size int) error {
	if size < 0 && !ctx.Request.Header.IsHTTP11() {
		x.toOld(ctx)
		return nil
	}
	ctx.Response.SetBodyStream(x, size)
	ctx.Response.ImmediateHeaderFlush = true
	return nil
}

// unsay empties the response: a head that looked well may be in it. Reading
// nothing does so and, unlike a Reset, leaves the server's settings as they are.
func (x *exchange) unsay(ctx *fasthttp.RequestCtx) {
	x.br.Reset(strings.NewReader(""))
	_ = ctx.Response.Header.Read(x.br)
	ctx.Response.ResetBody()
}

// end ends the exchange: the connection is kept for the next one only after a
// complete answer to a complete request with nothing behind it.
func (x *exchange) end(complete bool) {
	if x.up != nil {
		complete = x.up.stop(x) && complete
		x.up = nil
	}
	if c := x.c; c != nil {
		if complete && x.resp.reusable() && x.br.Buffered() == 0 {
			c.keep()
		} else {
			c.drop()
		}
	}
	x.br.Reset(nil)
	if cap(x.out) > 2*mostHead {
		x.out = nil // a long body went through it
	}
	x.u, x.client, x.c, x.told = nil, nil, nil, false
	x.body = body{}
	x.req.id = nil
	exchanges.Put(x)
}
