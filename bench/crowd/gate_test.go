package crowd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A gate stands in for the real one: a line, a rate, and tokens that nobody
// signs. It listens on pipes, so that its time and its visitors' can be a
// bubble's: exact, and over at once.
type gate struct {
	perSecond float64
	poll      int           // poll_after_ms
	life      time.Duration // of a pass
	skip      bool          // calls the even places before the odd
	before    float64       // the head at start

	mu      sync.Mutex
	conns   chan net.Conn
	serve   *http.Server
	down    bool
	start   time.Time
	tail    int
	claimed map[string]bool // tickets that made a session
	ended   map[string]bool // tokens given back
	asked   map[string][]time.Time
}

// bubble runs f in a bubble with a gate that is open.
func bubble(t *testing.T, g *gate, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g.start = time.Now()
		g.claimed, g.ended, g.asked = map[string]bool{}, map[string]bool{}, map[string][]time.Time{}
		g.up(g)
		f(t)
		g.fall()
	})
}

// up lets h answer those who dial.
func (g *gate) up(h http.Handler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down, g.conns, g.serve = false, make(chan net.Conn), &http.Server{Handler: h}
	go g.serve.Serve(listener{g.conns})
}

// fall closes every connection and answers nobody.
func (g *gate) fall() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = true
	close(g.conns)
	g.serve.Close()
}

func (g *gate) dial() (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	g.conns <- there
	return here, nil
}

type listener struct{ conns <-chan net.Conn }

func (l listener) Accept() (net.Conn, error) {
	if conn, ok := <-l.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (listener) Close() error   { return nil }
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header()["Date"] = nil
	ticket, pass := g.token(r, "ticket"), g.token(r, "pass")
	switch {
	case r.Method == "DELETE":
		g.ended[ticket], g.ended[pass] = true, true
		w.WriteHeader(204)
	case r.Method == "POST":
		g.status(w, g.join(w, ticket), 201)
	case r.URL.Path == "/.dealgate/rooms/spring/ticket":
		if ticket == "" {
			w.WriteHeader(401)
			return
		}
		g.asked[ticket] = append(g.asked[ticket], time.Now())
		g.status(w, ticket, 200)
	case pass != "":
		fmt.Fprint(w, "the shop")
	default:
		g.enter(w, r, ticket)
	}
}

// enter lets a called visitor in; others get the page or the status.
func (g *gate) enter(w http.ResponseWriter, r *http.Request, ticket string) {
	if g.claimed[ticket] {
		ticket = "" // a place makes one session
	}
	ticket = g.join(w, ticket)
	if g.state(ticket) == "called" {
		g.claimed[ticket] = true
		g.set(w, "pass", token("pass", int(number(claims([]byte(ticket)), `"place":`)), time.Now().Add(g.life)))
		fmt.Fprint(w, "the shop")
		return
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	w.Header().Set("Retry-After", fmt.Sprint((g.poll+999)/1000))
	w.Header().Set("Refresh", fmt.Sprintf("%d; url=/deals/42", (g.poll+999)/1000))
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.WriteHeader(503)
		w.(http.Flusher).Flush() // chunked
		fmt.Fprint(w, "<html>please wait</html>")
		return
	}
	g.status(w, ticket, 429)
}

func (g *gate) join(w http.ResponseWriter, ticket string) string {
	if ticket == "" {
		g.tail++
		ticket = token("ticket", g.tail, time.Now().Add(time.Hour))
		g.set(w, "ticket", ticket)
	}
	return ticket
}

func (g *gate) set(w http.ResponseWriter, kind, value string) {
	http.SetCookie(w, &http.Cookie{Name: "dealgate-" + kind + "-spring", Value: value, Path: "/", HttpOnly: true, MaxAge: 3600})
}

func (g *gate) state(ticket string) string {
	place := int(number(claims([]byte(ticket)), `"place":`))
	if g.skip && place%2 == 0 {
		place -= 20
	}
	if float64(place) <= g.before+g.perSecond*time.Since(g.start).Seconds() {
		return "called"
	}
	return "waiting"
}

func (g *gate) status(w http.ResponseWriter, ticket string, code int) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"room":"spring","state":"%s","eta":{"seconds":3},"poll_after_ms":%d}`, g.state(ticket), g.poll)
}

// token returns the token of a request that is good, else "".
func (g *gate) token(r *http.Request, kind string) string {
	value := ""
	if c, err := r.Cookie("dealgate-" + kind + "-spring"); err == nil {
		value = c.Value
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && strings.Contains(string(claims([]byte(bearer))), kind) {
		value = bearer
	}
	if g.ended[value] || number(claims([]byte(value)), `"exp":`) <= time.Now().Unix() {
		return ""
	}
	return value
}

func token(kind string, place int, until time.Time) string {
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return text(`{"alg":"none"}`) + "." + text(fmt.Sprintf(`{"aud":"%s:spring","lane":"public","epoch":7,"place":%d,"exp":%d}`, kind, place, until.Unix())) + ".x"
}
