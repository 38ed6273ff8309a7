package queue

import (
	"math"
	"testing"
	"time"
)

// lined makes the snapshot of a View whose lanes have so many waiting, all present.
func lined(v View, lanes []Lane, waiting ...int64) *snapshot {
	v.Now = t0
	for i, n := range waiting {
		v.Lanes = append(v.Lanes, LaneView{Lane: lanes[i].Name, Epoch: 1, Tail: n})
	}
	return (&snapshot{view: &View{}}).synced(&v, &Policy{Lanes: lanes})
}

var public = []Lane{{Name: "public", Weight: 1}}

// of estimates for the visitor of the public lane who has so many ahead.
func (s *snapshot) of(ahead int64) Estimate {
	return s.estimate(Ticket{Lane: "public", Epoch: 1, Place: ahead + 1})
}

func TestETA(t *testing.T) {
	f := func(v View, ahead int64, want float64) {
		t.Helper()
		e := lined(v, public, 1e6).of(ahead)
		if e.Ahead != ahead || e.Waiting != 1e6 {
			t.Errorf("%d ahead of %d, want %d of a million", e.Ahead, e.Waiting, ahead)
		}
		if !e.Known || e.AtLeast || math.Abs(e.ETA.Seconds()-want) > 0.001*want+0.001 {
			t.Errorf("%d ahead: %+v, want %v s", ahead, e, want)
		}
		if e.Low > e.ETA || e.High < e.ETA || e.Low < 0 {
			t.Errorf("%d ahead: %v is not between %v and %v", ahead, e.ETA, e.Low, e.High)
		}
	}
	f(View{Rate: 50}, 0, 0)
	f(View{Rate: 50}, 10000, 200)
	f(View{Rate: 50, Leaving: 0.001}, 10000, math.Log(1.2)/0.001)
	f(View{Rate: 50, Leaving: 1e-9}, 10000, 200)
	f(View{Rate: 50, Capacity: 6000, MeanSession: 2 * time.Minute}, 10000, 200)  // the rate limits
	f(View{Rate: 50, Capacity: 3000, MeanSession: 2 * time.Minute}, 10000, 400)  // the slots do
	f(View{Capacity: 3000, MeanSession: 2 * time.Minute}, 10000, 400)            // no rate
	f(View{Rate: 50, Capacity: 3000, Sessions: 1000}, 1000, 20)                  // there are slots for these
	f(View{Rate: 50, State: Open, Capacity: 10, MeanSession: time.Hour}, 1e5, 0) // all may pass
	f(View{}, 10000, 0)                                                          // nothing limits
}

func TestUnknownIsSaid(t *testing.T) {
	f := func(v View, ahead int64, known, atLeast bool) {
		t.Helper()
		e := lined(v, public, 1e6).of(ahead)
		if e.Known != known || e.AtLeast != atLeast || !known && (e.ETA != 0 || e.Low != 0 || e.High != 0) {
			t.Errorf("%+v: %+v, want known %v, at least %v", v, e, known, atLeast)
		}
	}
	f(View{Rate: 50, State: Hold}, 10000, false, false)
	f(View{Rate: 50, State: Closed}, 10000, false, false)
	f(View{Capacity: 20}, 10000, false, false)                       // nobody knows how long they stay
	f(View{Capacity: 20}, 19, true, false)                           // there are slots for these
	f(View{Capacity: 20, Sessions: 20, Rate: 50}, 10000, true, true) // 200 s if all went at once
	f(View{Capacity: 20, Sessions: 20, Rate: 50, MeanSession: time.Second}, 10000, true, false)
	f(View{Rate: 1e-9}, 10000, true, true)
	if e := lined(View{Rate: 50}, public, 10).estimate(Ticket{Lane: "public", Epoch: 2, Place: 3}); e.Known {
		t.Errorf("another epoch: %+v", e)
	}
	if e := lined(View{Rate: 50}, public, 10).estimate(Ticket{Lane: "gone", Epoch: 1, Place: 3}); e.Known {
		t.Errorf("another lane: %+v", e)
	}
	if e := (&snapshot{view: &View{}}).of(3); e.Known {
		t.Errorf("before the first Sync: %+v", e)
	}
}

// Lanes are served by weight until they are empty; then the others get it all.
func TestETAOfLanes(t *testing.T) {
	lanes := []Lane{{"public", 1}, {"members", 3}}
	f := func(public, members, ahead int64, want float64) {
		t.Helper()
		e := lined(View{Rate: 10}, lanes, public, members).of(ahead)
		if math.Abs(e.ETA.Seconds()-want) > 0.001 {
			t.Errorf("%d ahead of %d beside %d members: %v, want %v s", ahead, public, members, e.ETA, want)
		}
	}
	f(1000, 0, 100, 10)
	f(1000, 9000, 100, 40)  // a quarter of the rate
	f(1000, 60, 100, 16)    // the members are through long before
	f(1000, 300, 100, 40)   // at the same time
	f(1000, 300, 1000, 130) // all who are there
}

// The range allows for a rate of entry a tenth above to a seventh below, and for half
// as many again, or half as many, leaving.
func TestRangeWidth(t *testing.T) {
	e := lined(View{Rate: 50}, public, 1e6).of(10000)
	if low := e.Low.Seconds(); low < 170 || low > 190 {
		t.Errorf("low %v of %v", e.Low, e.ETA)
	}
	if high := e.High.Seconds(); high < 230 || high > 250 {
		t.Errorf("high %v of %v", e.High, e.ETA)
	}
	s := lined(View{Rate: 45, Leaving: 0.001}, public, 1e6)
	for _, truth := range []View{{Rate: 50, Leaving: 0.0015}, {Rate: 38, Leaving: 0.0005}, {Rate: 45, Leaving: 0.001}} {
		if e, was := s.of(10000), lined(truth, public, 1e6).of(10000).ETA; was < e.Low || was > e.High {
			t.Errorf("it took %v, told %v to %v", was, e.Low, e.High)
		}
	}
}

func TestLongWaitsDoNotOverflow(t *testing.T) {
	e := lined(View{Rate: 1e-300}, public, math.MaxInt64/4).of(math.MaxInt64 / 8)
	if e.ETA != longest || !e.AtLeast {
		t.Errorf("%+v", e)
	}
}

func TestPollAfter(t *testing.T) {
	f := func(eta, want time.Duration) {
		t.Helper()
		if got := pollBase(eta, 1); got != want {
			t.Errorf("%v to go: poll after %v, want %v", eta, got, want)
		}
	}
	f(0, 2*time.Second)
	f(10*time.Second, 2*time.Second)
	f(60*time.Second, 12*time.Second)
	f(time.Hour, 30*time.Second)
}

// Whatever the room and the line, those who wait do not poll more often in
// all than a node can answer, unless thirty seconds are too short for them.
func TestPollBudget(t *testing.T) {
	for _, v := range []View{
		{Rate: 1}, {Rate: 50}, {Rate: 1000}, {Rate: 20000}, {Rate: 50, Leaving: 0.005},
		{Rate: 1000, Leaving: 0.0005}, {Capacity: 10}, {Rate: 50, State: Hold}, {Rate: 5000, State: Hold},
	} {
		for _, waiting := range []int64{10, 1000, 30000, 100000, 500000, 590000} {
			s := lined(v, public, waiting)
			polls := 0.0
			for ahead := int64(0); ahead < waiting; ahead += 10 {
				polls += 10 / pollBase(s.of(ahead).pace, s.stretch).Seconds()
			}
			// Each who is called polls a few times on its last seconds, however rare the
			// polls before; and ten find the slots of a new room free.
			if most := max(PollBudget, float64(waiting)/30+v.Rate*4) + 10; polls > most {
				t.Errorf("%+v, %d waiting: %.0f polls/s, stretch %v", v, waiting, polls, s.stretch)
			}
			if s.stretch > 1.2 && polls < 0.7*PollBudget {
				t.Errorf("%+v, %d waiting: only %.0f polls/s, stretch %v", v, waiting, polls, s.stretch)
			}
		}
	}
}

// TestASlowRoomMayBeSpedUp: the first in line poll often whatever the rate is, and all of
// them together no more than the node can take.
func TestASlowRoomMayBeSpedUp(t *testing.T) {
	f := func(ahead float64, want time.Duration) {
		t.Helper()
		var e Estimate
		o := outlook{rate: 0.1, free: math.Inf(1), still: true}
		o.estimate(&e, ahead)
		if got := pollBase(e.pace, 1); got != want {
			t.Errorf("with %v ahead come back in %v, want %v", ahead, got, want)
		}
	}
	f(0, PollLeast)
	f(400, PollLeast)
	f(1250, 5*time.Second)
	f(2500, 10*time.Second)
	f(1e6, PollMost)
	if o := (outlook{rate: 0.1}); o.polls(7500, 1) > 1200 {
		t.Errorf("7,500 who wait poll %.0f times a second", o.polls(7500, 1))
	}
}

// TestTheCalledEnterFirst: who waits behind nobody still waits for those who
// were called and have not come in.
func TestTheCalledEnterFirst(t *testing.T) {
	f := func(called int, yield float64, ahead float64, want time.Duration) {
		t.Helper()
		o := newOutlook(&View{State: Auto, Rate: 10, Called: called, Yield: yield})
		var e Estimate
		o.estimate(&e, ahead)
		if !e.Known || e.ETA != want || e.Low > want || e.High <= want {
			t.Errorf("%d called, yield %v, %v ahead: %v to %v, about %v; want about %v", called, yield, ahead, e.Low, e.High, e.ETA, want)
		}
	}
	f(0, 1, 0, 0) // the next poll, at most: High is not zero
	f(30, 1, 0, 3*time.Second)
	f(30, 0.5, 0, 1500*time.Millisecond) // half of them will not come
	f(30, 1, 100, 13*time.Second)
}
