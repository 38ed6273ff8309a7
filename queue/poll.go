package queue

import (
	"math"
	"time"
)

// How often visitors are asked to come back.
const (
	PollCalled = time.Second      // once called, or refused for now
	PollLeast  = 2 * time.Second  // in line, give or take a fifth
	PollMost   = 30 * time.Second // in line, give or take a fifth
	PollBudget = 20000            // polls per second that a node takes, if need be from all who wait
)

// pollBase returns when to come back for a visitor with an ETA of pace:
// after a fifth of it, times stretch.
func pollBase(pace time.Duration, stretch float64) time.Duration {
	return time.Duration(min(max(float64(pace)*stretch/5, float64(PollLeast)), float64(PollMost)))
}

// maxStretch is where everybody but those about to be called polls as rarely as
// is allowed.
const maxStretch = float64(PollMost / PollLeast)

// stretch returns by how much polls must be spread, 1 to 15, so that
// waiting visitors stay within the budget, where half a minute is long enough for that.
// Those about to be called keep coming every two seconds all the same: a call that nobody
// sees in time is lost. That costs about three polls for each who is called.
func (o *outlook) stretch(waiting float64) float64 {
	k := 1.0
	for k < maxStretch && o.polls(waiting, k) > PollBudget {
		k = min(k*1.1, maxStretch)
	}
	return k
}

// polls returns the polls per second of so many waiting visitors, rounded up
// by some percent: they are added up in bands of like ETA.
func (o *outlook) polls(waiting, stretch float64) float64 {
	const band = 1.1
	if math.IsInf(o.rate, 1) {
		return waiting / pollBase(noIdea, stretch).Seconds()
	}
	sum, below := 0.0, 0.0
	eta, next := 0.0, 5*PollLeast.Seconds()/stretch
	for below < waiting {
		within := min(o.within(next), waiting)
		if pollBase(time.Duration(eta*float64(time.Second)), stretch) >= PollMost {
			within = waiting
		}
		sum += (within - below) / pollBase(time.Duration(eta*float64(time.Second)), stretch).Seconds()
		below, eta, next = within, next, next*band
	}
	return sum
}

// within returns how many places have an ETA of at most so many seconds.
func (o *outlook) within(seconds float64) float64 {
	within := o.rate * seconds
	if x := o.leaving * seconds; x > 1e-6 {
		within = o.rate * math.Expm1(x) / o.leaving
	}
	return max(within, paceRate*seconds)
}
