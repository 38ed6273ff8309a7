package queue

import (
	"math/rand/v2"
	"testing"
	"time"
)

// t0 is the instant that tables count from.
var t0 = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// after returns the instant so many seconds after t0.
func after(seconds float64) time.Time {
	return t0.Add(time.Duration(seconds * float64(time.Second)))
}

func TestAllowance(t *testing.T) {
	var a Allowance
	f := func(at, rate float64, burst, take, left int) {
		t.Helper()
		a.Refill(after(at), rate, burst)
		a.Take(take)
		if got := a.Have(0); got != left {
			t.Errorf("at %v s, %d taken: have %d, want %d", at, take, got, left)
		}
	}
	f(0, 10, 5, 0, 5)       // full at first
	f(0, 10, 5, 5, 0)       // all at once
	f(0.09, 10, 5, 0, 0)    // not a whole token yet
	f(0.1, 10, 5, 0, 1)     // one
	f(0.3, 10, 5, 1, 2)     // fractions add up
	f(60, 10, 5, 0, 5)      // no more than burst
	f(60, 10, 5, 3, 2)      //
	f(60, 100, 50, 0, 2)    // a new rate keeps the tokens
	f(60.1, 100, 50, 0, 12) // and counts from there
	f(61.1, 1, 50, 0, 50)   // the second before was at the old rate
	f(62.1, 1, 3, 0, 3)     // a smaller burst cuts
	f(-600, 1, 3, 3, 0)     // the clock jumps back: nothing is credited
	f(-599, 1, 3, 0, 1)     // and goes on from there
	f(601, 1, 3, 0, 3)      // forward again: a burst, no more
	f(601, 0, 3, 100, Unlimited)
	f(602, 2, 4, 0, 3) // what was taken without a rate was not charged
	f(602.5, 2, 4, 0, 4)
}

func TestAllowanceKeeps(t *testing.T) {
	var a Allowance
	a.Refill(t0, 10, 5)
	if got := a.Have(2); got != 3 {
		t.Errorf("have %d beside 2 to keep, want 3", got)
	}
	if got := a.Have(8); got != 0 {
		t.Errorf("have %d beside 8 to keep, want 0", got)
	}
	a.Refill(t0, 0, 5)
	if got := a.Have(8); got != Unlimited {
		t.Errorf("have %d without a rate, want Unlimited", got)
	}
}

// C: in any span w, at most rate·w + burst are taken.
func TestAllowanceBoundsEverySpan(t *testing.T) {
	const rate, burst = 37.5, 9
	rnd := rand.New(rand.NewPCG(1, 2))
	var a Allowance
	type take struct {
		at float64
		n  int
	}
	var takes []take
	for at := 0.0; at < 60; at += rnd.Float64() * 0.05 {
		if rnd.IntN(200) == 0 {
			at += 3 // silence: the bucket fills
		}
		a.Refill(after(at), rate, burst)
		n := a.Have(0)
		a.Take(n)
		takes = append(takes, take{at, n})
	}
	for i := range takes {
		sum := 0
		for _, e := range takes[i:] {
			sum += e.n
			if most := rate*(e.at-takes[i].at) + burst; float64(sum) > most+1e-6 {
				t.Fatalf("%d taken from %v to %v s, at most %v allowed", sum, takes[i].at, e.at, most)
			}
		}
	}
}

func TestFreeSlots(t *testing.T) {
	f := func(capacity, sessions, keep, want int) {
		t.Helper()
		if got := FreeSlots(capacity, sessions, keep); got != want {
			t.Errorf("FreeSlots(%d, %d, %d) = %d, want %d", capacity, sessions, keep, got, want)
		}
	}
	f(0, 1000, 8, Unlimited)
	f(20, 0, 0, 20)
	f(20, 19, 0, 1)
	f(20, 19, 1, 0)
	f(20, 25, 0, 0) // the capacity was lowered
}
