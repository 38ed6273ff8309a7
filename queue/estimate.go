package queue

import (
	"math"
	"time"
)

// An Estimate is what a node can tell the visitor of one place.
type Estimate struct {
	Ahead   int64 // present visitors before it in its lane, exact to within a block
	Waiting int64 // present visitors in its lane, in all
	// ETA is the expected time until the visitor may enter, between Low and High.
	// They are zero unless Known. With AtLeast no upper end is known: all three
	// are the least it can be.
	ETA, Low, High time.Duration
	Known, AtLeast bool
	Rate           float64 // visitors that enter per second as things stand; 0: unknown or unlimited

	pace time.Duration // what PollAfter goes by: an ETA even where none can be told
}

// The range around an ETA allows for what is not known: how the share of those
// who leave and the rate of entry will move, and how many of those ahead are
// counted as present though they left since their last poll. Where nobody leaves,
// only the rate matters: entries fall short of it by stale invitations and
// returners more easily than they exceed it, hence the lopsided figures.
const (
	lowRate, highRate       = 1.10, 0.85 // times the rate of entry
	lowLeaving, highLeaving = 1.5, 0.5   // times the leaving rate
	// A call is seen by the node's next Sync and by the visitor's next poll,
	// which is at most a few seconds off where the ETA is short.
	slack = 2 * time.Second
)

// longest is where an ETA stops to mean anything.
const longest = 30 * 24 * time.Hour

// noIdea is the pace of those to whom no ETA can be told for want of any figure.
const noIdea = 25 * time.Second

// paceRate is the least rate of entry per second by which visitors are told to poll: a room
// that is held, or slow, may be sped up at any time, and finds the first in line polling
// often enough to be called at some hundred a second. It costs a room no more than some
// thousand polls per second.
const paceRate = 50.0

// outlook is what of a View decides how long a wait is.
type outlook struct {
	rate    float64 // of entry per second; +Inf: no limit; 0: unknown
	leaving float64 // h: share of the present that goes absent per second
	free    float64 // visitors that enter before slots limit, while it is unknown how fast they free up
	called  float64 // visitors who were called and are expected to enter before anybody who waits
	still   bool    // nobody is called: no ETA can be told
}

// newOutlook reads v, a View of some Sync.
func newOutlook(v *View) outlook {
	o := outlook{rate: math.Inf(1), leaving: max(v.Leaving, 0), free: math.Inf(1)}
	o.still = v.State == Hold || v.State == Closed
	if v.State == Open {
		return o
	}
	o.called = float64(v.Called) * min(max(v.Yield, 0), 1)
	if v.Rate > 0 {
		o.rate = v.Rate
	}
	switch {
	case v.Capacity <= 0:
	case v.MeanSession > 0:
		o.rate = min(o.rate, float64(v.Capacity)/v.MeanSession.Seconds())
	default:
		o.free = float64(FreeSlots(v.Capacity, v.Sessions, 0))
	}
	return o
}

// wait returns how long it takes until ahead visitors, of whom a share of
// leaving per second gives up, have entered at the given rate.
func wait(ahead, rate, leaving float64) time.Duration {
	s := ahead / rate
	if x := leaving * s; x > 1e-6 {
		s = math.Log1p(x) / leaving
	}
	if !(s < longest.Seconds()) {
		return longest
	}
	return time.Duration(s * float64(time.Second))
}

// estimate fills in the times for a place that ahead visitors, in all lanes,
// enter before.
func (o *outlook) estimate(e *Estimate, ahead float64) {
	unknown := math.IsInf(o.rate, 1) && ahead >= o.free
	if unknown {
		e.pace = noIdea
		return
	}
	e.pace = min(wait(ahead, o.rate, o.leaving), wait(ahead, paceRate, 0))
	ahead += o.called
	eta := wait(ahead, o.rate, o.leaving)
	if !math.IsInf(o.rate, 1) {
		e.Rate = o.rate
	}
	if o.still {
		return
	}
	e.Known, e.ETA, e.Low, e.High = true, eta, eta, eta
	if e.AtLeast = ahead >= o.free || eta == longest; e.AtLeast {
		return
	}
	e.Low = wait(max(0, ahead-math.Sqrt(ahead)), o.rate*lowRate, o.leaving*lowLeaving)
	e.High = wait(ahead+math.Sqrt(ahead), o.rate*highRate, o.leaving*highLeaving) + slack
}
