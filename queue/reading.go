package queue

import "time"

// reading is what a node knows of its engine's clock: at some instant after
// sent it showed engine. It is immutable.
type reading struct {
	engine time.Time
	sent   time.Time // this node's, for differences only: its monotonic part counts
	least  time.Time // what was estimated before, when the reading was taken
}

// next returns the reading that follows from a reply to a request sent at sent.
func (c *reading) next(engine, sent time.Time) *reading {
	n := &reading{engine: engine.Round(0), sent: sent}
	if c != nil {
		n.least = c.now()
	}
	return n
}

// now estimates the engine's time. The engine read its clock after the request was
// sent, so counting from then is never behind it. It does not go back: after a reply
// that took long it stands still until a quicker one has been caught up with.
func (c *reading) now() time.Time {
	if t := c.engine.Add(time.Since(c.sent)); t.After(c.least) {
		return t
	}
	return c.least
}
