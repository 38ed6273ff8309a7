package upstream

import (
	"strings"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
)

const evil = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n"

// P16: an origin that answers without reading the body; what was not read is
// never run as a request, and the client is told that the connection closes.
func TestAnUnreadBodyIsNeverARequest(t *testing.T) {
	for name, body := range map[string]string{
		"announced":   "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 9000) + evil,
		"chunked":     "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + evil,
		"in a chunk":  "Transfer-Encoding: chunked\r\n\r\nFFFF\r\nhello" + evil,
		"bad chunk":   "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX" + evil,
		"never began": "Transfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
				if _, err := c.Head(); err == nil {
					c.Say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
					_, _ = c.Rest()
				}
			})
			g := open(t, nil, o.URL())
			c := rawtest.Dial(t, g.addr)
			_ = c.Try("POST / HTTP/1.1\r\nHost: h\r\n", body)
			a := c.Answer("POST")
			if a.Status != 413 && a.Status != 400 {
				t.Errorf("status %d %v", a.Status, a.Err)
			}
			if rest, _ := c.Rest(); rest != "" {
				t.Errorf("the connection went on: %.200q", rest)
			}
			for _, got := range o.Received() {
				if strings.HasPrefix(got, "GET") || strings.Count(got, "X-Dealgate-Room") > 1 {
					t.Errorf("the origin got %.500q", got)
				}
			}
		})
	}
}

// P10: a body that breaks off or is no proper framing never looks complete to
// the origin, and its connection ends.
func TestABrokenBodyNeverLooksComplete(t *testing.T) {
	chunks := "Transfer-Encoding: chunked\r\n\r\n"
	for name, body := range map[string]string{
		"no CRLF behind data": chunks + "5\r\nhelloXX0\r\n\r\n",
		"bad size":            chunks + "5\r\nhello\r\nzz\r\n0\r\n\r\n",
		"cut between chunks":  chunks + "5\r\nhello\r\n",
		"cut in a chunk":      chunks + "5\r\nhel",
		"cut in a size":       chunks + "5\r\nhello\r\n1",
		"cut in a long body":  "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 50000),
	} {
		t.Run(name, func(t *testing.T) {
			end := make(chan string, 1)
			o := rawtest.Serve(t, func(c *rawtest.Conn, _ int) {
				got, _ := c.Rest()
				end <- got
			})
			c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
			c.Say("POST / HTTP/1.1\r\nHost: h\r\n", body)
			if strings.HasPrefix(name, "cut") {
				_ = c.Close()
			} else if a := c.Answer("POST"); a.Status != 400 {
				t.Errorf("status %d, want 400", a.Status)
			}
			got := <-end
			if _, sent, _ := strings.Cut(got, "\r\n\r\n"); strings.HasSuffix(sent, "0\r\n\r\n") || len(sent) >= 100000 {
				t.Errorf("the origin took it for complete: %q", got)
			}
		})
	}
	// A short body that is cut never gets there at all.
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	c := rawtest.Dial(t, g.addr)
	c.Say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
	_ = c.Close()
	ask(t, g, plain)
	if got := strings.Join(o.Received(), ""); strings.Contains(got, "POST") {
		t.Errorf("the origin got %q", got)
	}
}

// A connection survives a long upload that the origin read to its end.
func TestAConnectionSurvivesItsUploads(t *testing.T) {
	o := answering(t, ok)
	c := rawtest.Dial(t, open(t, nil, o.URL()).addr)
	for range 3 {
		for _, body := range []string{
			"Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000),
			"Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + strings.Repeat("x", 100000) + "\r\n0\r\n\r\n",
		} {
			c.Say("POST / HTTP/1.1\r\nHost: h\r\n", body)
			if a := c.Answer("POST"); a.Body != "ok" || a.Err != nil {
				t.Fatalf("got %d %q %v", a.Status, a.Body, a.Err)
			}
		}
	}
	if n := len(o.Received()); n != 1 {
		t.Errorf("%d connections for 6 requests", n)
	}
}
