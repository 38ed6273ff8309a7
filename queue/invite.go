package queue

import (
	"math"
	"time"
)

// An invitation is fresh until FreshFor has passed since the call, or
// TriedFor since a claim that was refused; then it is stale.
const (
	FreshFor = 5 * time.Second
	TriedFor = 3 * time.Second
)

// Fresh reports whether an invitation of the time called, whose visitor last
// tried to claim at tried (zero: never), is fresh at now.
func Fresh(now, called, tried time.Time) bool {
	return now.Sub(called) < FreshFor || !tried.IsZero() && now.Sub(tried) < TriedFor
}

// inviteAhead is how far ahead invitations are made: those who are called
// come within about a second, so this keeps the claims coming without
// calling people who would be refused for long.
const inviteAhead = 3.0 // seconds

// Flow is what decides how many to invite.
type Flow struct {
	Tokens float64 // in the allowance
	Rate   float64 // 0: no limit
	Free   int     // slots, [Unlimited] without a capacity; see [FreeSlots]
	Ending float64 // sessions that end per second, moving
	Yield  float64 // see [Yield]
	Fresh  int     // invitations that are fresh
}

// Invitations returns how many present places to call now, 0 to
// [MaxInvitations]: so many that the fresh invitations are 3 s worth of what can
// enter, more if not all who are invited come.
func (f Flow) Invitations() int {
	enter := math.Inf(1)
	if f.Rate > 0 {
		enter = f.Tokens + inviteAhead*f.Rate
	}
	if f.Free < Unlimited {
		enter = min(enter, float64(f.Free)+inviteAhead*max(f.Ending, 0))
	}
	want := math.Ceil(enter/max(f.Yield, leastYield)-1e-9) - float64(f.Fresh)
	return int(min(max(want, 0), MaxInvitations))
}

// leastYield bounds the invitations: even if nobody comes, the room calls
// about three times what can enter.
const leastYield = 0.3

// Yield is the moving share of invitations that were claimed while fresh, over
// about the last hundred that were settled. The zero Yield is 1.
type Yield struct{ Missed float64 }

// yieldSpan is the number of settled invitations after which an old one weighs 1/e.
const yieldSpan = 100

// Settle counts invitations that were claimed while fresh, or went stale.
func (y *Yield) Settle(claimed, stale int) {
	n := float64(claimed + stale)
	if n <= 0 {
		return
	}
	y.Missed += (float64(stale)/n - y.Missed) * -math.Expm1(-n/yieldSpan)
}

// Value returns the yield, 0.3 to 1.
func (y *Yield) Value() float64 { return min(max(1-y.Missed, leastYield), 1) }
