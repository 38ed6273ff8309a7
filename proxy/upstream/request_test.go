package upstream

import (
	"strings"
	"testing"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/valyala/fasthttp"
)

// own is what the gate of these tests adds to every request.
const own = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n" +
	"X-Dealgate-Room: spring\r\nX-Dealgate-Session: s1\r\nX-Request-Id: r1\r\n"

// sent returns the bytes an origin gets for a request with these header lines.
func sent(t *testing.T, g *gate, o *rawtest.Origin, request string) string {
	t.Helper()
	before := strings.Join(o.Received(), "")
	if a := ask(t, g, request); a.Status != 200 {
		t.Errorf("%q: status %d", request, a.Status)
	}
	return strings.TrimPrefix(strings.Join(o.Received(), ""), before)
}

func TestHeadersThatGoOnDoSoAsTheyAre(t *testing.T) {
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	f := func(fields, want string) {
		t.Helper()
		got := sent(t, g, o, "GET /a//b/%2e%2e/c%2Fd?x=%zz HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n")
		want = "GET /a//b/%2e%2e/c%2Fd?x=%zz HTTP/1.1\r\nHost: h\r\n" + want + own + "\r\n"
		if got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", fields, got, want)
		}
	}
	f("", "")
	f("accept: a\r\nAccept: b\r\nuSeR-aGeNt:x\r\nfoo_bar: 1\r\nEmpty:\r\nCookie: a=1\r\ncookie:  b=2 \r\n",
		"accept: a\r\nAccept: b\r\nuSeR-aGeNt:x\r\nfoo_bar: 1\r\nEmpty:\r\nCookie: a=1\r\ncookie:  b=2 \r\n") // P30
	// P27: what is meant for one hop only.
	f("Connection: close, X-Secret\r\nA: 1\r\nX-Secret: y\r\nB: 2\r\n", "A: 1\r\nB: 2\r\n")
	f("X-Secret: y\r\nA: 1\r\nConnection: keep-alive,x-secret , X-Other\r\n", "A: 1\r\n")
	f("Keep-Alive: 5\r\nProxy-Connection: x\r\nproxy-authorization: x\r\nTE: trailers, gzip\r\nTrailer: X\r\nA: 1\r\n", "A: 1\r\n")
	f("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nA: 1\r\n", "A: 1\r\n")
	f("Connection: Host, Cookie, Content-Length, X-Forwarded-For, Authorization, X-Dealgate-Room, X-Request-Id\r\n"+
		"Cookie: a=1\r\nAuthorization: Basic x\r\n", "Cookie: a=1\r\nAuthorization: Basic x\r\n")
	// P28: what an untrusted peer says of addresses and targets.
	f("X-Forwarded-For: 1.1.1.1\r\nx-forwarded-host: e\r\nX-Forwarded-Proto: https\r\nX-FORWARDED-PORT: 1\r\n"+
		"X-Forwarded-Prefix: /e\r\nForwarded: for=e\r\nX-Real-IP: e\r\nTrue-Client-IP: e\r\nCF-Connecting-IP: e\r\n"+
		"X-Original-URL: /e\r\nX-Rewrite-URL: /e\r\nX-Original-URI: /e\r\nX-Override-URL: /e\r\nX-HTTP-DestinationURL: /e\r\n"+
		"Proxy: http://e\r\nA: 1\r\n", "A: 1\r\n")
	// P29: our own names, in any spelling.
	f("X-Dealgate-Session: e\r\nx-DEALGATE-command: end\r\nX_Dealgate_Room: e\r\nX-Dealgate_Room: e\r\nX_Forwarded_For: e\r\n"+
		"X_Custom: e\r\nTrue_Client_IP: e\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\nA: 1\r\n", "A: 1\r\n")
	f("Expect: something\r\nA: 1\r\n", "A: 1\r\n")
}

func TestATrustedPeersHeadersPass(t *testing.T) {
	o := answering(t, ok)
	g := open(t, func(_ *Config, g *gate) {
		g.before = func(_ *fasthttp.RequestCtx, f *Forwarding) { f.Trusted = true }
	}, o.URL())
	fields := "Forwarded: for=e\r\nX-Real-IP: e\r\nTrue-Client-IP: e\r\nCF-Connecting-IP: e\r\nX-Forwarded-Port: 1\r\n"
	got := sent(t, g, o, "GET / HTTP/1.1\r\nHost: h\r\n"+fields+
		"X-Forwarded-For: 1.1.1.1\r\nX-Original-URL: /e\r\nX-Rewrite-URL: /e\r\nX_Real_IP: e\r\nTrue_Client_IP: e\r\n\r\n")
	if want := "GET / HTTP/1.1\r\nHost: h\r\n" + fields + own + "\r\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestOnlyOurCookiesAreCut(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := string(appendCookies(nil, []byte(line), strings.IndexByte(line, ':'))); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	f("Cookie: a=1; b=2", "Cookie: a=1; b=2\r\n")
	f("cookie:a=1;b=2 ;  c=\"x y\"", "cookie:a=1;b=2 ;  c=\"x y\"\r\n")
	f("Cookie: __Host-dealgate-pass-spring=eyJ; a=1", "Cookie: a=1\r\n")
	f("Cookie: a=1; dealgate-ticket-spring=eyJ", "Cookie: a=1\r\n")
	f("Cookie: a=1; __Host-dealgate-ticket-x=y;b=2", "Cookie: a=1;b=2\r\n")
	f("Cookie: a=1; __HOST-Dealgate-Pass-x=y; dealgate-pass-y=z; b=2", "Cookie: a=1; b=2\r\n")
	f("Cookie: dealgate-pass-x=y", "")
	f("Cookie: dealgate-pass-x", "")
	f("Cookie: dealgate=1; dealgate-theme=2; mydealgate-pass-x=3", "Cookie: dealgate=1; dealgate-theme=2; mydealgate-pass-x=3\r\n")
	f("Cookie:", "Cookie:\r\n")
	f("Cookie: ;; a=1", "Cookie: ;; a=1\r\n")
}

func TestRequestIDIsKeptIfSaneOrMade(t *testing.T) {
	o := answering(t, ok)
	known := ""
	g := open(t, func(_ *Config, g *gate) {
		g.before = func(ctx *fasthttp.RequestCtx, f *Forwarding) {
			f.RequestID = nil
			known = string(AppendRequestID(nil, &ctx.Request.Header))
		}
	}, o.URL())
	f := func(lines string, want string) {
		t.Helper()
		known = ""
		got := rawtest.Fields(sent(t, g, o, "GET / HTTP/1.1\r\nHost: h\r\n"+lines+"\r\n"), "X-Request-Id")
		right := func(id string) bool { return want != "" && id == want || want == "" && len(id) == 32 }
		if len(got) != 1 || !right(got[0]) || !right(known) {
			t.Errorf("%q: got %q, told %q, want %q", lines, got, known, want)
		}
	}
	f("", "")
	f("x-request-id: 01J-a.b_c:d/e+f=\r\n", "01J-a.b_c:d/e+f=")
	f("X-Request-Id: two words\r\n", "")
	f("X-Request-Id: <script>\r\n", "")
	f("X-Request-Id: "+strings.Repeat("a", 129)+"\r\n", "")
	f("X-Request-Id: first\r\nX-Request-Id: second\r\n", "first")
	f("X-Request-Id: two words\r\nA: 1\r\nX-REQUEST-ID:second\r\n", "second")
	f("X_Request_Id: a\r\nX-Request_Id: b\r\n", "")
}

func TestFraming(t *testing.T) {
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	f := func(request, want string) {
		t.Helper()
		if got := sent(t, g, o, request); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", request, got, want)
		}
	}
	head := func(method string) string { return method + " /p HTTP/1.1\r\nHost: h\r\n" }
	f(head("POST")+"Content-Length: 5\r\n\r\nhello", head("POST")+own+"Content-Length: 5\r\n\r\nhello")
	f(head("GET")+"Content-Length: 5\r\n\r\nhello", head("GET")+own+"Content-Length: 5\r\n\r\nhello")
	f(head("POST")+"\r\n", head("POST")+own+"Content-Length: 0\r\n\r\n") // P15
	f(head("DELETE")+"\r\n", head("DELETE")+own+"\r\n")
	f(head("DELETE")+"Content-Length: 0\r\n\r\n", head("DELETE")+own+"Content-Length: 0\r\n\r\n")
	for _, method := range []string{"POST", "DELETE", "OPTIONS", "PATCH", "FOO", "GET"} { // P14
		f(head(method)+"Transfer-Encoding: CHUNKED\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX-T: v\r\n\r\n",
			head(method)+own+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
	}
	long := strings.Repeat("0123456789abcdef", 1<<16)
	f(head("PUT")+"Content-Length: 1048576\r\n\r\n"+long, head("PUT")+own+"Content-Length: 1048576\r\n\r\n"+long)
}

// P13, P15: requests that follow each other in one packet stay apart.
func TestPipelinedRequestsStayApart(t *testing.T) {
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	c := rawtest.Dial(t, g.addr)
	second := "GET /two HTTP/1.1\r\nHost: h\r\n"
	for _, first := range []string{
		"GET /one HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		"HEAD /one HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		"POST /one HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		c.Say(first, second, "\r\n")
		method, _, _ := strings.Cut(first, " ")
		if a := c.Answer(method); a.Status != 200 {
			t.Errorf("%q: status %d", first, a.Status)
		}
		if a := c.Answer("GET"); a.Status != 200 || a.Body != "ok" {
			t.Errorf("after %q: %d %q %v", first, a.Status, a.Body, a.Err)
		}
	}
	all := strings.Join(o.Received(), "")
	if n := strings.Count(all, " HTTP/1.1\r\n"); n != 6 {
		t.Errorf("%d requests reached the origin, want 6:\n%q", n, all)
	}
}

func TestFoldedAndBareLinesAreRefused(t *testing.T) {
	o := answering(t, ok)
	g := open(t, nil, o.URL())
	for _, fields := range []string{"A: 1\r\n b\r\n", "A: 1\nB: 2\r\n", "A b: 1\r\n", "Connection: " + strings.Repeat("x,y,", 20) + "\r\n"} {
		if a := ask(t, g, "GET / HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n"); a.Status != 400 {
			t.Errorf("%q: status %d, want 400", fields, a.Status)
		}
	}
	if got := o.Received(); len(got) > 0 {
		t.Errorf("the origin got %q", got)
	}
}
