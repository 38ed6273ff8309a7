package proxy

import "time"

// Decision is what became of a request.
type Decision uint8

// The decisions.
const (
	Passed   Decision = iota + 1 // no room protects it: forwarded by a route
	Admitted                     // forwarded with a valid pass
	Claimed                      // its place was called: it claimed, and was forwarded
	Entered                      // joined, was admitted at once, and forwarded
	Opened                       // forwarded without a pass: the room is open
	Joined                       // was given a place, and waits
	Waited                       // has a place, and waits
	Held                         // waits without a place
	Polled                       // asked for its status
	Left                         // gave its place or session up
	Own                          // anything else under /.dealgate/
	Missed                       // nothing matches it: 404
	Refused                      // malformed, misdirected or forbidden: 4xx
	Failed                       // the origin failed: 502 or 504
	Gone                         // its client left before the origin answered
	decisions
)

// String is the decision in a word, for a metric's label.
func (d Decision) String() string {
	if d >= decisions {
		d = 0
	}
	return [decisions]string{"unknown", "passed", "admitted", "claimed", "entered", "opened", "joined", "waited",
		"held", "polled", "left", "own", "missed", "refused", "failed", "gone"}[d]
}

// Observer is told what the Handler does. Its methods are called on the
// request's goroutine: they must be fast and safe for concurrent use.
type Observer interface {
	// Observe is called once for every request; took is the time until its
	// answer began, origin included. room is "" where none was concerned.
	Observe(room string, d Decision, took time.Duration)
	// Rejected is called for every token and every request that was refused.
	// reason is one of a few words.
	Rejected(room, reason string)
	// Waited is called when a ticket's claim was admitted, with the time since
	// it was given.
	Waited(room string, d time.Duration)
}
