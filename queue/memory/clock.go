package memory

import "time"

// clock is the engine's time: it starts as the wall clock's, or where an earlier run
// ended if that is later, and goes on as fast as real time does, whatever the wall
// clock is set to meanwhile.
type clock struct {
	last time.Time // the engine's, without a monotonic reading
	read time.Time // when last was read, with one
}

// now returns the engine's time.
func (c *clock) now() time.Time {
	read := time.Now()
	if c.read.IsZero() {
		c.last = later(c.last, read.UTC().Round(0))
	} else {
		c.last = c.last.Add(max(0, read.Sub(c.read)))
	}
	c.read = read
	return c.last
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
