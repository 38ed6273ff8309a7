// Package upstream carries admitted requests to an origin and its answers back.
//
// It trusts nobody: of the client's request only the method, the raw target,
// the end-to-end headers and the body travel on, framed anew; of the origin's
// answer only what is a complete and unambiguous HTTP message is passed on as
// one. Who may be forwarded is the caller's decision.
package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
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
	// ErrGone says that the client went away before the answer: nobody is left
	// to be answered.
	ErrGone = errors.New("client went away")
)

// Config describes an origin.
type Config struct {
	// Name names the upstream in errors and logs.
	Name string
	// Targets are the origin's addresses, as http://host:port. At least one.
	Targets []string
	// Dial connects to a target's host:port. Default TCP.
	Dial func(addr string) (net.Conn, error)
	// ConnectTimeout bounds a connection attempt of the default Dial. Default 5 s.
	ConnectTimeout time.Duration
	// AnswerTimeout is how long the origin may take until the first byte of its
	// answer. Default 60 s.
	AnswerTimeout time.Duration
	// StallTimeout is how long either side may neither send nor take a byte in
	// the middle of a body. Default 60 s.
	StallTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept. Default 15 s.
	IdleTimeout time.Duration
	// UpgradeIdle is how long an upgraded connection may be silent. Default 5 min.
	UpgradeIdle time.Duration
	// MaxConns bounds the connections to one target. Default 4,096.
	MaxConns int
	// Log gets what broke after Forward had returned. Default discards.
	Log *slog.Logger
}

// Upstream is an origin with its pooled connections. It is safe for
// concurrent use.
type Upstream struct {
	cfg     Config
	targets []*target
	turn    atomic.Uint32
	warned  news

	mu    sync.Mutex // guards pipes and closed
	pipes map[*pipe]struct{}
	// closed refuses new pipes once Close was called.
	closed bool
}

// New returns an Upstream. It connects to nothing yet.
func New(cfg Config) (*Upstream, error) {
	if len(cfg.Targets) == 0 {
		return nil, fmt.Errorf("upstream %s: no targets", cfg.Name)
	}
	cfg.ConnectTimeout = cmp.Or(cfg.ConnectTimeout, 5*time.Second)
	cfg.AnswerTimeout = cmp.Or(cfg.AnswerTimeout, time.Minute)
	cfg.StallTimeout = cmp.Or(cfg.StallTimeout, time.Minute)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 15*time.Second)
	cfg.UpgradeIdle = cmp.Or(cfg.UpgradeIdle, 5*time.Minute)
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 4096)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Dial == nil {
		dialer := net.Dialer{Timeout: cfg.ConnectTimeout}
		cfg.Dial = func(addr string) (net.Conn, error) { return dialer.Dial("tcp", addr) }
	}
	u := &Upstream{cfg: cfg, pipes: make(map[*pipe]struct{})}
	for _, raw := range cfg.Targets {
		addr, err := address(raw)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", cfg.Name, err)
		}
		u.targets = append(u.targets, &target{
			addr: addr, dial: cfg.Dial, idleFor: cfg.IdleTimeout, most: cfg.MaxConns,
		})
	}
	return u, nil
}

// address returns the host:port of a target.
func address(raw string) (string, error) {
	t, err := url.Parse(raw)
	if err != nil {
		return "", err
	}
	if t.Scheme != "http" || t.Hostname() == "" || t.User != nil ||
		(t.Path != "" && t.Path != "/") || t.RawQuery != "" || t.Fragment != "" {
		return "", fmt.Errorf("target %q: want http://host:port", raw)
	}
	return net.JoinHostPort(t.Hostname(), cmp.Or(t.Port(), "80")), nil
}

// Close closes the idle connections and the upgraded ones. Other requests
// under way end by themselves.
func (u *Upstream) Close() {
	for _, t := range u.targets {
		t.close()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for p := range u.pipes {
		p.shut()
	}
}

// Ready makes sure that a connection to the origin is at hand, so that a
// client may be told to send its body (100 Continue). Its errors are Forward's.
func (u *Upstream) Ready() error {
	c, err := u.connect(pooled, time.Now())
	if err != nil {
		return err
	}
	c.keep()
	return nil
}

// Forwarding is what the proxy knows of a request and tells the origin. Empty
// fields send no header. The bytes are used during Forward only, so they may
// be scratch space or parts of the request.
type Forwarding struct {
	ForwardedFor []byte // X-Forwarded-For: the chain as far as it is trusted, the peer last
	Host         []byte // X-Forwarded-Host
	RequestID    []byte // X-Request-Id; empty: Forward appends the client's if it is sane, else a new one
	Session      []byte // X-Dealgate-Session
	Room         string // X-Dealgate-Room
	Proto        string // X-Forwarded-Proto: http or https
	// Trusted says that the peer is one of ours: its Forwarded, X-Real-IP,
	// True-Client-IP, CF-Connecting-IP and other X-Forwarded-* pass.
	Trusted bool
	// DropAuthorization says that the client's Authorization was for the proxy.
	DropAuthorization bool
}

// Forward sends ctx's request to the origin and fills ctx's response: when it
// returns nil, status and headers are complete and may still be changed, and
// the body streams when the handler returns. Headers set on the response
// before are lost.
//
// The request goes out as it was received (its RawHeaders, not what was set on
// it since). While an answer is returned before a long body was read to its
// end, the request must not be touched any more.
//
// On an error the response is empty and the error wraps one of ErrRefused,
// ErrTimeout, ErrBroken, ErrRequest and ErrGone. Where the body was not read to
// its end the client's connection closes after the answer.
func (u *Upstream) Forward(ctx *fasthttp.RequestCtx, f *Forwarding) error {
	x := acquire(u, ctx.Conn())
	err := x.run(ctx, f)
	if err != nil {
		x.unsay(ctx)
		x.end(false)
		return fmt.Errorf("upstream %s: %w", u.cfg.Name, err)
	}
	return nil
}
