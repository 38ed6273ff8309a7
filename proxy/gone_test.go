package proxy

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/proxy/upstream"
)

// TestClientsThatLeaveAreNoFailureOfTheOrigin: neither in the log nor in the count.
func TestClientsThatLeaveAreNoFailureOfTheOrigin(t *testing.T) {
	w, out := &watcher{}, &lines{}
	asked := make(chan bool, 2)
	o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
		_, _ = c.Head()
		asked <- true
		_, _ = c.Rest()
	})
	up, err := upstream.New(upstream.Config{Name: "slow", Targets: []string{o.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	g := newGate(t, func(c *Config) {
		c.Observe, c.Log = w, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Routes[0].Upstream = up
	})
	f := func(request string, want Decision) {
		t.Helper()
		w.mu.Lock()
		w.decisions = nil
		w.mu.Unlock()
		c := rawtest.Dial(t, g.addr)
		c.Say(request)
		<-asked
		_ = c.Close()
		rawtest.Until(t, "the decision", func() bool { return w.last() != 0 })
		if got := w.last(); got != want {
			t.Errorf("%q: %v, want %v", request, got, want)
		}
	}
	f("GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n", Gone)
	f("POST /slow HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 50_000), Refused)
	if got := out.String(); strings.Contains(got, "level=WARN") || !strings.Contains(got, "client left before the answer") {
		t.Error(got)
	}
}

// lines is a buffer that is safe for concurrent use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
