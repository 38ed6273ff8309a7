package queuetest

import (
	"errors"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// outages are the laws of an engine that is not heard.
func outages() map[string]func(*desk) {
	return map[string]func(*desk){
		"UnheardMakesNobodyAbsent": lawUnheardMakesNobodyAbsent,
		"UnheardCallsFew":          lawUnheardCallsFew,
		"UnheardStopsTheReturns":   lawUnheardStopsTheReturns,
	}
}

// unheard has the engine do what it is asked for a while, and loses its answers.
func (d *desk) unheard(span time.Duration) {
	d.Helper()
	s := d.request()
	d.silent(true)
	for ; span > 0; span -= syncEvery {
		time.Sleep(syncEvery)
		if _, err := d.Sync(d.Context(), s); !errors.Is(err, queue.ErrAway) {
			d.Fatal(err)
		}
	}
	d.silent(false)
}

func lawUnheardMakesNobodyAbsent(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(5)
	d.sync()
	d.unheard(10 * time.Minute)
	if n := d.line(d.pass(2 * time.Second)).Present; n != 5 {
		d.Errorf("%d of 5 present after ten minutes without an answer", n)
	}
}

func lawUnheardCallsFew(d *desk) {
	d.policy.Capacity = 0
	d.fill()
	d.join(2000)
	head := d.line(d.pass(time.Second)).Head
	d.unheard(time.Minute)
	called := d.line(d.sync()).Head - head
	if most := (3 + queue.Unseen.Seconds()) * d.policy.Rate / 0.3; float64(called) > most {
		d.Errorf("%d are called in a minute in which nobody could be told, want at most %.0f", called, most)
	}
}

func lawUnheardStopsTheReturns(d *desk) {
	d.absentees(1)
	d.pass(4 * time.Minute)
	d.unheard(10 * time.Minute)
	d.want("claim after ten minutes without an answer", d.claim(21), queue.Claimed)
}

// obedient is a room at 5/s for whose line of three minutes everybody waits as told.
func obedient(seed uint64) scene {
	sc := busy(seed, 5)
	sc.Leave, sc.Background, sc.Absent = 0, 0, 0
	sc.For = 4 * time.Minute
	return sc
}

// testAway has the engine away for a minute, so that nothing it is asked happens.
func testAway(t *testing.T, open func(*testing.T) Subject) {
	testOutage(t, open, 13, (*watch).away)
}

// testUnanswered has all happen for a minute that the engine is asked, and loses its answers.
func testUnanswered(t *testing.T, open func(*testing.T) Subject) {
	testOutage(t, open, 14, (*watch).silent)
}

func testOutage(t *testing.T, open func(*testing.T) Subject, seed uint64, begin func(*watch, bool)) {
	sc := obedient(seed)
	var before, after int64
	sc.Script = func(s *stage) {
		s.wait(60 * time.Second)
		before = s.any().View().Lanes[0].Head
		begin(s.watch, true)
		s.wait(60 * time.Second)
		begin(s.watch, false)
		s.wait(2 * time.Second)
		after = s.any().View().Lanes[0].Head
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	t.Logf("G: the head was %d before the outage and %d after it", before, after)
	if most := 7 * sc.Policy.Rate / 0.3; float64(after-before) > most {
		t.Errorf("seed %d: G: %d were called in an outage, want at most %.0f", seed, after-before, most)
	}
	for _, v := range s.visitors {
		if v.expired {
			t.Errorf("seed %d: G: %v expired in an outage", seed, v.t)
		}
	}
}
