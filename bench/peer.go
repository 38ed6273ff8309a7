package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/bench/crowd"
)

// peer runs one of the servers the gate is compared with until ctx ends:
//
//	origin        a shop: 1 KiB for any request
//	bare          fasthttp that returns recorded answers, and does nothing else
//	bare-proxy    fasthttp's HostClient between a request and an answer, and nothing else
//	go-proxy      httputil.ReverseProxy of the standard library, tuned
func peer(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which peer?")
	}
	f := flag.NewFlagSet("peer", flag.ContinueOnError)
	listen := f.String("listen", "", "address")
	to := f.String("to", "", "address of the origin")
	get := f.String("get", "", "files of answers to GET, in turn")
	post := f.String("post", "", "file of the answer to POST")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if args[0] == "go-proxy" {
		srv := &http.Server{Handler: goProxy(*to)}
		context.AfterFunc(ctx, func() { srv.Close() })
		srv.Serve(ln)
		return nil
	}
	srv := &fasthttp.Server{NoDefaultServerHeader: true, NoDefaultDate: true, NoDefaultContentType: true, ReadBufferSize: 16 << 10}
	switch args[0] {
	case "origin":
		srv.Handler = origin
	case "bare":
		srv.Handler, err = bare(*get, *post)
	case "bare-proxy":
		srv.Handler = bareProxy(*to)
	default:
		err = fmt.Errorf("no peer %q", args[0])
	}
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { ln.Close() })
	srv.Serve(ln)
	return nil
}

// origin is a shop that costs little.
func origin(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.SetBodyString(shop)
}

var shop = strings.Repeat("a page of the shop, one KiB long\n", 32)[:1024]

// recorded is an answer of the gate's that the bare handler returns.
type recorded struct {
	code   int
	header [][2][]byte
	body   []byte
}

// record keeps an answer in a file.
func (s *settings) record(a *crowd.Answer) (string, error) {
	f, err := os.CreateTemp(s.folder, "answer-")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "%d\r\n%s\r\n%s", a.Code, a.Header, a.Body)
	return f.Name(), errors.Join(err, f.Close())
}

// replay reads such a file.
func replay(path string) (*recorded, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	code, lines, _ := bytes.Cut(head, []byte("\r\n"))
	r := &recorded{body: body}
	if r.code, err = strconv.Atoi(string(code)); err != nil {
		return nil, err
	}
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(": "))
		if ok && !bytes.EqualFold(name, []byte("Content-Length")) {
			r.header = append(r.header, [2][]byte{name, value})
		}
	}
	return r, nil
}

// bare answers POST with what was recorded, and GET with one of the files after the other.
func bare(gets, post string) (fasthttp.RequestHandler, error) {
	var answers []*recorded // first to POST
	for _, path := range append([]string{post}, strings.Split(gets, ",")...) {
		a, err := replay(path)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	var turn atomic.Uint64
	return func(ctx *fasthttp.RequestCtx) {
		a := answers[0]
		if !ctx.IsPost() {
			a = answers[1+turn.Add(1)%uint64(len(answers)-1)]
		}
		ctx.SetStatusCode(a.code)
		for _, h := range a.header {
			ctx.Response.Header.AddBytesKV(h[0], h[1])
		}
		ctx.SetBody(a.body)
	}, nil
}

// bareProxy is the least that can be called a proxy: not correct, but fast.
func bareProxy(to string) fasthttp.RequestHandler {
	client := &fasthttp.HostClient{Addr: to, MaxConns: 1024, ReadBufferSize: 16 << 10, NoDefaultUserAgentHeader: true,
		DisablePathNormalizing: true, MaxIdleConnDuration: time.Minute}
	return func(ctx *fasthttp.RequestCtx) {
		if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusBadGateway)
		}
	}
}

// goProxy is the standard library's with the settings that matter: connections
// enough to keep, buffers pooled, nothing compressed or logged.
func goProxy(to string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: to})
			r.SetXForwarded()
		},
		Transport:  &http.Transport{MaxIdleConns: 2048, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true},
		BufferPool: &buffers{free: make(chan []byte, 256)},
	}
}

type buffers struct{ free chan []byte }

func (b *buffers) Get() []byte {
	select {
	case buf := <-b.free:
		return buf
	default:
		return make([]byte, 32<<10)
	}
}

func (b *buffers) Put(buf []byte) {
	select {
	case b.free <- buf:
	default:
	}
}
