package queue

import (
	"math"
	"testing"
	"time"
)

func TestInvitations(t *testing.T) {
	f := func(flow Flow, want int) {
		t.Helper()
		if got := flow.Invitations(); got != want {
			t.Errorf("%+v: %d invitations, want %d", flow, got, want)
		}
	}
	f(Flow{Rate: 50, Free: Unlimited, Yield: 1}, 150)                        // 3 s of the rate
	f(Flow{Rate: 50, Tokens: 50, Free: Unlimited, Yield: 1}, 200)            // and what is saved up
	f(Flow{Rate: 50, Free: Unlimited, Yield: 1, Fresh: 150}, 0)              // all are out
	f(Flow{Rate: 50, Free: Unlimited, Yield: 1, Fresh: 500}, 0)              // more than that
	f(Flow{Rate: 50, Free: Unlimited, Yield: 0.5, Fresh: 100}, 200)          // half come
	f(Flow{Rate: 50, Free: Unlimited, Yield: 0.1}, 500)                      // at least 0.3 is assumed
	f(Flow{Rate: 50, Free: Unlimited}, 500)                                  //
	f(Flow{Rate: 50, Free: 10, Ending: 2, Yield: 1}, 16)                     // slots limit
	f(Flow{Rate: 50, Free: 0, Ending: 0, Yield: 1}, 0)                       // full
	f(Flow{Rate: 0.01, Tokens: 0, Free: Unlimited, Yield: 1}, 1)             // rounded up
	f(Flow{Rate: 1, Tokens: 1, Free: Unlimited, Yield: 1, Fresh: 4}, 0)      // but not beyond
	f(Flow{Rate: 0, Free: 20, Yield: 1}, 20)                                 // no rate
	f(Flow{Rate: 0, Free: Unlimited, Yield: 1}, MaxInvitations)              // neither
	f(Flow{Rate: 1e9, Free: Unlimited, Yield: 1}, MaxInvitations)            // a call is bounded
	f(Flow{Rate: 1. / 3, Tokens: 0, Free: Unlimited, Yield: 1, Fresh: 1}, 0) // 1.0000000001 is 1
	f(Flow{Rate: 50, Free: 3, Ending: math.Copysign(1, -1), Yield: 1}, 3)    // a rate below 0 is none
}

func TestFresh(t *testing.T) {
	f := func(called, tried, now float64, want bool) {
		t.Helper()
		at := time.Time{}
		if tried >= 0 {
			at = after(tried)
		}
		if got := Fresh(after(now), after(called), at); got != want {
			t.Errorf("called at %v, tried at %v: fresh at %v is %v", called, tried, now, got)
		}
	}
	f(0, -1, 4.9, true)
	f(0, -1, 5, false)
	f(0, 4, 6.9, true) // refused for now: it comes back in a second
	f(0, 4, 7, false)
	f(0, 1, 4.5, true) // the later of the two counts
}

func TestYield(t *testing.T) {
	var y Yield
	if y.Value() != 1 {
		t.Errorf("a new yield is %v, want 1", y.Value())
	}
	y.Settle(0, 0)
	if y.Value() != 1 {
		t.Errorf("nothing settled: %v, want 1", y.Value())
	}
	for range 20 {
		y.Settle(25, 25)
	}
	if v := y.Value(); v < 0.49 || v > 0.51 {
		t.Errorf("half claimed: %v", v)
	}
	one := y
	y.Settle(0, 10)
	for range 10 {
		one.Settle(0, 1)
	}
	if math.Abs(y.Value()-one.Value()) > 1e-9 {
		t.Errorf("ten at once make %v, one by one %v", y.Value(), one.Value())
	}
	y.Settle(0, 100000)
	if y.Value() != 0.3 {
		t.Errorf("nobody comes: %v, want 0.3", y.Value())
	}
	y.Settle(1000, 0)
	if v := y.Value(); v < 0.99 {
		t.Errorf("all come again: %v", v)
	}
}

func TestReserve(t *testing.T) {
	var r Reserve
	f := func(at float64, burst, capacity, tokens, slots int) {
		t.Helper()
		if got := r.Tokens(after(at), burst); got != tokens {
			t.Errorf("at %v s, burst %d: keeps %d tokens, want %d", at, burst, got, tokens)
		}
		if got := r.Slots(after(at), capacity); got != slots {
			t.Errorf("at %v s, capacity %d: keeps %d slots, want %d", at, capacity, got, slots)
		}
	}
	f(0, 50, 20, 0, 0) // a room of 20 holds 20
	r.Refuse(t0)
	f(0, 50, 20, 8, 1)
	f(1, 4, 100, 2, 5)
	f(2, 1, 5000, 0, 8)
	f(3, 50, 0, 8, 0)
	f(3, 50, 1, 8, 0) // or nobody would ever enter
	f(3, 2, 2, 1, 1)
	f(119.9, 50, 20, 8, 1)
	f(120, 50, 20, 0, 0)
	r.Refuse(after(200))
	f(201, 50, 20, 8, 1)
}
