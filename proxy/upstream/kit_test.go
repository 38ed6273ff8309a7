package upstream

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/valyala/fasthttp"
)

// gate is a server that forwards everything.
type gate struct {
	*Upstream
	addr string
	// before and after run around Forward; nil: nothing to do.
	before func(ctx *fasthttp.RequestCtx, f *Forwarding)
	after  func(ctx *fasthttp.RequestCtx)
}

// open starts a gate in front of the targets. adjust may change the settings.
func open(t testing.TB, adjust func(*Config, *gate), targets ...string) *gate {
	t.Helper()
	g := &gate{}
	cfg := Config{Name: "shop", Targets: targets, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if adjust != nil {
		adjust(&cfg, g)
	}
	u, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.Upstream = u
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = ln.Addr().String()
	srv := server(g.serve)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = ln.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		u.Close()
	})
	return g
}

// server has the settings the proxy's server has, where they matter here.
func server(h fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: h, StreamRequestBody: true, DisablePreParseMultipartForm: true,
		NoDefaultServerHeader: true, NoDefaultDate: true, NoDefaultContentType: true,
		DisableHeaderNamesNormalizing: true, ReadBufferSize: 32 << 10, WriteBufferSize: 16 << 10,
		ReadTimeout: rawtest.Patience, IdleTimeout: rawtest.Patience, Logger: quiet{},
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (g *gate) serve(ctx *fasthttp.RequestCtx) {
	f := Forwarding{
		ForwardedFor: []byte("192.0.2.7"), Host: ctx.Request.Header.Host(), RequestID: []byte("r1"),
		Session: []byte("s1"), Room: "spring", Proto: "http",
	}
	if g.before != nil {
		g.before(ctx, &f)
	}
	err := g.Forward(ctx, &f)
	switch {
	case err == nil:
		if g.after != nil {
			g.after(ctx)
		}
		return
	case errors.Is(err, ErrRequest):
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
	case errors.Is(err, ErrTimeout):
		ctx.SetStatusCode(fasthttp.StatusGatewayTimeout)
	default:
		ctx.SetStatusCode(fasthttp.StatusBadGateway)
	}
	ctx.SetBodyString("failed")
	ctx.SetConnectionClose()
}

// answering is an origin that answers every request of a connection, bodies
// with a Content-Length read, with answer.
func answering(t testing.TB, answer string) *rawtest.Origin {
	t.Helper()
	return rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		for {
			if _, err := readRequest(c); err != nil {
				return
			}
			if c.Try(answer) != nil {
				return
			}
		}
	})
}

// readRequest returns a request with its body decoded behind the head.
func readRequest(c *rawtest.Conn) (string, error) {
	head, err := c.Head()
	if err != nil {
		return head, err
	}
	body := ""
	if len(rawtest.Fields(head, "Transfer-Encoding")) > 0 {
		body, err = c.Chunks()
	} else if n := rawtest.Fields(head, "Content-Length"); len(n) > 0 {
		size, _ := digits([]byte(n[0]))
		body, err = c.Take(int(size))
	}
	return head + body, err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// ask sends one request to g and returns the answer.
func ask(t testing.TB, g *gate, request string) *rawtest.Answer {
	t.Helper()
	c := rawtest.Dial(t, g.addr)
	c.Say(request)
	method, _, _ := strings.Cut(request, " ")
	return c.Answer(method)
}

// soon are settings with short patience.
func soon(cfg *Config, _ *gate) {
	cfg.AnswerTimeout, cfg.StallTimeout = 300*time.Millisecond, 300*time.Millisecond
}
