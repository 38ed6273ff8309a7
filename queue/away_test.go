package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Now is never behind the engine's clock, however wrong the node's and however
// slow the answers, and never goes back.
func TestNowIsNeverBehind(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute} {
		e := newScript()
		e.skew = skew
		rnd := rand.New(rand.NewPCG(7, 8))
		e.onSync = func(context.Context, *Sync) error {
			time.Sleep(time.Duration(rnd.Int64N(int64(1500 * time.Millisecond))))
			return nil
		}
		play(t, e, func(t *testing.T, r *Room) {
			time.Sleep(1500 * time.Millisecond)
			last := r.Now()
			for range 3000 {
				time.Sleep(10 * time.Millisecond)
				now, engine := r.Now(), e.clock()
				if now.Before(engine) || now.Before(last) || now.Sub(engine) > 1500*time.Millisecond {
					t.Fatalf("skew %v: the engine has %v, told %v after %v", skew, engine, now, last)
				}
				last = now
			}
		})
	}
}

func TestNowBeforeAnAnswerIsTheNodes(t *testing.T) {
	r, err := NewRoom(Config{
		Name: "spring", Engine: newScript(), Now: func() time.Time { return t0 }, Policy: Policy{SessionTTL: time.Minute, Lanes: public},
	})
	if err != nil || !r.Now().Equal(t0) {
		t.Errorf("%v, %v", r.Now(), err)
	}
}

func TestAway(t *testing.T) {
	e := newScript()
	e.tails["public"] = 5000
	play(t, e, func(t *testing.T, r *Room) {
		time.Sleep(time.Second)
		was := r.Estimate(Ticket{"public", 1, 1000})
		fail := func(context.Context, *Sync) error { return errors.New("gone") }
		e.set(func() { e.onSync = fail })
		time.Sleep(1900 * time.Millisecond)
		if r.Away() {
			t.Error("away too soon")
		}
		time.Sleep(200 * time.Millisecond)
		if !r.Away() {
			t.Error("not away")
		}
		// Polls answer from the last state, also without a Step; asking fails at once.
		if got := r.Estimate(Ticket{"public", 1, 1000}); got != was {
			t.Errorf("%+v, want %+v", got, was)
		}
		if o, err := r.Look(t.Context(), Ticket{"public", 1, 1000}); err != nil || o.Standing != Waiting {
			t.Errorf("%+v, %v", o, err)
		}
		began := time.Now()
		_, err := r.Join(t.Context(), "public")
		errorIs(t, err, ErrAway)
		_, err = r.Renew(t.Context(), Ticket{"public", 1, 1})
		errorIs(t, err, ErrAway)
		if d := time.Since(began); d != 0 {
			t.Errorf("told after %v", d)
		}
		time.Sleep(time.Hour)
		_, before := e.asked()
		e.set(func() { e.onSync = nil })
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		if _, n := e.asked(); r.Away() || n > before+2 {
			t.Errorf("away %v after %d Syncs", r.Away(), n-before)
		}
		if entry, err := r.Join(t.Context(), "public"); err != nil || entry.Ticket.Place != 5001 {
			t.Errorf("%+v, %v", entry, err)
		}
	})
}

// An engine that forgot its last writes moves nothing back in the node, and is
// told what it forgot.
func TestForgetfulEngine(t *testing.T) {
	e := newScript()
	e.heads["public"], e.tails["public"], e.epoch = 3000, 5000, 7
	e.view.EndSeq, e.view.Presence = 0, time.Hour
	e.view.Ended = []End{{Ticket{"public", 7, 1}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}}
	play(t, e, func(t *testing.T, r *Room) {
		was, waiting := r.View().Now, Ticket{"public", 7, 3001}
		r.Promise(waiting, 2*time.Second)
		time.Sleep(250 * time.Millisecond)
		e.set(func() {
			e.run, e.skew, e.epoch, e.heads, e.tails = "two", -time.Hour, 6, map[string]int64{}, map[string]int64{}
			e.view.Ended = append(e.view.Ended, End{Ticket{"public", 7, 2}, e.view.Ended[0].Until})
			e.view.Presence = 0
		})
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		v := r.View()
		if l := v.Lanes[0]; l.Epoch != 7 || l.Head != 3000 || l.Tail != 5000 || v.Now.Before(was) {
			t.Errorf("%+v at %v", l, v.Now)
		}
		if o, err := r.Look(t.Context(), waiting); err != nil || o.Standing != Waiting {
			t.Errorf("%+v, %v", o, err)
		}
		if a, b := e.last(1).EndSeq, e.last(0).EndSeq; a != 1 || b != 0 {
			t.Errorf("asked for the end list from %d and %d, want 1 and 0", a, b)
		}
		if !r.Ended(Ticket{"public", 7, 1}) || !r.Ended(Ticket{"public", 7, 2}) {
			t.Error("an end was forgotten")
		}
		r.Promise(waiting, 2*time.Second) // the new run has its own marks and clock
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		s := e.last(0)
		if len(s.Marks) != 1 || s.Marks[0].Marks[0] != (Mark{3001, 0}) {
			t.Errorf("marks %+v", s.Marks)
		}
		if f := s.Floor; f.Run != "two" || f.Lanes[0] != (LaneFloor{"public", 7, 3000, 5000}) {
			t.Errorf("floor %+v", f)
		}
		// A join that is answered by the forgetful is no step back either.
		if _, err := r.Join(t.Context(), "public"); err != nil || r.Estimate(waiting).Waiting != 2000 {
			t.Errorf("%+v, %v", r.Estimate(waiting), err)
		}
	})
}
