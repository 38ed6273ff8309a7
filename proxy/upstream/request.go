package upstream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/valyala/fasthttp"
)

// request is what the filter of the headers learns of a request besides what
// it writes.
type request struct {
	trusted   bool
	withheld  bool   // Authorization does not go on
	id        []byte // the client's X-Request-Id, if it is sane
	declared  bool   // it had a Content-Length
	upgrade   bool   // Connection names Upgrade …
	websocket bool   // … and Upgrade asks for a WebSocket, and for nothing else
	named     []byte // what else Connection names, a comma after each
	names     int    // how many
	second    bool   // named is complete
}

// mostNamed is how many headers Connection may name: each costs a comparison
// with every header.
const mostNamed = 16

// appendRequest appends the head of the request to the origin. body is the
// length of the request's body, or -1 for a chunked one.
func (r *request) appendRequest(dst []byte, h *fasthttp.RequestHeader, f *Forwarding, body int) ([]byte, error) {
	*r = request{trusted: f.Trusted, withheld: f.DropAuthorization, named: r.named[:0]}
	dst = append(dst, h.Method()...)
	dst = append(dst, ' ')
	dst = append(dst, h.RequestURI()...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, h.Host()...)
	dst = append(dst, "\r\n"...)
	raw := h.RawHeaders()
	if len(raw) == 0 {
		raw = rawHeaders(h) // not read from a connection
	}
	start := len(dst)
	dst, err := r.appendFields(dst, raw)
	if err == nil && r.names > 0 {
		// Connection may follow what it names, so this takes a second pass.
		if r.names > mostNamed {
			return dst, fmt.Errorf("%w: Connection names %d headers", ErrRequest, r.names)
		}
		r.second = true
		dst, err = r.appendFields(dst[:start], raw)
	}
	if err != nil {
		return dst, err
	}
	if r.upgrade && r.websocket && h.IsGet() && h.IsHTTP11() && body == 0 {
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	} else {
		r.websocket = false
	}
	dst = r.appendOwn(dst, f)
	switch {
	case body < 0:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case body > 0 || r.declared || h.IsPost() || h.IsPut() || h.IsPatch():
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(body), 10)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...), nil
}

// appendOwn appends what we tell the origin.
func (r *request) appendOwn(dst []byte, f *Forwarding) []byte {
	dst = appendField(dst, "X-Forwarded-For: ", f.ForwardedFor)
	dst = appendField(dst, "X-Forwarded-Proto: ", f.Proto)
	dst = appendField(dst, "X-Forwarded-Host: ", f.Host)
	dst = appendField(dst, "X-Dealgate-Room: ", f.Room)
	dst = appendField(dst, "X-Dealgate-Session: ", f.Session)
	switch {
	case len(f.RequestID) > 0:
	case len(r.id) > 0:
		f.RequestID = append(f.RequestID, r.id...)
	default:
		f.RequestID = appendNewID(f.RequestID)
	}
	return appendField(dst, "X-Request-Id: ", f.RequestID)
}

func appendField[T string | []byte](dst []byte, name string, value T) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendRequestID appends the X-Request-Id that Forward would send for h: the
// client's first sane one, else a new one. It serves whoever must know it
// before.
func AppendRequestID(dst []byte, h *fasthttp.RequestHeader) []byte {
	for raw := h.RawHeaders(); ; {
		colon, end, err := cut(raw)
		if err != nil || end == 0 {
			return appendNewID(dst)
		}
		if judge(raw[:colon]) == requestID {
			if id := trim(raw[colon+1 : end]); sane(id) {
				return append(dst, id...)
			}
		}
		raw = raw[end+2:]
	}
}

// appendNewID appends 32 random hex digits. They tell requests apart and are
// no secret.
func appendNewID(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for range 2 {
		for n, i := rand.Uint64(), 0; i < 16; i++ {
			dst = append(dst, digits[n&15])
			n >>= 4
		}
	}
	return dst
}

// sane reports whether a request id of the client's may go on.
func sane(id []byte) bool {
	for _, c := range id {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && bytes.IndexByte([]byte("-_.~+/=:@"), c) < 0 {
			return false
		}
	}
	return len(id) > 0 && len(id) <= 128
}

// appendFields appends the headers of raw that go on, in their order and as
// they were written.
func (r *request) appendFields(dst, raw []byte) ([]byte, error) {
	from := 0 // what goes on and is not appended yet starts here
	for at := 0; ; {
		colon, end, err := cut(raw[at:])
		if err != nil {
			return dst, err
		}
		if end == 0 {
			return append(dst, raw[from:at]...), nil
		}
		line, next := raw[at:at+end], at+end+2
		v := judge(line[:colon])
		if v == pass && (!r.second || !r.strips(line[:colon])) {
			at = next
			continue
		}
		dst = append(dst, raw[from:at]...)
		from, at = next, next
		switch value := trim(line[colon+1:]); v {
		case dropUnless:
			if r.trusted {
				dst = append(append(dst, line...), "\r\n"...)
			}
		case authorization:
			if !r.withheld {
				dst = append(append(dst, line...), "\r\n"...)
			}
		case connection:
			if !r.second {
				r.connection(value)
			}
		case upgrade:
			r.websocket = same(value, "websocket")
		case cookie:
			dst = appendCookies(dst, line, colon)
		case requestID:
			if sane(value) && len(r.id) == 0 {
				r.id = value
			}
		case length:
			r.declared = true
		}
	}
}

// cut returns where the name and where the line end that raw starts with; the
// line ends at 0 where there is none left. Folded lines, bare line feeds and
// names with blanks are refused: others read them differently.
func cut(raw []byte) (colon, end int, err error) {
	if len(raw) == 0 || len(raw) == 2 && raw[0] == '\r' && raw[1] == '\n' {
		return 0, 0, nil
	}
	for colon < len(raw) && raw[colon] > ' ' && raw[colon] != ':' {
		colon++
	}
	end = colon + bytes.IndexByte(raw[colon:], '\n') - 1
	if colon == 0 || end <= colon || raw[colon] != ':' || raw[end] != '\r' {
		return 0, 0, fmt.Errorf("%w: header line folded, without a name or not ended by CRLF", ErrRequest)
	}
	return colon, end, nil
}

// connection notes what a Connection header names.
func (r *request) connection(value []byte) {
	for len(value) > 0 {
		var t []byte
		t, value = token(value)
		switch {
		case len(t) == 0 || same(t, "close") || same(t, "keep-alive"):
		case same(t, "upgrade"):
			r.upgrade = true
		case judge(t) == pass && !kept(t):
			r.named = append(append(r.named, t...), ',')
			r.names++
		}
	}
}

// strips reports whether Connection names the header.
func (r *request) strips(name []byte) bool {
	for list := r.named; len(list) > 0; {
		var t []byte
		if t, list = token(list); bytes.EqualFold(t, name) {
			return true
		}
	}
	return false
}

// appendCookies appends a Cookie line without dealgate's own cookies; the
// others stay as they were written. Nothing is appended when none is left.
func appendCookies(dst, line []byte, colon int) []byte {
	start := len(dst)
	dst = append(dst, line[:colon+1]...)
	empty := true
	for rest := line[colon+1:]; rest != nil; {
		pair := rest
		if i := bytes.IndexByte(rest, ';'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if ours(pair) {
			continue
		}
		if !empty {
			dst = append(dst, ';')
		} else if trimmed := trim(pair); len(trimmed) < len(pair) && pair[0] == ' ' {
			dst = append(dst, ' ')
			pair = pair[1:]
		}
		empty = false
		dst = append(dst, pair...)
	}
	if empty {
		return dst[:start]
	}
	return append(dst, "\r\n"...)
}

// ours reports whether a pair of a Cookie header is a cookie of dealgate's.
func ours(pair []byte) bool {
	name := trim(pair)
	if len(name) > 0 && name[0]|0x20 != 'd' && name[0] != '_' {
		return false
	}
	if begins(name, "--host-") {
		name = name[len("--host-"):]
	}
	return begins(name, "dealgate-ticket-") || begins(name, "dealgate-pass-")
}

// rawHeaders writes down the headers of a request that did not come from an
// HTTP/1 connection.
func rawHeaders(h *fasthttp.RequestHeader) []byte {
	var raw []byte
	for name, value := range h.All() {
		raw = append(raw, name...)
		raw = append(raw, ": "...)
		raw = append(raw, value...)
		raw = append(raw, "\r\n"...)
	}
	return append(raw, "\r\n"...)
}
