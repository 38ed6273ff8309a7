package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzAnswer feeds an origin's bytes to the reader of answers. What it takes
// for a complete answer, Go's reader takes for the same one; and what goes on
// to the client parses, without anything that was meant for one hop.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		ok, answerHead + strings.Repeat("x", 1024), "HTTP/1.0 200\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok + ok,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-A\r\nX-A: 1\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 204 No\r\nTrailer: A\r\n\r\n",
	} {
		f.Add([]byte(answer), false)
		f.Add([]byte(answer), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		x := &exchange{br: bufio.NewReaderSize(bytes.NewReader(answer), mostHead)}
		var h fasthttp.ResponseHeader
		if x.resp.readHead(x.br, &h, head, false) != nil {
			return
		}
		goesOn := bytes.Clone(h.Header())
		x.body.start(&x.resp)
		var got []byte
		var err error
		for err == nil {
			var b []byte
			b, err = x.next()
			got = append(got, b...)
			x.took(len(b))
		}
		if !errors.Is(err, io.EOF) {
			return
		}
		status, want, err := reference(answer, head)
		if err != nil || status != x.resp.status || !bytes.Equal(got, want) {
			t.Fatalf("%q: took %d %q, Go takes %d %q %v", answer, x.resp.status, got, status, want, err)
		}
		onward, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(goesOn)), &http.Request{Method: "HEAD"})
		if err != nil {
			t.Fatalf("%q becomes %q: %v", answer, goesOn, err)
		}
		for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade"} {
			if len(onward.Header[name]) > 0 || len(onward.TransferEncoding) > 0 {
				t.Fatalf("%q becomes %q", answer, goesOn)
			}
		}
	})
}

// reference reads an answer as Go does.
func reference(answer []byte, head bool) (status int, body []byte, err error) {
	br := bufio.NewReader(bytes.NewReader(answer))
	request := &http.Request{Method: "GET"}
	if head {
		request.Method = "HEAD"
	}
	for {
		resp, err := http.ReadResponse(br, request)
		if err != nil {
			return 0, nil, err
		}
		if resp.StatusCode >= 200 {
			body, err = io.ReadAll(resp.Body)
			return resp.StatusCode, body, err
		}
	}
}

// FuzzRequest feeds a client's header lines to the server's parser and then to
// the filter. What goes out is one request for Go too, with our headers and
// nobody else's in their place.
func FuzzRequest(f *testing.F) {
	for _, fields := range []string{
		"", "A: 1\r\nCookie: a=1; dealgate-pass-x=y\r\n", "Connection: close, X-A\r\nX-A: 1\r\n", "X_Dealgate_Room: e\r\nx-forwarded-for: e\r\n",
		"Upgrade: websocket\r\nConnection: upgrade\r\n", "Content-Length: 0\r\nTE: trailers\r\n", "A: 1\r\n b\r\n", "Transfer-Encoding: identity\r\n",
	} {
		f.Add([]byte(fields))
	}
	f.Fuzz(func(t *testing.T, fields []byte) {
		raw := slices.Concat([]byte("GET /p HTTP/1.1\r\nHost: h\r\n"), fields, []byte("\r\n"))
		var h fasthttp.RequestHeader
		h.DisableNormalizing()
		if h.Read(bufio.NewReaderSize(bytes.NewReader(raw), 64<<10)) != nil {
			return
		}
		var r request
		out, err := r.appendRequest(nil, &h, &Forwarding{
			ForwardedFor: []byte("192.0.2.7"), Host: []byte("h"), RequestID: []byte("r1"), Session: []byte("s1"), Room: "spring", Proto: "https",
		}, 0)
		if err != nil {
			return
		}
		br := bufio.NewReader(bytes.NewReader(out))
		got, err := http.ReadRequest(br)
		if err != nil || br.Buffered() > 0 || got.Host != "h" || got.RequestURI != "/p" || len(got.TransferEncoding) > 0 || got.ContentLength != 0 {
			t.Fatalf("%q becomes %q: %v", fields, out, err)
		}
		for name, want := range map[string]string{
			"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "h", "X-Forwarded-Proto": "https",
			"X-Request-Id": "r1", "X-Dealgate-Room": "spring", "X-Dealgate-Session": "s1",
		} {
			if v := got.Header[name]; len(v) != 1 || v[0] != want {
				t.Fatalf("%q becomes %q", fields, out)
			}
			got.Header.Del(name)
		}
		for name := range got.Header {
			plain := textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
			if strings.HasPrefix(plain, "X-Dealgate-") || strings.HasPrefix(plain, "X-Forwarded-") || plain == "Keep-Alive" || plain == "Te" {
				t.Fatalf("%q becomes %q", fields, out)
			}
		}
		for _, c := range got.Cookies() {
			if ours([]byte(c.Name)) {
				t.Fatalf("%q becomes %q", fields, out)
			}
		}
	})
}
