package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/valyala/fasthttp"
)

const (
	// mostHead bounds the head of an answer, and is what an exchange buffers.
	mostHead = 32 << 10
	// mostInterim bounds the 1xx answers before the real one.
	mostInterim = 10
)

// A framing says how the end of a body is known.
type framing int

const (
	none    framing = iota // there is no body
	fixed                  // after the Content-Length
	chunked                // after the last chunk
	closing                // when the connection closes
)

// response is what the head of an answer says about its body and connection.
type response struct {
	status   int
	http10   bool
	framing  framing
	size     int64 // of a fixed body
	lengths  int   // how many Content-Length it had
	codings  int   // how many Transfer-Encoding
	close    bool  // Connection: close
	alive    bool  // Connection: keep-alive
	upgrade  bool  // Connection: Upgrade and Upgrade: websocket, as 101 needs
	toSocket bool
	hops     bool   // there are headers that end here
	named    []byte // what else Connection names, comma separated
}

// readHead reads the head of the final answer into h and learns its framing.
// Interim answers are passed over. Without an error, br stands at the body.
func (r *response) readHead(br *bufio.Reader, h *fasthttp.ResponseHeader, head, websocket bool) error {
	for range mostInterim + 1 {
		n, err := headEnd(br)
		if err != nil {
			return err
		}
		b, _ := br.Peek(n)
		if err := r.scan(b[:n]); err != nil {
			return err
		}
		if r.status >= 200 || r.status == fasthttp.StatusSwitchingProtocols {
			if err := r.frame(head, websocket); err != nil {
				return err
			}
			if r.hops {
				start, err := r.strip(b[:n])
				if err != nil {
					return err
				}
				_, _ = br.Discard(start)
			}
			if err := h.Read(br); err != nil {
				return broken("%v", err)
			}
			h.SetNoDefaultContentType(true)
			h.ResetConnectionClose()
			return nil
		}
		_, _ = br.Discard(n)
	}
	return broken("more than %d interim answers", mostInterim)
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBroken, fmt.Errorf(format, args...))
}

// headEnd waits for a complete head and returns its length. Lines that do not
// end in CRLF are refused as soon as they are there: waiting would hang.
func headEnd(br *bufio.Reader) (int, error) {
	line := 0 // where the line being looked for starts
	for n := 1; ; n = br.Buffered() + 1 {
		if _, err := br.Peek(n); err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return 0, broken("head of more than %d bytes", mostHead)
			}
			return 0, reading(err, n == 1)
		}
		b, _ := br.Peek(br.Buffered())
		for {
			i := bytes.IndexByte(b[line:], '\n')
			if i < 0 {
				break
			}
			if i == 0 || b[line+i-1] != '\r' {
				return 0, broken("bare line feed in the head")
			}
			if i == 1 {
				if line == 0 {
					return 0, broken("empty line before the status line")
				}
				return line + 2, nil
			}
			line += i + 1
		}
	}
}

// errSilent says that the connection closed before the first byte of an answer.
var errSilent = errors.New("closed before an answer")

// reading says in our words what went wrong while an answer was read; first:
// nothing of it had come yet.
func reading(err error, first bool) error {
	switch {
	case errors.Is(err, ErrGone):
		return err
	case isTimeout(err):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case first:
		return fmt.Errorf("%w: %w: %w", ErrBroken, errSilent, err)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// scan reads a head for what concerns this hop.
func (r *response) scan(b []byte) error {
	*r = response{named: r.named[:0]}
	n := bytes.IndexByte(b, '\n') + 1
	if err := r.statusLine(b[:n-2]); err != nil {
		return err
	}
	for b = b[n:]; ; {
		colon, end, err := cut(b)
		if err != nil {
			return broken("header line folded, without a name or not ended by CRLF")
		}
		if end == 0 {
			return nil
		}
		if err := r.header(b[:colon], b[colon+1:end]); err != nil {
			return err
		}
		b = b[end+2:]
	}
}

// statusLine reads a status line such as "HTTP/1.1 200 OK" and makes it one of
// HTTP/1.1, which is what our clients are answered in.
func (r *response) statusLine(b []byte) error {
	if len(b) < len("HTTP/1.1 200") || string(b[:7]) != "HTTP/1." || (b[7] != '0' && b[7] != '1') || b[8] != ' ' ||
		(len(b) > 12 && b[12] != ' ') {
		return broken("status line %.40q", b)
	}
	if !printable(b) { // others end a line at a bare CR
		return broken("control byte in status line %.40q", b)
	}
	r.http10 = b[7] == '0'
	for _, c := range b[9:12] {
		if c < '0' || c > '9' {
			return broken("status line %.40q", b)
		}
		r.status = r.status*10 + int(c-'0')
	}
	if r.status < 100 {
		return broken("status line %.40q", b)
	}
	b[7] = '1'
	return nil
}

func (r *response) header(name, value []byte) error {
	r.hops = r.hops || hop(name)
	switch name[0] | 0x20 {
	case 'c':
		switch {
		case same(name, "content-length"):
			r.lengths++
			size, ok := digits(trim(value))
			if !ok {
				return broken("Content-Length %.40q", value)
			}
			r.size = size
		case same(name, "connection"):
			r.connection(value)
		}
	case 't':
		if same(name, "transfer-encoding") {
			r.codings++
			if !same(trim(value), "chunked") {
				return broken("Transfer-Encoding %.40q", value)
			}
		}
	case 'u':
		if same(name, "upgrade") && same(trim(value), "websocket") {
			r.toSocket = true
		}
	}
	return nil
}

func (r *response) connection(value []byte) {
	for len(value) > 0 {
		var t []byte
		t, value = token(value)
		switch {
		case len(t) == 0:
		case same(t, "close"):
			r.close = true
		case same(t, "keep-alive"):
			r.alive = true
		case same(t, "upgrade"):
			r.upgrade = true
		case !kept(t):
			r.named = append(append(r.named, t...), ',')
		}
	}
}

// digits reads a canonical decimal number below 2^62.
func digits(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// frame decides how the body ends, or that nobody can tell.
func (r *response) frame(head, websocket bool) error {
	if r.lengths > 1 || r.codings > 1 || r.codings == 1 && r.http10 {
		return broken("%d Content-Length, %d Transfer-Encoding", r.lengths, r.codings)
	}
	switch {
	case r.status == fasthttp.StatusSwitchingProtocols:
		if !websocket || !r.upgrade || !r.toSocket {
			return broken("101 that was not asked for")
		}
		r.framing = none
	case head, r.status == fasthttp.StatusNoContent, r.status == fasthttp.StatusNotModified:
		r.framing = none
	case r.codings == 1:
		r.framing = chunked
	case r.lengths == 1:
		r.framing = fixed
	default:
		r.framing = closing
	}
	return nil
}

// reusable reports whether the connection may carry another exchange once the
// body has ended.
func (r *response) reusable() bool {
	return !r.close && (!r.http10 || r.alive) && r.framing != closing &&
		r.status != fasthttp.StatusSwitchingProtocols && (r.lengths == 0 || r.codings == 0)
}
