package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSyncEvery250ms(t *testing.T) {
	e := newScript()
	play(t, e, func(t *testing.T, r *Room) {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, n := e.asked(); n != 41 {
			t.Errorf("%d Syncs in 10 s, want 41", n)
		}
		if r.View().Now.IsZero() || r.Away() {
			t.Errorf("View %+v, away %v", r.View(), r.Away())
		}
	})
}

func TestZeroViewBeforeTheFirstSync(t *testing.T) {
	r := room(t, newScript())
	if v := r.View(); v == nil || !v.Now.IsZero() {
		t.Errorf("%+v", v)
	}
	if e := r.Estimate(Ticket{"public", 1, 1}); e.Known {
		t.Errorf("%+v", e)
	}
	if d := r.PollAfter(r.Estimate(Ticket{"public", 1, 1})); d != 5*time.Second {
		t.Errorf("poll after %v", d)
	}
	r.Promise(Ticket{"public", 1, 1}, time.Second) // nothing to go by: it is let be
	if _, due := r.marks.next(nil, 1); due != 0 {
		t.Errorf("%d marks", due)
	}
}

// A mark travels by the next Sync, once for a window, and again if that Sync failed.
func TestMarksTravelOnce(t *testing.T) {
	e := newScript()
	e.heads["public"], e.tails["public"] = 10, 9000
	play(t, e, func(t *testing.T, r *Room) {
		fails := 0
		e.set(func() {
			e.onSync = func(_ context.Context, s *Sync) error {
				if fails++; fails == 3 {
					return errors.New("disk full")
				}
				return nil
			}
		})
		for range 3 {
			for p := range int64(9000) {
				r.Promise(Ticket{"public", 1, p + 1}, 2*time.Second)
			}
			r.Promise(Ticket{"public", 0, 5000}, time.Second)
			r.Promise(Ticket{"gone", 1, 5000}, time.Second)
		}
		time.Sleep(time.Second)
		seen := map[int64]int{}
		e.mu.Lock()
		syncs := slices.Clone(e.syncs)
		e.mu.Unlock()
		for i, s := range syncs {
			n := 0
			for _, m := range s.Marks {
				for _, mark := range m.Marks {
					n++
					if i != 3 { // the one that failed
						seen[mark.Place]++
					}
				}
			}
			if n > MaxMarks {
				t.Errorf("%d marks in a Sync", n)
			}
		}
		for p := int64(1); p <= 9000; p++ {
			if want := int(ones(p > 10)); seen[p] != want {
				t.Fatalf("place %d was marked %d times, want %d", p, seen[p], want)
			}
		}
		if n := len(syncs); n > 9 {
			t.Errorf("%d Syncs in a second", n)
		}
	})
}

// Visitors who poll as told are present at every instant, as an engine counts.
func TestThePromisedArePresent(t *testing.T) {
	e := newScript()
	e.tails["public"] = 100
	until := map[int64]int64{}
	marks := 0
	e.onSync = func(_ context.Context, s *Sync) error {
		e.set(func() {
			for _, m := range s.Marks {
				for _, mark := range m.Marks {
					until[mark.Place] = max(until[mark.Place], mark.Window)
					marks++
				}
			}
			e.view.Presence += 250 * time.Millisecond
		})
		return nil
	}
	play(t, e, func(t *testing.T, r *Room) {
		const told = 20 * time.Second
		var all sync.WaitGroup
		end := time.Now().Add(10 * time.Minute)
		for p := range int64(100) {
			all.Go(func() {
				for time.Now().Before(end) {
					r.Promise(Ticket{"public", 1, p + 1}, told)
					time.Sleep(time.Duration(float64(told) * (0.8 + 0.4*rand.Float64())))
				}
			})
		}
		for range 599 {
			time.Sleep(time.Second)
			e.set(func() {
				for p := range int64(100) {
					if until[p+1] < PresentWindow(e.view.Presence) {
						t.Errorf("place %d is absent", p+1)
					}
				}
			})
		}
		all.Wait()
		e.set(func() {
			if most := 100 * 600 / 15; marks > most {
				t.Errorf("%d marks, want at most one a place and window, %d", marks, most)
			}
		})
	})
}

func TestEndList(t *testing.T) {
	e := newScript()
	play(t, e, func(t *testing.T, r *Room) {
		f := func(place int64, want bool) {
			t.Helper()
			if got := r.Ended(Ticket{"public", 1, place}); got != want {
				t.Errorf("place %d ended: %v", place, got)
			}
		}
		f(1, false)
		e.set(func() {
			for p := range int64(3) {
				e.view.Ended = append(e.view.Ended, End{Ticket{"public", 1, p + 1}, e.clock().Add(time.Duration(p) * time.Minute)})
			}
		})
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		f(1, false) // its pass has ended by itself
		f(2, true)
		f(3, true)
		f(4, false)
		time.Sleep(90 * time.Second)
		f(3, true)
		if n := len(r.ended.until); n != 1 {
			t.Errorf("%d entries kept, want 1", n)
		}
		if last := e.last(0); last.EndSeq != 3 {
			t.Errorf("asks from %d", last.EndSeq)
		}
	})
}

// The place a join just gave has an estimate before any Sync tells of it.
func TestEstimateBehindTheView(t *testing.T) {
	e := newScript()
	e.heads["public"], e.tails["public"] = 100, 600
	e.view.Rate = 50
	play(t, e, func(t *testing.T, r *Room) {
		entry, err := r.Join(t.Context(), "public")
		got := r.Estimate(entry.Ticket)
		if err != nil || got.Ahead != 500 || got.Waiting != 501 || got.ETA != 10*time.Second || entry.Head != 100 {
			t.Errorf("%+v has %+v, %v", entry, got, err)
		}
		other := r.Estimate(Ticket{"public", 1, 1001}) // of another node
		if other.Ahead != 900 || other.ETA != 18*time.Second {
			t.Errorf("%+v", other)
		}
		e.set(func() { e.heads["public"] = 200 }) // a Step tells of the head, too
		time.Sleep(2 * time.Millisecond)
		if _, err := r.Join(t.Context(), "public"); err != nil || r.Estimate(entry.Ticket).Ahead != 400 {
			t.Errorf("%+v, %v", r.Estimate(entry.Ticket), err)
		}
		e.set(func() { e.epoch, e.tails["public"], e.heads["public"] = 9, 0, 0 }) // a reset
		time.Sleep(2 * time.Millisecond)
		entry, err = r.Join(t.Context(), "public")
		if got := r.Estimate(entry.Ticket); err != nil || got.Ahead != 0 || got.Waiting != 1 {
			t.Errorf("%+v has %+v, %v", entry, got, err)
		}
	})
}
