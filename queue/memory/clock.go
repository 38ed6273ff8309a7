package memory

import "time"

// clock is the engine's time: the wall clock's, except that it never goes back
// and never stands still while the wall clock is set back.
type clock struct {
	last time.Time // the engine's, without a monotonic reading
	read time.Time // when last was read, with one
}

// now returns the engine's time.
func (c *clock) now() time.Time {
	read := time.Now()
	if wall := read.UTC().Round(0); c.read.IsZero() {
		c.last = later(c.last, wall)
	} else {
		c.last = later(c.last.Add(max(0, read.Sub(c.read))), wall)
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
