package queue

import "time"

// An Estimate is what a node can tell the visitor of one place.
type Estimate struct {
	Ahead   int64 // present visitors before it in its lane
	Waiting int64 // present visitors in its lane, in all
	// ETA is the expected time until the place is called, between Low and High.
	// They are zero unless Known. With AtLeast no upper end is known: all three are
	// the least it can be.
	ETA, Low, High time.Duration
	Known, AtLeast bool
	Rate           float64 // visitors that enter per second, as far as is known; 0: unknown or unlimited

	pace time.Duration // what PollAfter goes by; an ETA even where none is told
}
