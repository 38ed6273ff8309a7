package proxy

import (
	"bytes"
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Limits of a connection.
const (
	headerLimit   = 32 << 10         // bytes of a request's head
	headerTimeout = 10 * time.Second // from its first byte to its end, and for the start of a body
	idleTimeout   = 60 * time.Second
	perConnection = 10_000 // requests
)

// goesOnKey is where a request's admission waits for its body.
type goesOnKey struct{}

// Serve answers one request.
func (h *Handler) Serve(ctx *fasthttp.RequestCtx) {
	h.handle(ctx, false)
}

// expect decides about a request whose client waits to be told to send its
// body: 100, or the status of the answer it gets instead.
func (h *Handler) expect(ctx *fasthttp.RequestCtx) int {
	if h.handle(ctx, true) {
		return fasthttp.StatusContinue
	}
	return ctx.Response.StatusCode()
}

// handle answers one request, or reports that it goes on once its body is there.
func (h *Handler) handle(ctx *fasthttp.RequestCtx, asks bool) (goesOn bool) {
	t := h.table.Load()
	r := acquire(ctx, t)
	r.asks = asks
	started := time.Time{}
	if t.observe != nil {
		started = time.Now()
	}
	defer func() {
		if p := recover(); p != nil {
			t.log.Error("request panicked", "panic", p)
			ctx.Response.Reset()
			r.answerProblem(fasthttp.StatusInternalServerError, problemInternal, "")
			ctx.Response.SetConnectionClose()
			r.decision, r.goesOn, goesOn = Failed, nil, false
		}
		if t.observe != nil && r.goesOn == nil {
			t.observe.Observe(r.roomName(), r.decision, time.Since(started))
		}
		r.release()
	}()
	r.serve()
	if r.goesOn != nil {
		ctx.SetUserValue(goesOnKey{}, r.goesOn)
	}
	return r.goesOn != nil
}

// serve decides what becomes of the request.
func (r *request) serve() {
	if f := r.read(); f.status != 0 {
		r.malformed(f)
		return
	}
	if g, ok := r.ctx.UserValue(goesOnKey{}).(*going); ok {
		r.room, r.decision = g.room, g.decision
		r.forward(g.to, g.why)
		return
	}
	if bytes.HasPrefix(r.path, []byte(ownPrefix)) {
		r.own()
		return
	}
	if string(r.target) == "*" {
		r.decision = Own
		r.ctx.Response.SetStatusCode(fasthttp.StatusOK)
		return
	}
	r.decidedPath()
	d := r.table.find(r.name, r.method, r.heads.overridden, &r.means)
	switch r.room = d.room; {
	case d.room != nil:
		r.protect(d.upstream)
	case d.upstream != nil:
		r.decision = Passed
		r.forward(d.upstream, admission{})
	default:
		r.missing(problemPath)
	}
}

// Server returns a server with hardened settings that serves h. Give it
// listeners wrapped by [Listen].
func (h *Handler) Server() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:                       h.Serve,
		ExpectHandler:                 h.expect,
		HeaderReceived:                received,
		ErrorHandler:                  h.unreadable,
		ReadBufferSize:                headerLimit,
		ReadTimeout:                   headerTimeout,
		IdleTimeout:                   idleTimeout,
		MaxRequestsPerConn:            perConnection,
		MaxRequestBodySize:            1 << 50, // bodies are streamed: the origin sets its limit
		StreamRequestBody:             true,
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		NoDefaultContentType:          true,
		SecureErrorLogMessage:         true,
		CloseOnShutdown:               true,
		Logger:                        quiet{h},
	}
}

// received has fasthttp ask [Handler.expect] about any Expect field with a
// body, however its name is written and whatever it says: the client may wait
// for our word, and fasthttp for its body. The decision reads the field itself.
func received(h *fasthttp.RequestHeader) (same fasthttp.RequestConfig) {
	if n := h.ContentLength(); n == 0 || n == -2 {
		return same
	}
	for k := range h.All() {
		if fold(k, "expect") {
			h.SetCanonical([]byte("Expect"), []byte("100-continue"))
			break
		}
	}
	return same
}

// unreadable answers what is no request.
func (h *Handler) unreadable(ctx *fasthttp.RequestCtx, err error) {
	t := h.table.Load()
	r := acquire(ctx, t)
	defer r.release()
	f := fault{fasthttp.StatusBadRequest, "syntax"}
	var small *fasthttp.ErrSmallBuffer
	var op *net.OpError
	switch {
	case errors.As(err, &small):
		f = fault{fasthttp.StatusRequestHeaderFieldsTooLarge, "head_size"}
	case errors.As(err, &op) && op.Timeout():
		f = fault{fasthttp.StatusRequestTimeout, "timeout"}
	}
	ctx.Response.Reset()
	r.malformed(f)
	if t.observe != nil {
		t.observe.Observe("", Refused, 0)
	}
}

// quiet takes fasthttp's own log lines: what clients do wrong is no news.
type quiet struct{ h *Handler }

func (q quiet) Printf(format string, args ...any) {
	q.h.table.Load().log.Debug("connection", "format", format)
}
