package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// change changes the script and waits until the room has seen it.
func (g *gate) change(f func(s *script)) {
	g.t.Helper()
	g.script.mu.Lock()
	f(g.script)
	want, head := g.script.view.State, g.script.head
	g.script.mu.Unlock()
	seen := g.room.View().Now
	rawtest.Until(g.t, "the room's next sync", func() bool {
		v := g.room.View()
		return v.Now.After(seen) && v.State == want && len(v.Lanes) == 1 && v.Lanes[0].Head == head
	})
}

// gate is a handler on the loopback before a recording origin.
type gate struct {
	t       *testing.T
	addr    string
	script  *script
	room    *queue.Room
	keys    *token.Keyring
	handler *Handler
	cfg     Config
	origin  *rawtest.Origin
	answer  string // of the origin, after the status line; set before the first request
}

var secret = []byte("a secret of thirty-two bytes that only these tests know")

// newGate starts a gate whose room "spring" protects /deals/* and /buy on shop.example, and whose
// route forwards all else. change may alter its configuration.
func newGate(t *testing.T, change func(*Config)) *gate {
	t.Helper()
	g := &gate{t: t, script: &script{outcomes: map[int64]queue.Outcome{}}, answer: "Content-Length: 6\r\n\r\norigin"}
	g.script.view.State = queue.Auto
	g.origin = rawtest.Serve(t, func(c *rawtest.Conn, _ int) { g.serveOrigin(c) })
	var err error
	if g.keys, err = token.NewKeyring("dealgate", []token.Key{{ID: "k", Alg: "HS256", Secret: secret}}); err != nil {
		t.Fatal(err)
	}
	g.room = startRoom(t, "spring", g.script)
	up, err := upstream.New(upstream.Config{Name: "shop", Targets: []string{g.origin.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	g.cfg = Config{
		Keys: g.keys,
		Log:  slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Rooms: []Room{{Queue: g.room, Upstream: up, Match: []Match{
			{Host: "shop.example", Path: "/deals/*"}, {Host: "shop.example", Path: "/buy"},
		}}},
		Routes: []Route{{Match: []Match{{Path: "/*"}}, Upstream: up}},
	}
	if change != nil {
		change(&g.cfg)
	}
	if g.handler, err = New(g.cfg); err != nil {
		t.Fatal(err)
	}
	g.addr = listen(t, g.handler)
	return g
}

func startRoom(t *testing.T, name string, e queue.Engine) *queue.Room {
	t.Helper()
	room, err := queue.NewRoom(queue.Config{Name: name, Engine: e, SyncEvery: 5 * time.Millisecond, Policy: queue.Policy{
		Rate: 10, Burst: 10, SessionTTL: 10 * time.Minute, ReturnWithin: 10 * time.Minute, Lanes: []queue.Lane{{Name: "public", Weight: 1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	t.Cleanup(func() { end(); running.Wait() })
	rawtest.Until(t, "the first sync", func() bool { return !room.View().Now.IsZero() })
	return room
}

func listen(t *testing.T, h *Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := h.Server()
	var running sync.WaitGroup
	running.Go(func() { _ = srv.Serve(Listen(ln)) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = srv.ShutdownWithContext(ctx)
		_ = ln.Close() // if it was not served yet
		running.Wait()
	})
	return ln.Addr().String()
}

// serveOrigin answers every request of a connection, once its body is there.
func (g *gate) serveOrigin(c *rawtest.Conn) {
	for {
		head, err := c.Head()
		if err != nil {
			return
		}
		if n := rawtest.Fields(head, "Content-Length"); len(n) > 0 {
			var size int
			_, _ = fmt.Sscan(n[0], &size)
			if _, err := c.Take(size); err != nil {
				return
			}
		}
		if len(rawtest.Fields(head, "Transfer-Encoding")) > 0 {
			if _, err := c.Chunks(); err != nil {
				return
			}
		}
		if c.Try("HTTP/1.1 200 OK\r\n", g.answer) != nil {
			return
		}
	}
}

// seen is all that the origin got.
func (g *gate) seen() string { return strings.Join(g.origin.Received(), "") }

// ask sends one request on a connection of its own.
func (g *gate) ask(method, target string, headers ...string) *rawtest.Answer {
	g.t.Helper()
	return g.askHost("shop.example", method, target, headers...)
}

func (g *gate) askHost(host, method, target string, headers ...string) *rawtest.Answer {
	g.t.Helper()
	c := rawtest.Dial(g.t, g.addr)
	defer c.Close()
	c.Say(method, " ", target, " HTTP/1.1\r\nHost: ", host, "\r\n", fields(headers), "\r\n")
	return c.Answer(method)
}

func fields(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	return strings.Join(headers, "\r\n") + "\r\n"
}

// ticket signs a ticket of that place.
func (g *gate) ticket(place int64, change ...func(*token.Claims)) string {
	at := time.Now()
	return g.sign(&token.Claims{
		Kind: token.Ticket, Room: "spring", Lane: "public", Epoch: epoch, Place: place,
		IssuedAt: at.Unix(), Expires: at.Add(time.Hour).Unix(),
	}, change...)
}

// pass signs a pass that was given just now, for five minutes.
func (g *gate) pass(place int64, change ...func(*token.Claims)) string {
	at := time.Now()
	return g.sign(&token.Claims{
		Kind: token.Pass, Room: "spring", Lane: "public", Epoch: epoch, Place: place,
		IssuedAt: at.Unix(), Expires: at.Add(5 * time.Minute).Unix(),
	}, change...)
}

func (g *gate) sign(c *token.Claims, change ...func(*token.Claims)) string {
	g.t.Helper()
	for _, f := range change {
		f(c)
	}
	b, err := g.keys.Append(nil, c)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(b)
}

func ticketCookie(tok string) string { return "Cookie: dealgate-ticket-spring=" + tok }
func passCookie(tok string) string   { return "Cookie: dealgate-pass-spring=" + tok }

const html = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// cookie returns the value an answer sets for a cookie, and its attributes.
func cookie(a *rawtest.Answer, name string) (value, attributes string) {
	for _, c := range a.Fields("Set-Cookie") {
		if v, ok := strings.CutPrefix(c, name+"="); ok {
			value, attributes, _ = strings.Cut(v, "; ")
			return value, attributes
		}
	}
	return "", ""
}

// object reads an answer's JSON body.
func object(t *testing.T, a *rawtest.Answer) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatalf("%v: %s%s", err, a.Head, a.Body)
	}
	return m
}

// watcher is an Observer that remembers.
type watcher struct {
	mu        sync.Mutex
	decisions []Decision
	reasons   []string
	waits     int
}

func (w *watcher) Observe(_ string, d Decision, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decisions = append(w.decisions, d)
}

func (w *watcher) Rejected(_, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reasons = append(w.reasons, reason)
}

func (w *watcher) Waited(string, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits++
}

func (w *watcher) admitted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waits
}

func (w *watcher) last() Decision {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.decisions) == 0 {
		return 0
	}
	return w.decisions[len(w.decisions)-1]
}

// stock is a fixed number of units.
type stock struct{ n int64 }

func (s stock) Left() (int64, bool) { return s.n, true }

var _ fasthttp.RequestHandler = (*Handler)(nil).Serve
