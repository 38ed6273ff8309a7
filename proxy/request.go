package proxy

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// request is one request as the decision sees it. Its slices are the
// fasthttp's or its own scratch: nothing of it outlives the handler.
type request struct {
	ctx   *fasthttp.RequestCtx
	table *table

	method []byte
	host   []byte // as sent
	name   []byte // the host for matching
	target []byte // in origin form, as sent
	path   []byte // of target
	query  []byte // of target, without ?
	means  spelled
	https  bool
	// asks is set while fasthttp asks whether to send 100 Continue: who would be
	// forwarded is kept in goesOn instead.
	asks   bool
	goesOn *going

	heads heads

	room     *room
	decision Decision
	peer     netip.Addr

	status status

	// Scratch memory: for the path, the host's name, the answer's body, a token,
	// a header's value, the X-Forwarded-For and the request's id.
	scratch, names, out, token, line, hopsLine, id []byte
}

var requests = sync.Pool{New: func() any { return new(request) }}

func acquire(ctx *fasthttp.RequestCtx, t *table) *request {
	r := requests.Get().(*request)
	r.ctx, r.table = ctx, t
	return r
}

// release forgets everything but the scratch memory.
func (r *request) release() {
	const keep = 16 << 10
	scratch, out := r.scratch[:0], r.out[:0]
	if cap(scratch) > keep || cap(out) > 4*keep {
		scratch, out = nil, nil
	}
	*r = request{scratch: scratch, names: r.names[:0], out: out, token: r.token[:0],
		line: r.line[:0], hopsLine: r.hopsLine[:0], id: r.id[:0]}
	requests.Put(r)
}

// fault is why a request is refused: an HTTP status and a word for the metric.
// The zero fault is none.
type fault struct {
	status int
	reason string
}

// read takes the request apart.
func (r *request) read() fault {
	h := &r.ctx.Request.Header
	r.method, r.host = h.Method(), h.Host()
	if f := r.heads.scan(h.RawHeaders()); f.status != 0 {
		return f
	}
	if f := r.checkLine(h); f.status != 0 {
		return f
	}
	var ok bool
	if r.name, ok = hostName(r.names[:0], r.host); !ok {
		return fault{fasthttp.StatusBadRequest, "host"}
	}
	r.names = r.name
	if f := r.readTarget(h.RequestURI()); f.status != 0 {
		return f
	}
	r.https = r.ctx.IsTLS()
	if len(r.table.trusted) > 0 && len(r.heads.proto) > 0 && r.fromTrusted() {
		visitors, _, _ := bytes.Cut(r.heads.proto, []byte{','}) // each proxy may have added its own
		r.https = fold(trim(visitors), "https")
	}
	return fault{}
}

// checkLine refuses methods and versions that are not for us.
func (r *request) checkLine(h *fasthttp.RequestHeader) fault {
	if p := h.Protocol(); string(p) != "HTTP/1.1" && string(p) != "HTTP/1.0" {
		return fault{fasthttp.StatusHTTPVersionNotSupported, "version"}
	}
	for _, c := range r.method {
		if c >= 'a' && c <= 'z' {
			return fault{fasthttp.StatusNotImplemented, "method"}
		}
	}
	switch string(r.method) {
	case "CONNECT", "TRACE":
		return fault{fasthttp.StatusMethodNotAllowed, "method"}
	}
	if e := r.heads.expect; e != nil && h.IsHTTP11() && !bytes.EqualFold(e, []byte("100-continue")) {
		return fault{fasthttp.StatusExpectationFailed, "expect"}
	}
	return fault{}
}

const (
	maxTarget = 8 << 10
	// maxOdd is how long a path may be that needs decoding: taking it apart is not for free.
	maxOdd = 4 << 10
)

// readTarget checks the request target and says what it means.
func (r *request) readTarget(uri []byte) fault {
	if len(uri) > maxTarget {
		return fault{fasthttp.StatusRequestURITooLong, "target"}
	}
	if len(uri) > 0 && uri[0] != '/' && string(uri) != "*" {
		var ok bool
		if uri, ok = r.fromAbsolute(uri); !ok {
			return fault{fasthttp.StatusBadRequest, "target"}
		}
		// To the origin goes the origin form.
		r.ctx.Request.Header.SetRequestURIBytes(bytes.Clone(uri))
		uri = r.ctx.Request.Header.RequestURI()
	}
	r.target = uri
	r.path, r.query, _ = bytes.Cut(uri, []byte{'?'})
	if !sane(r.path, r.query) {
		return fault{fasthttp.StatusBadRequest, "target"}
	}
	if len(r.path) > maxOdd && !plain(r.path) {
		return fault{fasthttp.StatusRequestURITooLong, "target"}
	}
	return fault{}
}

// decidedPath makes r.means. It is apart from read because most of our own
// endpoints do without.
func (r *request) decidedPath() {
	r.means = canonical(r.scratch, r.path)
	if cap(r.means.path) > cap(r.scratch) {
		r.scratch = r.means.path
	}
}

// fromAbsolute returns the origin form of an absolute target that names the
// same host as the Host field.
func (r *request) fromAbsolute(uri []byte) ([]byte, bool) {
	scheme, rest, ok := bytes.Cut(uri, []byte("://"))
	if !ok || !bytes.EqualFold(scheme, []byte("http")) && !bytes.EqualFold(scheme, []byte("https")) {
		return nil, false
	}
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if !bytes.EqualFold(rest[:end], r.host) {
		return nil, false
	}
	switch rest = rest[end:]; {
	case len(rest) == 0:
		rest = []byte("/")
	case rest[0] != '/':
		rest = append([]byte("/"), rest...)
	}
	return rest, true
}

// sane reports whether a target holds nothing that servers read in different
// ways without it being an escape: those are the path decision's business.
func sane(path, query []byte) bool {
	for i, c := range path {
		if c <= ' ' || c >= 0x7f || c == '#' || c == '\\' {
			return false
		}
		if c == '%' && (i+2 >= len(path) || unhex(path[i+1]) > 15 || unhex(path[i+2]) > 15) {
			return false
		}
	}
	for _, c := range query {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func now(r *room) time.Time { return r.queue.Now() }
