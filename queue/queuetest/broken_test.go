package queuetest

import (
	"context"
	"flag"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/queue/memory"
)

// What the suite looks up.
var _ = flag.Bool("soak", false, "run the heavy cases")

// broken is an engine with a fault planted in it.
type broken struct {
	queue.Engine
	step func(s *queue.Step, e queue.Engine) (*queue.StepReply, error)
	sync func(s *queue.Sync, e queue.Engine) (*queue.View, error)
}

func (b broken) Step(ctx context.Context, s *queue.Step) (*queue.StepReply, error) {
	if b.step == nil {
		return b.Engine.Step(ctx, s)
	}
	return b.step(s, b.Engine)
}

func (b broken) Sync(ctx context.Context, s *queue.Sync) (*queue.View, error) {
	if b.sync == nil {
		return b.Engine.Sync(ctx, s)
	}
	return b.sync(s, b.Engine)
}

var ctx = context.Background()

// givesTwice forgets the last place it gave, once in twenty joins.
func givesTwice() broken {
	joins := 0
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		r, err := e.Step(ctx, s)
		for i := range r.Joins {
			if joins++; joins%20 == 0 && r.Joins[i].First > 1 {
				r.Joins[i].First--
			}
		}
		return r, err
	}}
}

// holdsAll knows no capacity.
func holdsAll() broken {
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		more := *s
		more.Policy.Capacity *= 2
		return e.Step(ctx, &more)
	}}
}

// chargesHalf charges every other entry.
func chargesHalf() broken {
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		more := *s
		more.Policy.Rate *= 2
		return e.Step(ctx, &more)
	}}
}

// deafToMarks loses every fourth mark of presence.
func deafToMarks() broken {
	n := 0
	return broken{sync: func(s *queue.Sync, e queue.Engine) (*queue.View, error) {
		less := *s
		less.Marks = nil
		for _, m := range s.Marks {
			var keep []queue.Mark
			for _, k := range m.Marks {
				if n++; n%4 != 0 {
					keep = append(keep, k)
				}
			}
			less.Marks = append(less.Marks, queue.Marks{Lane: m.Lane, Epoch: m.Epoch, Marks: keep})
		}
		return e.Sync(ctx, &less)
	}}
}

// beginsAgain begins a second session for a place whose first is over.
func beginsAgain() broken {
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		r, err := e.Step(ctx, s)
		for i, o := range r.Claims {
			if o.Standing == queue.Claimed && o.Ends.IsZero() {
				r.Claims[i].Ends = r.Now.Add(time.Minute).Truncate(time.Second)
			}
		}
		return r, err
	}}
}

// cutsLeases ends a lease a second before the pass that a renewal signed.
func cutsLeases() broken {
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		r, err := e.Step(ctx, s)
		for i, o := range r.Renew {
			if !o.Ends.IsZero() {
				r.Renew[i].Ends = o.Ends.Add(time.Second)
			}
		}
		return r, err
	}}
}

// hidesEnds lists no ends.
func hidesEnds() broken {
	return broken{sync: func(s *queue.Sync, e queue.Engine) (*queue.View, error) {
		v, err := e.Sync(ctx, s)
		v.Ended = nil
		return v, err
	}}
}

// impatient lets time pass whoever sees it.
func impatient() broken {
	return broken{sync: func(s *queue.Sync, e queue.Engine) (*queue.View, error) {
		all := *s
		all.Presence = 1000 * time.Hour
		return e.Sync(ctx, &all)
	}}
}

// lazy refuses every third claim without a reason.
func lazy() broken {
	n := 0
	return broken{step: func(s *queue.Step, e queue.Engine) (*queue.StepReply, error) {
		less := *s
		less.Claims = nil
		var refused []bool
		for _, t := range s.Claims {
			n++
			refused = append(refused, n%3 == 0)
			if n%3 != 0 {
				less.Claims = append(less.Claims, t)
			} else {
				less.Looks = append(less.Looks[:len(less.Looks):len(less.Looks)], t)
			}
		}
		r, err := e.Step(ctx, &less)
		var claims []queue.Outcome
		looks := r.Looks[len(s.Looks):]
		for _, no := range refused {
			from := &r.Claims
			if no {
				from = &looks
			}
			claims, *from = append(claims, (*from)[0]), (*from)[1:]
		}
		r.Claims, r.Looks = claims, r.Looks[:len(s.Looks)]
		return r, err
	}}
}

// TestPlantedFaultsAreFound plants faults in an engine, each of which the watch
// must find in random histories and in a scene.
func TestPlantedFaultsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		promise string
		plant   func() broken
	}{
		"gives a place twice":     {"A: ", givesTwice},
		"loses marks":             {"B: ", deafToMarks},
		"charges half":            {"C: ", chargesHalf},
		"ignores capacity":        {"D: ", holdsAll},
		"cuts leases":             {"D: ", cutsLeases},
		"hides ends":              {"D: ", hidesEnds},
		"does not wait for nodes": {"", impatient},
		"refuses without a cause": {"E: ", lazy},
		"begins a session again":  {"F: ", beginsAgain},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(t *testing.T) Subject {
				b := c.plant()
				e, err := memory.New(memory.Options{})
				if err != nil {
					t.Fatal(err)
				}
				b.Engine = e
				return Subject{Engine: b}
			}
			var faults []string
			for seed := uint64(1); seed < 20 && len(faults) == 0; seed++ {
				faults = playHistory(t, open, seed, 400)
			}
			found(t, "the histories", faults, "")
			found(t, "a scene", sceneFaults(t, open), c.promise)
		})
	}
}

// sceneFaults plays a small scene and returns what the watch found.
func sceneFaults(t *testing.T, open func(*testing.T) Subject) (faults []string) {
	sc := busy(1, 20)
	sc.Policy.Capacity, sc.Visitors, sc.For = 150, 1200, 100*time.Second
	sc.Policy.SessionTTL, sc.Stay, sc.Twice = 20*time.Second, 10*time.Second, true
	sc.Script = func(s *stage) {
		s.wait(40 * time.Second)
		s.silent(true)
		s.wait(10 * time.Second)
		s.silent(false)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, open(t), sc)
		s.run()
		faults = append(s.Faults(), s.found...)
	})
	return faults
}

func found(t *testing.T, where string, faults []string, promise string) {
	t.Helper()
	for _, f := range faults {
		if strings.HasPrefix(f, promise) {
			t.Logf("%s: %s", where, f)
			return
		}
	}
	t.Errorf("%s did not show it: %q", where, faults)
}
