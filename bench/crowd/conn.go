package crowd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Limits of one exchange.
const (
	answerTimeout = 30 * time.Second
	maxAnswer     = 16 << 20
)

// errStale says that a connection used before was closed when it was used
// again, before the first byte of an answer: a browser tries anew.
var errStale = errors.New("the kept connection was closed")

// A Conn is a kept HTTP/1.1 connection that does one exchange at a time with as
// little work as can be, because it shares the machine with what it measures.
type Conn struct {
	conn   net.Conn
	buf    []byte
	answer Answer
	used   bool
	limit  time.Time // the deadline in force
}

// An Answer is what came back. It is valid until the next Do.
type Answer struct {
	Code       int
	Header     []byte // the lines after the status line
	Body       []byte
	RetryAfter []byte
	Refresh    []byte
	SetCookie  [][]byte
	noindex    bool
	closes     bool
	length     int // of the body; -1: until the connection ends, -2: chunked
}

// NewConn returns a Conn on an open connection.
func NewConn(conn net.Conn) *Conn { return &Conn{conn: conn, buf: make([]byte, 0, 4096)} }

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Do sends a whole request and returns its answer. After an error, or an
// answer that Closes, the connection is of no more use.
func (c *Conn) Do(request []byte) (*Answer, error) {
	if now := time.Now(); c.limit.Sub(now) < answerTimeout/2 {
		c.limit = now.Add(answerTimeout) // seldom: setting it costs as much as a tenth of an exchange
		if err := c.conn.SetDeadline(c.limit); err != nil {
			return nil, err
		}
	}
	_, err := c.conn.Write(request)
	if err != nil && c.used {
		return nil, errStale
	}
	if err != nil {
		return nil, err
	}
	c.buf = c.buf[:0]
	head, err := c.readHead()
	if err != nil {
		if c.used && len(c.buf) == 0 && !errors.Is(err, errTimeout) {
			return nil, errStale
		}
		return nil, err
	}
	c.used = true
	return &c.answer, c.readBody(head)
}

// Closes reports whether the server ends the connection after the answer.
func (a *Answer) Closes() bool { return a.closes }

var errTimeout = errors.New("no answer in time")

// more reads what there is into the buffer.
func (c *Conn) more() error {
	if len(c.buf) == cap(c.buf) {
		if len(c.buf) > maxAnswer {
			return errors.New("the answer is too long")
		}
		c.buf = append(c.buf, 0)[:len(c.buf)]
	}
	n, err := c.conn.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	var timeout net.Error
	switch {
	case err == nil:
		return io.ErrNoProgress
	case errors.As(err, &timeout) && timeout.Timeout():
		return errTimeout
	}
	return err
}

// readHead reads the status line and header, and returns their length.
func (c *Conn) readHead() (int, error) {
	for {
		end := bytes.Index(c.buf, []byte("\r\n\r\n")) + 4
		if end < 4 {
			if err := c.more(); err != nil {
				return 0, err
			}
			continue
		}
		if err := c.answer.parse(c.buf[:end-2]); err != nil {
			return 0, err
		}
		if c.answer.Code >= 200 {
			return end, nil
		}
		c.buf = append(c.buf[:0], c.buf[end:]...) // an interim answer: the real one follows
	}
}

// parse reads the head of an answer: lines that all end in CRLF.
func (a *Answer) parse(head []byte) error {
	*a = Answer{SetCookie: a.SetCookie[:0], length: -1}
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' {
		return fmt.Errorf("not an HTTP answer: %.40q", line)
	}
	code, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return fmt.Errorf("not an HTTP answer: %.40q", line)
	}
	a.Code, a.Header = code, rest
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return fmt.Errorf("not a header line: %.40q", line)
		}
		if err := a.header(name, bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
	if code == 204 || code == 304 || code < 200 {
		a.length = 0
	}
	if a.length == -1 {
		a.closes = true
	}
	return nil
}

// header takes what a visitor cares for. The length of the name rules out most.
func (a *Answer) header(name, value []byte) (err error) {
	is := func(s string) bool { return bytes.EqualFold(name, []byte(s)) }
	switch len(name) {
	case len("Refresh"):
		if is("Refresh") {
			a.Refresh = value
		}
	case len("Connection"): // and of Set-Cookie
		if is("Set-Cookie") {
			a.SetCookie = append(a.SetCookie, value)
		} else if is("Connection") && bytes.EqualFold(value, []byte("close")) {
			a.closes = true
		}
	case len("Retry-After"):
		if is("Retry-After") {
			a.RetryAfter = value
		}
	case len("X-Robots-Tag"):
		if is("X-Robots-Tag") {
			a.noindex = bytes.Contains(value, []byte("noindex"))
		}
	case len("Content-Length"):
		if is("Content-Length") && a.length != -2 {
			if a.length, err = strconv.Atoi(string(value)); err != nil || a.length < 0 || a.length > maxAnswer {
				return fmt.Errorf("content-length %.20q", value)
			}
		}
	case len("Transfer-Encoding"):
		if is("Transfer-Encoding") {
			a.length = -2
		}
	}
	return nil
}

// readBody reads the body that follows the head. Growing the buffer moves it,
// so the answer's parts are taken from it anew.
func (c *Conn) readBody(head int) error {
	a := &c.answer
	if a.length >= 0 {
		start := &c.buf[0]
		for len(c.buf) < head+a.length {
			if err := c.more(); err != nil {
				return fmt.Errorf("the answer ends in its body: %w", err)
			}
		}
		if len(c.buf) > head+a.length {
			return errors.New("the answer is longer than it says")
		}
		if start != &c.buf[0] {
			return c.reparse(head, c.buf[head:])
		}
		a.Body = c.buf[head:]
		return nil
	}
	if a.length == -1 {
		for {
			if err := c.more(); errors.Is(err, io.EOF) {
				return c.reparse(head, c.buf[head:])
			} else if err != nil {
				return err
			}
		}
	}
	return c.readChunks(head)
}

func (c *Conn) reparse(head int, body []byte) error {
	err := c.answer.parse(c.buf[:head-2])
	c.answer.Body = body
	return err
}

// readChunks reads a chunked body and joins the chunks in place.
func (c *Conn) readChunks(head int) error {
	at, to := head, head // read from, written to
	for {
		var line int
		for {
			if line = bytes.Index(c.buf[at:], []byte("\r\n")); line >= 0 {
				break
			}
			if err := c.more(); err != nil {
				return fmt.Errorf("the answer ends in a chunk: %w", err)
			}
		}
		size, _, _ := bytes.Cut(c.buf[at:at+line], []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 32)
		if err != nil {
			return fmt.Errorf("chunk size %.20q", size)
		}
		at += line + 2
		for len(c.buf) < at+int(n)+2 {
			if err := c.more(); err != nil {
				return fmt.Errorf("the answer ends in a chunk: %w", err)
			}
		}
		to += copy(c.buf[to:], c.buf[at:at+int(n)])
		at += int(n) + 2
		if n == 0 {
			return c.reparse(head, c.buf[head:to]) // without trailers, which nobody here sends
		}
	}
}
