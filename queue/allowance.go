package queue

import (
	"math"
	"time"
)

// Allowance is a token bucket: it bounds the sessions begun in any span w to
// rate·w + burst. The zero Allowance is full when first refilled. It is plain
// data, so that an engine can keep it anywhere; it does no locking.
type Allowance struct {
	Tokens float64   // what is in the bucket, as of At
	At     time.Time // of the last Refill
	Rate   float64   // tokens that come in per second since At; 0: no limit
}

// Refill lets time pass until now and then puts rate and burst in force. The
// time since the last Refill is credited at the rate of then; what is in the bucket
// stays, as far as burst allows. A clock that jumped back credits nothing.
func (a *Allowance) Refill(now time.Time, rate float64, burst int) {
	most := float64(max(burst, 1))
	switch {
	case a.At.IsZero():
		a.Tokens = most
	case now.After(a.At) && a.Rate > 0:
		a.Tokens += now.Sub(a.At).Seconds() * a.Rate
	}
	a.Tokens = min(a.Tokens, most)
	a.At, a.Rate = now, rate
}

// Have returns how many sessions may begin now, if keep tokens must stay.
// Without a rate it is [Unlimited], whatever is to be kept.
func (a *Allowance) Have(keep int) int {
	if a.Rate <= 0 {
		return Unlimited
	}
	// Sums of fractions end a hair below a whole token.
	return max(0, int(a.Tokens+1e-9)-keep)
}

// Take spends n tokens, which the caller saw with Have. Without a rate nothing is spent.
func (a *Allowance) Take(n int) {
	if a.Rate > 0 {
		a.Tokens = max(0, a.Tokens-float64(n))
	}
}

// Unlimited stands for "as many as come".
const Unlimited = math.MaxInt32

// FreeSlots returns how many sessions fit beside those that run, if keep
// slots must stay free. Without a capacity it is [Unlimited].
func FreeSlots(capacity, sessions, keep int) int {
	if capacity <= 0 {
		return Unlimited
	}
	return max(0, capacity-sessions-keep)
}
