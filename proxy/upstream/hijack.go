package upstream

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// takeOver has run get the client's connection once the handler has returned,
// with the response's head as it is then; giveUp is called instead when it comes
// to nothing. fasthttp itself would not hand over a connection that is to close.
func takeOver(ctx *fasthttp.RequestCtx, run func(client net.Conn, head []byte), giveUp func()) {
	var once sync.Once
	ctx.HijackSetNoResponse(true)
	// fasthttp closes what a request's context holds when it lets go of that.
	ctx.SetUserValue(taken{}, closer(func() { once.Do(giveUp) }))
	// The context stays ours until the function returns.
	ctx.Hijack(func(client net.Conn) {
		once.Do(func() { run(client, ctx.Response.Header.Header()) })
		_ = client.Close()
	})
}

// taken is the key of what giveUp hangs on.
type taken struct{}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// toOld streams a body of unknown length to an HTTP/1.0 client, for whom its
// end is the end of the connection: one that breaks off is reset, so that it
// cannot be taken for complete.
func (x *exchange) toOld(ctx *fasthttp.RequestCtx) {
	ctx.Response.SkipBody = true
	ctx.Response.Header.Set("Connection", "close")
	takeOver(ctx, func(client net.Conn, head []byte) {
		x.client = client
		_, err := x.toClient(head)
		for err == nil {
			var b []byte
			if b, err = x.next(); err == nil {
				_, err = x.toClient(b)
				x.took(len(b))
			}
		}
		complete := errors.Is(err, io.EOF)
		if tcp, ok := bare(client).(*net.TCPConn); ok && !complete {
			_ = x.tell(err)
			_ = tcp.SetLinger(0)
			_ = tcp.Close() // here, lest a wrapper ends it more gently
		}
		x.end(complete)
	}, func() { x.end(false) })
}
