package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// leastRate is the slowest a client may send a body, in bytes per second,
	// once slowFor has passed.
	leastRate = 500
	slowFor   = 10 * time.Second
	// front is the room for the size line of a chunk.
	front = 8
)

// upload sends a body to the origin while the answer is awaited. Its goroutine
// holds the request's body stream and the two connections, never the RequestCtx.
type upload struct {
	client  net.Conn
	stopped atomic.Bool // set before the deadlines that interrupt it
	done    chan struct{}

	// Valid once done is closed.
	complete bool  // the body was sent to its end
	failed   error // the client's side broke off, and with it the connection to the origin
}

var uploadBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// startUpload sends size bytes of stream, or all of it in chunks when size is
// negative.
func startUpload(x *exchange, stream io.Reader, size int) *upload {
	up := &upload{client: x.client, done: make(chan struct{})}
	go up.run(stream, int64(size), x.c, x.u.cfg.StallTimeout)
	return up
}

func (up *upload) run(stream io.Reader, size int64, c *conn, stall time.Duration) {
	defer close(up.done)
	up.complete, up.failed = up.copy(stream, size, c, stall)
	if up.failed != nil {
		c.drop() // the origin must never take what it got for the whole
	}
}

// copy returns whether all was sent, and what failed at the client's side.
func (up *upload) copy(stream io.Reader, size int64, c *conn, stall time.Duration) (complete bool, failed error) {
	buf := uploadBuffers.Get().(*[16 << 10]byte)
	defer uploadBuffers.Put(buf)
	var sent int64
	var armed time.Time
	for start := time.Now(); ; {
		now := time.Now()
		if d := now.Sub(start); d > slowFor && float64(sent) < leastRate*d.Seconds() {
			return false, fmt.Errorf("body slower than %d bytes per second", leastRate)
		}
		if armed.Sub(now) < stall/2 {
			armed = now.Add(stall)
			if err := up.client.SetReadDeadline(armed); err != nil {
				return false, err
			}
		}
		if up.stopped.Load() {
			return false, nil
		}
		n, err := stream.Read(buf[front : len(buf)-2])
		if n > 0 {
			out := buf[front : front+n]
			if size < 0 {
				out = chunk(buf[:], n)
			}
			if c.send(out, stall) != nil {
				return false, nil // an answer may be there all the same
			}
			sent += int64(n)
		}
		switch {
		case sent == size:
			return true, nil
		case err == nil:
		case !errors.Is(err, io.EOF):
			return false, err
		case size >= 0:
			return false, io.ErrUnexpectedEOF
		case left(up.client):
			// fasthttp returns the same io.EOF for a chunked body that was cut
			// between two chunks as for a complete one.
			return false, io.ErrUnexpectedEOF
		default:
			return c.send([]byte("0\r\n\r\n"), stall) == nil, nil
		}
	}
}

// chunk frames the n bytes of buf at front as a chunk; there is room on both sides.
func chunk(buf []byte, n int) []byte {
	var line [front]byte
	head := append(strconv.AppendInt(line[:0], int64(n), 16), "\r\n"...)
	copy(buf[front-len(head):], head)
	copy(buf[front+n:], "\r\n")
	return buf[front-len(head) : front+n+2]
}

// over reports whether the upload has ended, one way or the other.
func (up *upload) over() bool {
	select {
	case <-up.done:
		return true
	default:
		return false
	}
}

// within reports whether the upload ends, to the last byte, within d.
func (up *upload) within(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-up.done:
		return up.complete
	case <-timer.C:
		return false
	}
}

// stop ends the upload and reports whether it was complete. One that is under
// way loses both its connections.
func (up *upload) stop(x *exchange) bool {
	if !up.over() {
		up.stopped.Store(true)
		x.c.drop()
		_ = up.client.SetReadDeadline(time.Unix(1, 0))
		<-up.done
	}
	return up.complete
}
