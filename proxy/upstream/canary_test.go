package upstream

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

// P70: every request carries a token of its own in path, header, cookie and
// body; the origin echoes them all. Clients abort at random. Nobody ever sees
// a token of someone else.
func TestNobodySeesWhatIsSomeoneElses(t *testing.T) {
	const clients, each = 32, 320
	echo := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("X-Echo", r.Header.Get("X-Token"))
		answer := strings.Join([]string{r.URL.Path, r.Header.Get("X-Token"), r.Header.Get("Cookie"), string(body)}, "|")
		if r.Method == "GET" {
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		}
		_, _ = io.WriteString(w, answer)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() { _ = echo.Serve(ln) }()
	g := open(t, nil, "http://"+ln.Addr().String())

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			var c *rawtest.Conn
			for range each {
				if c == nil {
					c = rawtest.Dial(t, g.addr)
				}
				if !canary(t, c, r) {
					_ = c.Close()
					c = nil
				}
			}
		})
	}
	all.Wait()
	rawtest.Until(t, "connections come back", func() bool {
		g.targets[0].mu.Lock()
		defer g.targets[0].mu.Unlock()
		return int64(len(g.targets[0].idle)) == g.targets[0].open.Load()
	})
}

// canary sends one request and reports whether the connection lives on.
func canary(t *testing.T, c *rawtest.Conn, r *rand.Rand) bool {
	token := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	head := fmt.Sprintf(" /%s HTTP/1.1\r\nHost: h\r\nX-Token: %s\r\nCookie: a=%s; dealgate-pass-spring=%s\r\n", token, token, token, token)
	body, method := "", "GET"
	switch r.IntN(4) {
	case 0:
		body, method = strings.Repeat(token, 1+r.IntN(400)), "POST"
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	case 1:
		body, method = strings.Repeat(token, 1+r.IntN(400)), "PUT"
		head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	default:
		head += "\r\n"
	}
	request := method + head
	if r.IntN(10) == 0 { // leave in the middle of it, or behind it
		_ = c.Try(request[:r.IntN(len(request)+1)])
		return false
	}
	if c.Try(request) != nil {
		return false
	}
	a := c.Answer(method)
	want := strings.Join([]string{"/" + token, token, "a=" + token, body}, "|")
	if a.Status != 200 || a.Body != want || strings.Join(a.Fields("X-Echo"), "") != token || a.Err != nil {
		t.Errorf("%s %s: %d %.200q %v", method, token, a.Status, a.Body, a.Err)
		return false
	}
	return len(a.Fields("Connection")) == 0
}
