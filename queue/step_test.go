package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachGetsItsOwnAnswer(t *testing.T) {
	e := newScript()
	e.heads["public"] = 1000
	play(t, e, func(t *testing.T, r *Room) {
		var all sync.WaitGroup
		for i := range int64(300) {
			ticket := Ticket{"public", 1, i + 1}
			for _, ask := range []func(context.Context, Ticket) (Outcome, error){r.Claim, r.Look, r.Renew} {
				all.Go(func() {
					o, err := ask(t.Context(), ticket)
					if err != nil || !o.Ends.Equal(after(float64(i+1))) {
						t.Errorf("place %d: %+v, %v", i+1, o, err)
					}
				})
			}
			all.Go(func() { errorIs(t, r.End(t.Context(), ticket), nil) })
			all.Go(func() { errorIs(t, r.Leave(t.Context(), ticket), nil) })
		}
		all.Wait()
		n := map[string]int{}
		for _, s := range e.steps {
			n["ends"] += len(s.Ends)
			n["leaves"] += len(s.Leaves)
		}
		if n["ends"] != 300 || n["leaves"] != 300 {
			t.Errorf("the engine saw %v", n)
		}
	})
}

func errorIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestFirstOfAJoinAreAdmitted(t *testing.T) {
	e := newScript()
	e.admit = 3
	play(t, e, func(t *testing.T, r *Room) {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				entry, err := r.Join(t.Context(), "public")
				if err != nil || entry.Ends.IsZero() != (entry.Ticket.Place > 3) {
					t.Errorf("%+v, %v", entry, err)
				}
			})
		}
		all.Wait()
		if len(e.steps) > 2 {
			t.Errorf("%d Steps", len(e.steps))
		}
	})
}

func TestAboveTheHeadAsksNobody(t *testing.T) {
	e := newScript()
	e.heads["public"], e.tails["public"] = 100, 5000
	play(t, e, func(t *testing.T, r *Room) {
		for p := int64(101); p < 5000; p++ {
			for _, ask := range []func(context.Context, Ticket) (Outcome, error){r.Claim, r.Look} {
				if o, err := ask(t.Context(), Ticket{"public", 1, p}); err != nil || o != (Outcome{}) {
					t.Fatalf("place %d: %+v, %v", p, o, err)
				}
			}
		}
		if len(e.steps) != 0 {
			t.Errorf("%d Steps", len(e.steps))
		}
		ask := func(ticket Ticket) {
			t.Helper()
			before := len(e.steps)
			if _, err := r.Look(t.Context(), ticket); err != nil || len(e.steps) != before+1 {
				t.Errorf("%v: %v, %d Steps, want one", ticket, err, len(e.steps)-before)
			}
		}
		ask(Ticket{"public", 1, 100})
		ask(Ticket{"public", 0, 4000}) // another epoch
		ask(Ticket{"public", 2, 4000}) // a reset this node has not heard of
		ask(Ticket{"gone", 1, 4000})

		e.set(func() { e.view.State = Open })
		time.Sleep(250 * time.Millisecond)
		before := len(e.steps)
		if _, err := r.Claim(t.Context(), Ticket{"public", 1, 4000}); err != nil || len(e.steps) != before+1 {
			t.Errorf("an open room admits all: %v, %d Steps", err, len(e.steps)-before)
		}
	})
}

func TestCallersDoNotWaitForASlowEngine(t *testing.T) {
	e := newScript()
	e.onStep = func(context.Context, *Step) error { time.Sleep(5 * time.Second); return nil } // deaf to its context
	play(t, e, func(t *testing.T, r *Room) {
		began := time.Now()
		_, err := r.Join(t.Context(), "public")
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("told after %v", d)
		}
		errorIs(t, err, ErrAway)
		began = time.Now()
		_, err = r.Join(t.Context(), "public") // behind the one that is stuck
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("told after %v", d)
		}
		errorIs(t, err, ErrAway)
		e.set(func() { e.onStep = nil })
		time.Sleep(time.Second + 2*time.Millisecond)
		// The late answer counts all the same: its place is given.
		entry, err := r.Join(t.Context(), "public")
		if err != nil || entry.Ticket.Place != 2 || len(e.steps) != 2 {
			t.Errorf("%+v, %v, %d Steps, want place 2 by the second Step", entry, err, len(e.steps))
		}
		if f := e.steps[1].Floor; f.Lanes[0].Tail != 1 {
			t.Errorf("floor %+v, want the tail of the late answer", f)
		}
	})
}

func TestContextEndsTheWait(t *testing.T) {
	e := newScript()
	e.onStep = func(context.Context, *Step) error { time.Sleep(time.Second); return nil }
	play(t, e, func(t *testing.T, r *Room) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := r.Join(ctx, "public")
		if d := time.Since(began); d != 50*time.Millisecond {
			t.Errorf("told after %v", d)
		}
		errorIs(t, err, context.DeadlineExceeded)
		_, err = r.Look(ctx, Ticket{"gone", 1, 1})
		errorIs(t, err, context.DeadlineExceeded)
	})
}

func TestEngineErrorsReachTheCaller(t *testing.T) {
	e := newScript()
	fail := errors.New("disk full")
	play(t, e, func(t *testing.T, r *Room) {
		f := func(want error) {
			t.Helper()
			_, err := r.Join(t.Context(), "public")
			errorIs(t, err, ErrAway)
			errorIs(t, err, want)
			time.Sleep(2 * time.Millisecond)
		}
		e.set(func() { e.onStep = func(context.Context, *Step) error { return fail } })
		f(fail)
		e.set(func() { e.onStep = func(context.Context, *Step) error { return fmt.Errorf("redis: %w", ErrAway) } })
		f(ErrAway)
		e.set(func() { e.onStep = nil; e.spoil = func(*StepReply) *StepReply { return nil } })
		f(ErrAway)
		e.set(func() { e.spoil = func(r *StepReply) *StepReply { r.Joins = nil; return r } })
		f(ErrAway)
		e.set(func() { e.spoil = func(r *StepReply) *StepReply { r.Joins[0].First = 0; return r } })
		_, err := r.Join(t.Context(), "public")
		errorIs(t, err, ErrClosed)
		e.set(func() { e.spoil = nil })
		time.Sleep(2 * time.Millisecond)
		_, err = r.Join(t.Context(), "public")
		errorIs(t, err, nil)
	})
}

func TestClosedAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newScript()
		e.onStep = func(context.Context, *Step) error { time.Sleep(time.Second); return nil }
		r := room(t, e)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { errorIs(t, r.Run(ctx), nil) })
		synctest.Wait()
		all.Go(func() { _, err := r.Join(t.Context(), "public"); errorIs(t, err, nil) }) // under way: it ends well
		synctest.Wait()
		all.Go(func() { _, err := r.Join(t.Context(), "public"); errorIs(t, err, ErrClosed) }) // not sent
		synctest.Wait()
		stop()
		all.Wait()
		_, err := r.Join(t.Context(), "public")
		errorIs(t, err, ErrClosed)
	})
}

func TestWithoutRunCallersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := room(t, newScript())
		began := time.Now()
		_, err := r.Join(t.Context(), "public")
		errorIs(t, err, ErrAway)
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("told after %v", d)
		}
	})
}
