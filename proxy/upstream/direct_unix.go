//go:build unix

package upstream

import (
	"io"
	"net"
	"syscall"
)

// direct asks and hears on a socket with one system call less than a Write and
// a Read would take: a Read tries first and waits then, and behind a question
// that first try is always in vain.
type direct struct {
	raw  syscall.RawConn
	step func(fd uintptr) bool
	out  []byte // nil once it was written
	in   []byte
	n    int
	err  error
}

// newDirect returns nil for what is no plain TCP connection.
func newDirect(c net.Conn) *direct {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.step = d.turn
	return d
}

// ask writes out, waits until there is something to read, and reads it to in.
// It returns what was not written, which is to be sent the usual way; then, and
// when a deadline passed before, nothing was read.
//
// It is safe because the runtime is told that we wait for a readable socket
// before the question goes out: no answer can come unnoticed in between.
func (d *direct) ask(out, in []byte) (n int, unsent []byte, err error) {
	d.out, d.in, d.n, d.err = out, in, 0, nil
	err = d.raw.Read(d.step)
	if err == nil {
		err = d.err
	}
	n, unsent = d.n, d.out
	d.out, d.in = nil, nil
	return n, unsent, err
}

// turn is called when the socket may be used, and returns false to wait until
// it can be read.
func (d *direct) turn(fd uintptr) (done bool) {
	if d.out != nil {
		switch n, err := again(syscall.Write, fd, d.out); {
		case err == syscall.EAGAIN || err == nil && n < len(d.out):
			d.out = d.out[max(n, 0):]
			return true
		case err == nil:
			d.out = nil
			return false
		}
		d.out = nil // what the origin said before it closed is still to be read
	}
	n, err := again(syscall.Read, fd, d.in)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		d.err = err
	case n == 0:
		d.err = io.EOF
	default:
		d.n = n
	}
	return true
}

// again repeats a call that a signal interrupted.
func again(call func(int, []byte) (int, error), fd uintptr, b []byte) (n int, err error) {
	for {
		if n, err = call(int(fd), b); err != syscall.EINTR {
			return n, err
		}
	}
}
