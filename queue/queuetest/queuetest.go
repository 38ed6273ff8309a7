// Package queuetest is the conformance suite of engines: the laws of
// [queue.Engine] one by one, random histories under a printed seed, and
// simulations of whole rooms under real [queue.Room] nodes for the promises A to H.
// It runs on the fake clock of testing/synctest and never sleeps for real.
//
// All of it goes through a watch, which sees each request and its reply and
// compares them with a model of its own.
package queuetest

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// Subject is an engine under test.
type Subject struct {
	queue.Engine
	// Crash ends the engine as the death of its process would, and returns the
	// one that begins from what it left. nil for an engine that keeps nothing.
	Crash func() queue.Engine
}

// Run runs the suite. It calls open within a bubble of testing/synctest for
// every test; what open starts must end with the cleanup of its t.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	Laws(t, open)
	t.Run("Promises", func(t *testing.T) { testPromises(t, open) })
}

// Laws runs the part of the suite that speaks to the engine directly, in a few seconds.
func Laws(t *testing.T, open func(t *testing.T) Subject) {
	for _, group := range []struct {
		name string
		of   map[string]func(*desk)
	}{
		{"Places", places()}, {"Claims", claims()}, {"Sessions", sessions()}, {"Presence", presence()},
		{"Returns", returns()}, {"States", states()}, {"Rooms", rooms()}, {"Outages", outages()}, {"Restarts", restarts()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, law := range group.of {
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { law(newDesk(t, open(t))) })
				})
			}
		})
	}
	t.Run("Concurrency", func(t *testing.T) { testConcurrency(t, open) })
	t.Run("Histories", func(t *testing.T) { testHistories(t, open) })
}

// soaking reports whether the test was run with -soak, for the packages that define it.
func soaking() bool {
	f := flag.Lookup("soak")
	return f != nil && f.Value.String() == "true"
}

// desk speaks to the engine directly, as one node would, through a watch.
type desk struct {
	*testing.T
	*watch
	room   string
	lane   string
	policy queue.Policy
	epoch  int64
}

// policy is 10/s, 20 at once, for 100 inside.
func somePolicy() queue.Policy {
	return queue.Policy{
		Rate: 10, Burst: 20, Capacity: 100,
		SessionTTL: 10 * time.Minute, ReturnWithin: 5 * time.Minute,
		Lanes: []queue.Lane{{Name: "public", Weight: 1}},
	}
}

func newDesk(t *testing.T, s Subject) *desk {
	w := newWatch(s)
	t.Cleanup(func() {
		for _, f := range w.Faults() {
			t.Error(f)
		}
	})
	return &desk{T: t, watch: w, room: "spring", lane: "public", policy: somePolicy()}
}

// in is the desk of another room.
func (d *desk) in(room string) *desk {
	other := *d
	other.room = room
	return &other
}

func (d *desk) ticket(place int64) queue.Ticket {
	return queue.Ticket{Lane: d.lane, Epoch: d.epoch, Place: place}
}

func (d *desk) tickets(places []int64) []queue.Ticket {
	var out []queue.Ticket
	for _, p := range places {
		out = append(out, d.ticket(p))
	}
	return out
}

func (d *desk) step(s queue.Step) *queue.StepReply {
	d.Helper()
	s.Room, s.Policy = d.room, d.policy
	reply, err := d.Step(d.Context(), &s)
	if err != nil {
		d.Fatal(err)
	}
	return reply
}

// join asks for n places.
func (d *desk) join(n int) queue.Joined {
	d.Helper()
	j := d.step(queue.Step{Joins: []queue.Join{{Lane: d.lane, N: n}}}).Joins[0]
	d.epoch = j.Epoch
	return j
}

// fill takes what can enter at once, so that all who come later wait.
func (d *desk) fill() {
	d.Helper()
	n := d.policy.Burst
	if d.policy.Rate == 0 || d.policy.Capacity > 0 && d.policy.Capacity < n {
		n = d.policy.Capacity
	}
	if j := d.join(n); j.Admitted != n {
		d.Fatalf("%d of %d admitted to an empty room", j.Admitted, n)
	}
}

func (d *desk) claim(place int64) queue.Outcome {
	d.Helper()
	return d.step(queue.Step{Claims: d.tickets([]int64{place})}).Claims[0]
}

func (d *desk) look(place int64) queue.Outcome {
	d.Helper()
	return d.step(queue.Step{Looks: d.tickets([]int64{place})}).Looks[0]
}

func (d *desk) renew(place int64) queue.Outcome {
	d.Helper()
	return d.step(queue.Step{Renew: d.tickets([]int64{place})}).Renew[0]
}

func (d *desk) end(places ...int64)   { d.step(queue.Step{Ends: d.tickets(places)}) }
func (d *desk) leave(places ...int64) { d.step(queue.Step{Leaves: d.tickets(places)}) }

// sync sends a Sync with marks until the end of the window for the places.
func (d *desk) syncMarks(window int64, places ...int64) *queue.View {
	d.Helper()
	var marks []queue.Mark
	for _, p := range places {
		marks = append(marks, queue.Mark{Place: p, Window: window})
	}
	s := d.request()
	if len(marks) > 0 {
		s.Marks = []queue.Marks{{Lane: d.lane, Epoch: d.epoch, Marks: marks}}
	}
	v, err := d.Sync(d.Context(), s)
	if err != nil {
		d.Fatal(err)
	}
	return v
}

// request is a Sync of a node that heard all answers so far.
func (d *desk) request() *queue.Sync {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	return &queue.Sync{Room: d.room, Policy: d.policy, Presence: d.watch.roomLocked(d.room).presence}
}

func (d *desk) sync() *queue.View {
	d.Helper()
	return d.syncMarks(0)
}

// pass lets time go by as a connected node does, with a Sync four times a
// second, and returns the last View.
func (d *desk) pass(span time.Duration) *queue.View {
	d.Helper()
	for ; span > 0; span -= syncEvery {
		time.Sleep(min(span, syncEvery))
		d.sync()
	}
	return d.sync()
}

const syncEvery = 250 * time.Millisecond

// line is the desk's lane in a View.
func (d *desk) line(v *queue.View) queue.LaneView {
	d.Helper()
	for _, l := range v.Lanes {
		if l.Lane == d.lane {
			return l
		}
	}
	d.Fatalf("no lane %q in the view", d.lane)
	return queue.LaneView{}
}

// control changes the overrides.
func (d *desk) control(c queue.Control) queue.Overrides {
	d.Helper()
	c.Room, c.Policy = d.room, d.policy
	o, err := d.Control(d.Context(), &c)
	if err != nil {
		d.Fatal(err)
	}
	return o
}

func (d *desk) state(s queue.State) {
	d.Helper()
	d.control(queue.Control{State: queue.Change[queue.State]{Set: true, To: &s}})
}

// want fails unless the outcome has the standing.
func (d *desk) want(what string, o queue.Outcome, standing queue.Standing) {
	d.Helper()
	if o.Standing != standing {
		d.Errorf("%s: standing %d, want %d", what, o.Standing, standing)
	}
}
