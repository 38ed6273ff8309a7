package page

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A gate stands in for the proxy: it serves one visitor's page at the protected
// URL and answers its polls from a list.
type gate struct {
	*httptest.Server

	mu      sync.Mutex // guards everything below
	view    *View      // what pages show
	answers []answer   // to polls, in turn; the last one repeats
	onWait  string     // the state that /.dealgate/wait turns to, "" for none
	open    bool       // the shop serves
	asked   []request
}

// An answer to one poll. One of state called or admitted opens the shop.
type answer struct {
	status int // 200 if 0
	after  string
	body   map[string]any
}

// A request that a gate got.
type request struct {
	at          time.Time
	method, uri string
}

func newGate(t *testing.T, v *View, answers ...answer) *gate {
	g := &gate{view: v, answers: answers}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, request{time.Now(), r.Method, r.URL.RequestURI()})
	switch r.Method + " " + r.URL.Path {
	case "GET /deals/42":
		if g.open {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><link rel=icon href='data:,'><title>The shop</title>")
			return
		}
		g.serveLocked(w, http.StatusServiceUnavailable)
	case "GET /.dealgate/wait":
		if g.onWait != "" {
			g.view.State, g.open = g.onWait, g.onWait == Called
		}
		g.serveLocked(w, http.StatusOK)
	case "GET /.dealgate/rooms/spring/ticket", "GET /.dealgate/rooms/spring":
		g.answerLocked(w)
	case "DELETE /.dealgate/rooms/spring/ticket":
		w.WriteHeader(http.StatusNoContent)
	case "POST /.dealgate/rooms/spring/ticket":
		g.view.State, g.view.HasPlace = Left, false
		g.serveLocked(w, http.StatusOK)
	default:
		http.NotFound(w, r)
	}
}

func (g *gate) serveLocked(w http.ResponseWriter, status int) {
	v := *g.view
	v.Nonce = rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", string(Policy(nil, v.Nonce)))
	if refresh := AppendRefresh(nil, &v); len(refresh) > 0 {
		w.Header().Set("Refresh", string(refresh))
	}
	w.WriteHeader(status)
	w.Write(Append(nil, &v))
}

func (g *gate) answerLocked(w http.ResponseWriter) {
	a := g.answers[0]
	if len(g.answers) > 1 {
		g.answers = g.answers[1:]
	}
	if a.after != "" {
		w.Header().Set("Retry-After", a.after)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
		return
	}
	g.open = g.open || a.body["state"] == Called || a.body["state"] == Admitted
	json.NewEncoder(w).Encode(a.body)
}

// requests answers what was asked for, as "GET /path", and when.
func (g *gate) requests(line string) (at []time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.asked {
		if r.method+" "+r.uri == line {
			at = append(at, r.at)
		}
	}
	return at
}

// all answers every request but the polls.
func (g *gate) all() (lines []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.asked {
		if line := r.method + " " + r.uri; line != poll {
			lines = append(lines, line)
		}
	}
	return lines
}

const poll = "GET /.dealgate/rooms/spring/ticket"
