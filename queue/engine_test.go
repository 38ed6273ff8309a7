package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script is an Engine that does as the test says: it gives out places, knows
// a head, and records what it is asked. The hooks may make it break.
type script struct {
	mu     sync.Mutex // guards all below
	run    string
	skew   time.Duration // of its clock
	epoch  int64
	heads  map[string]int64
	tails  map[string]int64
	view   View // what Sync answers, but for the clock, the run and the lanes
	admit  int  // how many to admit at once
	steps  []Step
	stepAt []time.Time
	syncs  []Sync

	// Called before an answer is given, without the lock. The answer is the
	// error, if there is one.
	onStep func(context.Context, *Step) error
	onSync func(context.Context, *Sync) error
	// Called with the answer, which it may spoil.
	spoil func(*StepReply) *StepReply
}

func newScript() *script {
	return &script{run: "one", epoch: 1, heads: map[string]int64{}, tails: map[string]int64{}}
}

// set changes the script while a room uses it.
func (e *script) set(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

// asked returns the numbers of Steps and Syncs so far.
func (e *script) asked() (steps, syncs int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.steps), len(e.syncs)
}

// last returns the Sync that was asked for i before the last.
func (e *script) last(i int) Sync {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.syncs[len(e.syncs)-1-i]
}

func (e *script) clock() time.Time { return time.Now().Add(e.skew) }

func (e *script) Step(ctx context.Context, s *Step) (*StepReply, error) {
	e.mu.Lock()
	on := e.onStep
	e.stepAt = append(e.stepAt, time.Now())
	e.steps = append(e.steps, Step{
		Room: s.Room, Policy: s.Policy, Floor: s.Floor, Ends: slices.Clone(s.Ends), Leaves: slices.Clone(s.Leaves),
		Renew: slices.Clone(s.Renew), Claims: slices.Clone(s.Claims), Looks: slices.Clone(s.Looks), Joins: slices.Clone(s.Joins),
	})
	e.mu.Unlock()
	if on != nil {
		if err := on(ctx, s); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &StepReply{Now: e.clock(), Run: e.run}
	r.Renew = e.outcomesLocked(s.Renew)
	r.Claims = e.outcomesLocked(s.Claims)
	r.Looks = e.outcomesLocked(s.Looks)
	for _, j := range s.Joins {
		e.tails[j.Lane] += int64(j.N)
		admitted := min(e.admit, j.N)
		e.admit -= admitted
		r.Joins = append(r.Joins, Joined{
			Epoch: e.epoch, First: e.tails[j.Lane] - int64(j.N) + 1, Head: e.heads[j.Lane],
			Admitted: admitted, Ends: e.clock().Add(time.Minute),
		})
	}
	if e.spoil != nil {
		r = e.spoil(r)
	}
	return r, nil
}

// outcomesLocked answers each place so that the test can tell whose answer it got: Ends
// is as many seconds after t0 as the place's number.
func (e *script) outcomesLocked(ts []Ticket) []Outcome {
	var out []Outcome
	for _, t := range ts {
		o := Outcome{Standing: Claimed, Ends: after(float64(t.Place))}
		if t.Place > e.heads[t.Lane] {
			o = Outcome{Standing: Waiting}
		}
		out = append(out, o)
	}
	return out
}

func (e *script) Sync(ctx context.Context, s *Sync) (*View, error) {
	e.mu.Lock()
	on := e.onSync
	c := *s
	c.Marks = nil
	for _, m := range s.Marks {
		c.Marks = append(c.Marks, Marks{m.Lane, m.Epoch, slices.Clone(m.Marks)})
	}
	e.syncs = append(e.syncs, c)
	e.mu.Unlock()
	if on != nil {
		if err := on(ctx, s); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.view
	v.Now, v.Run = e.clock(), e.run
	v.Lanes = nil
	for _, l := range s.Policy.Lanes {
		v.Lanes = append(v.Lanes, LaneView{
			Lane: l.Name, Epoch: e.epoch, Head: e.heads[l.Name], Tail: e.tails[l.Name], From: e.heads[l.Name], To: e.heads[l.Name],
		})
	}
	v.Ended = nil
	for i, end := range e.view.Ended { // the seq of an entry is its index and one
		if int64(i) >= s.EndSeq {
			v.Ended = append(v.Ended, end)
		}
	}
	v.EndSeq = int64(len(e.view.Ended))
	return &v, nil
}

func (e *script) Control(context.Context, *Control) (Overrides, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	hold := Hold
	e.view.Overrides = Overrides{State: &hold}
	return e.view.Overrides, nil
}

var _ Engine = (*script)(nil)

// play runs a room over e in a bubble of fake time, and f in it, 100 ms after the
// room's first Sync: no two things happen at one instant by accident.
func play(t *testing.T, e *script, f func(t *testing.T, r *Room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := room(t, e)
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- r.Run(ctx) }()
		time.Sleep(100 * time.Millisecond)
		f(t, r)
		stop()
		if err := <-ran; err != nil {
			t.Errorf("Run returned %v, want nil", err)
		}
	})
}

func room(t testing.TB, e Engine) *Room {
	t.Helper()
	r, err := NewRoom(Config{
		Name: "spring", Engine: e, Rand: func() float64 { return 0.5 },
		Policy: Policy{Rate: 50, Burst: 50, SessionTTL: time.Minute, ReturnWithin: time.Minute, Lanes: public},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
