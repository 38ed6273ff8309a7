package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// 80,000 join within a second: at most one Step in 2 ms, nobody is refused,
// every place is given once.
func TestSurgeIsGathered(t *testing.T) {
	const visitors = 80000
	e := newScript()
	play(t, e, func(t *testing.T, r *Room) {
		began := time.Now()
		places := make([]atomic.Bool, visitors+1)
		var all sync.WaitGroup
		for i := range visitors {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / visitors)
				entry, err := r.Join(t.Context(), "public")
				if err != nil || places[entry.Ticket.Place].Swap(true) {
					t.Errorf("%+v, %v", entry, err)
				}
			})
		}
		all.Wait()
		took := time.Since(began)
		if took > time.Second+5*time.Millisecond {
			t.Errorf("the last join took until %v", took)
		}
		if most := int(took/(2*time.Millisecond)) + 1; len(e.steps) > most {
			t.Errorf("%d Steps in %v, want at most %d", len(e.steps), took, most)
		}
		for i := range e.stepAt[1:] {
			if d := e.stepAt[i+1].Sub(e.stepAt[i]); d < 2*time.Millisecond {
				t.Fatalf("Step %d came %v after the one before", i+1, d)
			}
		}
	})
}

// A first request does not wait for company.
func TestStepGoesAtOnce(t *testing.T) {
	play(t, newScript(), func(t *testing.T, r *Room) {
		for range 3 {
			began := time.Now()
			if _, err := r.Join(t.Context(), "public"); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d != 0 {
				t.Errorf("a lone join took %v", d)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
}

// Places are given in the order in which the joins arrive at the node, lane by
// lane, whether they share a Step or not.
func TestPlacesInOrderOfArrival(t *testing.T) {
	e := newScript()
	e.onStep = func(context.Context, *Step) error {
		time.Sleep(3 * time.Millisecond) // while one is under way, they gather
		return nil
	}
	play(t, e, func(t *testing.T, r *Room) {
		var all sync.WaitGroup
		for i := range 10000 {
			lane := []string{"public", "members"}[i%2]
			all.Go(func() {
				entry, err := r.Join(t.Context(), lane)
				if want := int64(i/2 + 1); err != nil || entry.Ticket != (Ticket{lane, 1, want}) {
					t.Errorf("arrival %d: %+v, %v, want place %d", i, entry, err, want)
				}
			})
			synctest.Wait() // it has arrived
			if i%10 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
		}
		all.Wait()
		if len(e.steps) < 10 || len(e.steps) > 200 {
			t.Errorf("%d Steps", len(e.steps))
		}
	})
}

// A Step never grows over the bound; the rest goes with the next.
func TestStepsAreBounded(t *testing.T) {
	e := newScript()
	e.heads["public"] = 1 << 20
	play(t, e, func(t *testing.T, r *Room) {
		release := make(chan struct{})
		e.set(func() { e.onStep = func(context.Context, *Step) error { <-release; return nil } })
		var all sync.WaitGroup
		for i := range 10000 {
			all.Go(func() { _, err := r.Join(t.Context(), "public"); errorIs(t, err, nil) })
			all.Go(func() { _, err := r.Claim(t.Context(), Ticket{"public", 1, int64(i) + 1}); errorIs(t, err, nil) })
		}
		synctest.Wait()
		close(release)
		all.Wait()
		joins := 0
		for _, s := range e.steps {
			if len(s.Claims) > maxEach || len(s.Joins) > 1 || len(s.Joins) == 1 && s.Joins[0].N > maxEach {
				t.Errorf("a Step of %d claims, %v joins", len(s.Claims), s.Joins)
			}
			for _, j := range s.Joins {
				joins += j.N
			}
		}
		if joins != 10000 {
			t.Errorf("%d joins", joins)
		}
	})
}

func TestTooManyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := room(t, newScript()) // nobody sends its Steps
		for i := range maxPending * maxEach {
			if _, _, _, err := r.pending.join("public"); err != nil {
				t.Fatalf("join %d: %v", i, err)
			}
		}
		began := time.Now()
		_, err := r.Join(t.Context(), "public")
		errorIs(t, err, ErrAway)
		if d := time.Since(began); d != 0 {
			t.Errorf("told after %v", d)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(r.pending.queue); n != 0 {
			t.Errorf("%d batches are left when their callers are gone", n)
		}
	})
}
