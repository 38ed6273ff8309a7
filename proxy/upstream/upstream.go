// Package upstream carries admitted requests to an origin and its answers back.
//
// It trusts nobody: of the client's request only the method, the raw target,
// the end-to-end headers and the body travel on, framed anew; of the origin's
// answer only what is a complete and unambiguous HTTP message is passed on as
// one. Who may be forwarded is the caller's decision.
package upstream

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

var (
	// ErrRefused says that no origin could be reached: the visitor gets 502.
	ErrRefused = errors.New("origin refused the connection")
	// ErrTimeout says that the origin did not answer in time: 504.
	ErrTimeout = errors.New("origin did not answer in time")
	// ErrBroken says that the origin broke off or answered what is not HTTP: 502.
	ErrBroken = errors.New("origin broke off or did not speak HTTP")
	// ErrRequest says that the client's request could not be read to its end or
	// cannot be forwarded: 400, and the connection closes.
	ErrRequest = errors.New("request is not fit to be forwarded")
)

// Config describes an origin.
type Config struct {
	// Name names the upstream in logs.
	Name string
	// Targets are the origin's addresses, as http://host:port. At least one.
	Targets []string
	// Dial connects to a target's host:port. Default TCP within ConnectTimeout.
	Dial func(addr string) (net.Conn, error)
	// ConnectTimeout bounds a connection attempt of the default Dial. Default 5 s.
	ConnectTimeout time.Duration
	// AnswerTimeout is how long the origin may take until the first byte of its
	// answer, and how long it may stall within one. Default 60 s.
	AnswerTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept. Default 15 s.
	IdleTimeout time.Duration
	// UpgradeIdle is how long an upgraded connection may be silent. Default 5 min.
	UpgradeIdle time.Duration
	// MaxConns bounds the connections to one target. Default 4,096.
	MaxConns int
	// Log gets what broke, once per request at most. Default discards.
	Log *slog.Logger
}

// Upstream is an origin with its pooled connections. It is safe for
// concurrent use.
type Upstream struct {
	cfg Config
}

// New returns an Upstream. It connects to nothing yet.
func New(cfg Config) (*Upstream, error) {
	return &Upstream{cfg: cfg}, nil
}

// Close closes the idle connections. Requests under way end by themselves.
func (u *Upstream) Close() {}

// Forwarding is what the proxy knows of a request and tells the origin. Empty
// fields send no header. The bytes are used during Forward only, so they may
// be scratch space or parts of the request.
type Forwarding struct {
	ForwardedFor []byte // X-Forwarded-For: the chain as far as it is trusted, the peer last
	Host         []byte // X-Forwarded-Host
	RequestID    []byte // X-Request-Id; empty: the client's if it is sane, else a new one
	Session      []byte // X-Dealgate-Session
	Room         string // X-Dealgate-Room
	Proto        string // X-Forwarded-Proto: http or https
	// Trusted says that the peer is one of ours: its Forwarded, X-Real-IP,
	// True-Client-IP, CF-Connecting-IP and other X-Forwarded-* pass.
	Trusted bool
}

// Forward sends ctx's request to the origin and fills ctx's response: when it
// returns nil, status and headers are complete and may still be changed, and
// the body streams when the handler returns. On an error the response is
// untouched and the error is one of ErrRefused, ErrTimeout, ErrBroken and
// ErrRequest, wrapped.
func (u *Upstream) Forward(ctx *fasthttp.RequestCtx, f *Forwarding) error {
	return ErrRefused
}
