package queuetest

import (
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// history is one random sequence of requests to an engine, as several nodes,
// operators and fate might make them. The watch compares each answer with the model.
type history struct {
	*desk
	rng   *rand.Rand
	given []queue.Ticket
	known map[queue.Ticket]bool // those of given
	view  *queue.View
}

// testHistories plays random histories. Each prints its seed when it fails; with
// -seed=N, in a package that defines it, only that one is played.
func testHistories(t *testing.T, open func(t *testing.T) Subject) {
	seeds := make([]uint64, size(2000, 25))
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	if f := flag.Lookup("seed"); f != nil && f.Value.String() != "0" {
		seeds = []uint64{uint64(f.Value.(flag.Getter).Get().(int))}
	}
	for _, seed := range seeds {
		if faults := playHistory(t, open, seed, 300); len(faults) > 0 {
			t.Errorf("history of seed %d: %d faults, the first: %s", seed, len(faults), faults[0])
		}
	}
}

// playHistory plays the history of a seed and returns what the watch found wrong.
func playHistory(t *testing.T, open func(t *testing.T) Subject, seed uint64, length int) (faults []string) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{rng: rand.New(rand.NewPCG(seed, 3)), known: map[queue.Ticket]bool{}}
		h.desk = &desk{T: t, watch: newWatch(open(t)), room: roomName, lane: "public", policy: somePolicy()}
		h.policy.ReturnWithin = time.Duration(20+h.rng.IntN(60)) * time.Second
		h.draw()
		h.view = h.sync()
		for range length {
			h.move()
		}
		h.pass(time.Second)
		faults = h.watch.Faults()
	})
	return faults
}

// draw makes a policy.
func (h *history) draw() {
	r := h.rng
	h.policy.Rate = []float64{0, 0.5, 3, 25, 400}[r.IntN(5)]
	h.policy.Burst = 1 + r.IntN(40)
	h.policy.Capacity = []int{0, 1, 20, 70}[r.IntN(4)]
	if h.policy.Rate == 0 && h.policy.Capacity == 0 {
		h.policy.Capacity = 100
	}
	h.policy.SessionTTL = time.Duration(1+r.IntN(60)) * time.Second
	h.policy.SessionMax = time.Duration(r.IntN(2)*r.IntN(200)) * time.Second
	h.policy.Lanes = []queue.Lane{{Name: "public", Weight: 1}, {Name: "members", Weight: 1 + r.IntN(4)}}
}

// move makes one request, or lets time pass.
func (h *history) move() {
	switch n := h.rng.IntN(100); {
	case n < 30:
		h.ask()
	case n < 60:
		h.view = h.hear()
	case n < 75:
		time.Sleep(time.Duration(h.rng.IntN(1500)) * time.Millisecond)
	case n < 88:
		h.view = h.pass(time.Duration(h.rng.IntN(8000)) * time.Millisecond)
	case n < 91:
		h.draw()
	case n < 96:
		h.operate()
	case n < 97:
		h.view = h.pass(time.Duration(h.rng.IntN(120)) * time.Second)
	case n < 98:
		h.unheard(time.Duration(h.rng.IntN(20)) * time.Second)
	default:
		if h.subject.Crash != nil {
			h.watch.crash()
		}
	}
}

// some are a few of the places given, the late ones more often, and some that never were.
func (h *history) some() (out []queue.Ticket) {
	for range h.rng.IntN(12) {
		if len(h.given) == 0 {
			return out
		}
		recent := min(len(h.given), 1+h.rng.IntN(400))
		t := h.given[len(h.given)-1-h.rng.IntN(recent)]
		if h.rng.IntN(50) == 0 {
			t.Place += 1 << 30
		}
		out = append(out, t)
	}
	return out
}

// called are places near the heads, where claims are worth while.
func (h *history) called() (out []queue.Ticket) {
	for _, l := range h.view.Lanes {
		for range h.rng.IntN(20) {
			t := queue.Ticket{Lane: l.Lane, Epoch: l.Epoch, Place: l.Head - h.rng.Int64N(30)}
			if h.known[t] { // a crash leaves places that nobody has
				out = append(out, t)
			}
		}
	}
	return out
}

// ask sends a Step with a bit of everything.
func (h *history) ask() {
	s := queue.Step{Renew: h.some(), Claims: append(h.called(), h.some()...), Looks: append(h.called(), h.some()...)}
	if h.rng.IntN(3) == 0 {
		s.Ends, s.Leaves = h.some(), h.some()
	}
	for _, lane := range []string{"public", "members"} {
		if h.rng.IntN(2) == 0 {
			s.Joins = append(s.Joins, queue.Join{Lane: lane, N: 1 + h.rng.IntN(1+h.rng.IntN(60))})
		}
	}
	r := h.step(s)
	for i, j := range r.Joins {
		for n := range int64(s.Joins[i].N) {
			if j.First > 0 {
				t := queue.Ticket{Lane: s.Joins[i].Lane, Epoch: j.Epoch, Place: j.First + n}
				h.given, h.known[t] = append(h.given, t), true
			}
		}
	}
}

// hear sends a Sync with marks.
func (h *history) hear() *queue.View {
	s := &queue.Sync{Room: h.room, Policy: h.policy, Presence: h.view.Presence}
	if h.rng.IntN(2) == 0 {
		s.EndSeq = h.view.EndSeq
	}
	for _, t := range append(h.some(), h.some()...) {
		told := time.Duration(2+h.rng.IntN(34)) * time.Second
		s.Marks = append(s.Marks, queue.Marks{Lane: t.Lane, Epoch: t.Epoch, Marks: []queue.Mark{
			{Place: t.Place, Window: queue.PresenceWindow(h.view.Presence, told)}}})
	}
	v, err := h.Sync(h.Context(), s)
	if err != nil {
		h.Fatal(err)
	}
	if h.rng.IntN(4) == 0 {
		return h.view // the answer was lost
	}
	return v
}

// operate changes an override, or resets the room.
func (h *history) operate() {
	var c queue.Control
	state := []queue.State{queue.Auto, queue.Auto, queue.Hold, queue.Open, queue.Closed}[h.rng.IntN(5)]
	rate, capacity := h.rng.Float64()*30, 1+h.rng.IntN(60)
	switch h.rng.IntN(8) {
	case 0, 1:
		c.State = queue.Change[queue.State]{Set: true, To: &state}
	case 2:
		c.Rate = queue.Change[float64]{Set: true, To: &rate}
	case 3:
		c.Capacity = queue.Change[int]{Set: true, To: &capacity}
	case 4:
		c.Reset = true
	default:
		c.State.Set, c.Rate.Set, c.Capacity.Set = true, true, true
	}
	h.control(c)
}
