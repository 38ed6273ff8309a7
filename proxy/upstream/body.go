package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"time"
)

const (
	// mostChunkLine bounds the line before a chunk, extensions included.
	mostChunkLine = 4 << 10
	// mostTrailer bounds the trailer lines after the last chunk.
	mostTrailer = 16 << 10
)

// body is how far the reading of an answer's body has come.
type body struct {
	left    int64 // of the fixed body or the chunk
	inside  bool  // a chunk was begun: its CRLF is still to come
	done    bool
	writing time.Time // the client's write deadline in force
}

func (b *body) start(r *response) {
	*b = body{left: r.size, done: r.framing == none}
	if r.framing != fixed {
		b.left = 0
	}
}

// next returns bytes of the body that have come; took says how many were used.
// At the end of a complete body, and only there, the error is io.EOF.
func (x *exchange) next() ([]byte, error) {
	b := &x.body
	switch {
	case b.done:
		return nil, io.EOF
	case x.resp.framing == chunked && b.left == 0:
		if err := x.nextChunk(); err != nil {
			return nil, err
		}
	case x.resp.framing == fixed && b.left == 0:
		b.done = true
		return nil, io.EOF
	}
	if x.br.Buffered() == 0 {
		if _, err := x.br.Peek(1); err != nil {
			if x.resp.framing == closing && errors.Is(err, io.EOF) {
				b.done = true
				return nil, io.EOF
			}
			return nil, reading(err, false)
		}
	}
	n := x.br.Buffered()
	if x.resp.framing != closing {
		n = int(min(int64(n), b.left))
	}
	return x.br.Peek(n)
}

func (x *exchange) took(n int) {
	_, _ = x.br.Discard(n)
	if x.resp.framing != closing {
		x.body.left -= int64(n)
	}
}

// nextChunk reads up to the data of the next chunk, or to the end of the body
// and then returns io.EOF. Trailers are dropped: nobody decided on them.
func (x *exchange) nextChunk() error {
	b := &x.body
	if b.inside {
		if line, err := chunkLine(x.br); err != nil {
			return err
		} else if len(line) != 0 {
			return broken("chunk longer than it said")
		}
		b.inside = false
	}
	line, err := chunkLine(x.br)
	if err != nil {
		return err
	}
	size, ok := chunkSize(line)
	if !ok {
		return broken("chunk size %.40q", line)
	}
	if size > 0 {
		b.left, b.inside = size, true
		return nil
	}
	for n := 0; ; n += len(line) {
		if line, err = chunkLine(x.br); err != nil {
			return err
		}
		if len(line) == 0 {
			b.done = true
			return io.EOF
		}
		if n > mostTrailer || !wellFormed(line) {
			return broken("trailers that are too long or none: %.40q", line)
		}
	}
}

// chunkLine reads a line of the chunked framing, without its CRLF.
func chunkLine(br *bufio.Reader) ([]byte, error) {
	line, err := br.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, reading(err, false)
	}
	if len(line) < 2 || len(line) > mostChunkLine || line[len(line)-2] != '\r' {
		return nil, broken("chunk line %.40q", line)
	}
	return line[:len(line)-2], nil
}

// chunkSize reads the size at the start of a chunk's line; extensions and
// blanks behind it are ignored.
func chunkSize(line []byte) (n int64, ok bool) {
	i := 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			rest := trim(line[i:])
			return n, i > 0 && (len(rest) == 0 || rest[0] == ';' && printable(rest))
		}
		if n >= 1<<58 {
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, i > 0
}

// wholeChunks reports whether all of a chunked body is in the buffer. Faults
// are left for whoever reads it.
func wholeChunks(br *bufio.Reader) bool {
	b, _ := br.Peek(br.Buffered())
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 1 {
			return false
		}
		size, ok := chunkSize(b[at : at+i-1])
		at += i + 1
		if size == 0 {
			return ok && bytes.HasPrefix(b[at:], []byte("\r\n")) // else trailers
		}
		if !ok || size > int64(len(b)-at-2) {
			return false
		}
		at += int(size) + 2
	}
}

// Read implements io.Reader for whoever reads the streamed body.
func (x *exchange) Read(p []byte) (int, error) {
	b, err := x.next()
	if err != nil {
		return 0, x.tell(err)
	}
	n := copy(p, b)
	x.took(n)
	return n, nil
}

// SupportsBodyWriteTo lets fasthttp use WriteTo for a chunked body too.
func (x *exchange) SupportsBodyWriteTo() bool { return true }

// WriteTo writes the body to w as it comes. When w is fasthttp's writer of a
// response body, the header is already out and its buffer empty: the bytes go
// straight to the client's connection, so that none is held back or copied.
func (x *exchange) WriteTo(w io.Writer) (total int64, err error) {
	out := w.Write
	switch reflect.TypeOf(w).String() {
	case "*fasthttp.fixedSizeBodyWriter":
		out = x.toClient
	case "*fasthttp.chunkedBodyWriter":
		out = x.chunkToClient
	}
	for {
		b, err := x.next()
		if errors.Is(err, io.EOF) {
			x.clearDeadline()
			return total, nil
		}
		if err != nil {
			return total, x.tell(err)
		}
		n, err := out(b)
		total += int64(n)
		if err != nil {
			return total, err
		}
		x.took(n)
	}
}

// toClient writes to the client's connection while it takes some bytes at
// least every stall timeout.
func (x *exchange) toClient(b []byte) (int, error) {
	stall := x.u.cfg.StallTimeout
	if now := time.Now(); x.body.writing.Sub(now) < stall/2 {
		x.body.writing = now.Add(stall)
		if err := x.client.SetWriteDeadline(x.body.writing); err != nil {
			return 0, err
		}
	}
	return x.client.Write(b)
}

// chunkToClient writes b as a chunk.
func (x *exchange) chunkToClient(b []byte) (int, error) {
	x.out = strconv.AppendInt(x.out[:0], int64(len(b)), 16)
	x.out = append(x.out, "\r\n"...)
	x.out = append(x.out, b...)
	x.out = append(x.out, "\r\n"...)
	if _, err := x.toClient(x.out); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (x *exchange) clearDeadline() {
	if !x.body.writing.IsZero() {
		_ = x.client.SetWriteDeadline(time.Time{})
	}
}

// CloseWithError ends the exchange when the response was written or given up.
func (x *exchange) CloseWithError(err error) error {
	x.end(err == nil && (x.body.done || x.resp.framing == fixed && x.body.left == 0))
	return nil
}

// tell logs, once, that the origin broke off in the middle of an answer: there
// is no caller left who could.
func (x *exchange) tell(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrGone) && !x.told {
		x.told = true
		x.u.Warn(x.u.cfg.Log, "answer broke off", "err", err)
	}
	return err
}
