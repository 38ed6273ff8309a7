package queue

import (
	"errors"
	"math"
	"testing"
)

func TestOverriddenRateHasABurstOfItsOwn(t *testing.T) {
	f := func(rate float64, burst int, over float64, want int) {
		t.Helper()
		o := Overrides{Rate: &over}
		if p := o.Over(Policy{Rate: rate, Burst: burst}); p.Rate != over || p.Burst != want {
			t.Errorf("%v/s with burst %d, overridden by %v/s: %v/s with burst %d, want %d", rate, burst, over, p.Rate, p.Burst, want)
		}
	}
	f(500, 500, 5, 5)
	f(500, 500, 0.1, 4)
	f(500, 500, 50.5, 51)
	f(5, 5, 400, 400)
	f(50, 10, 400, 80) // asked for to be smooth
	f(50, 10, 40, 10)
	f(0, 0, 400, 400) // nothing was asked for
}

func TestChangesThatMakeNoRoomAreRefused(t *testing.T) {
	p := Policy{Rate: 10, Burst: 10, SessionTTL: 1e9, Lanes: public}
	f := func(c Control, good bool) {
		t.Helper()
		c.Policy = p
		var o Overrides
		err := o.Apply(&c)
		if good != (err == nil) || err != nil && (!errors.Is(err, ErrRefused) || o != Overrides{}) {
			t.Errorf("%v, and in force is %+v", err, o)
		}
	}
	rate := func(r float64) Control { return Control{Rate: Change[float64]{Set: true, To: &r}} }
	capacity := func(n int) Control { return Control{Capacity: Change[int]{Set: true, To: &n}} }
	state := func(s State) Control { return Control{State: Change[State]{Set: true, To: &s}} }
	f(rate(20), true)
	f(rate(1e-6), true)
	for _, r := range []float64{0, math.Copysign(0, -1), -1, 1e-300, math.NaN(), math.Inf(1), 1e10} {
		f(rate(r), false)
	}
	f(capacity(5), true)
	f(capacity(0), true)
	f(capacity(-1), false)
	f(state(Hold), true)
	f(state("on"), false)
	f(state(""), false)
	p.Rate, p.Capacity = 0, 20
	f(rate(0), true)
	f(capacity(0), false)
	f(Control{}, true)
}
