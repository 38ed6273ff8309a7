package queuetest

import (
	"math"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// visitor is one browser of a scene.
type visitor struct {
	lane       string
	t          queue.Ticket
	arrives    time.Duration
	leaves     time.Duration // after its arrival; zero: never
	silent     bool          // it leaves without a word
	background bool
	away       time.Duration // when it is away for a while, after its arrival; zero: never
	stay       time.Duration
	ends       bool // it ends its session

	joined  bool
	entered bool
	expired bool
	absent  bool // it did not always poll as told
}

// visitor draws one.
func (s *stage) visitor() *visitor {
	exp := func(mean time.Duration) time.Duration {
		return time.Duration(-math.Log(1-s.rng.Float64())*float64(mean)) + 1
	}
	v := &visitor{
		arrives: time.Duration(s.rng.Float64() * float64(s.Over)),
		stay:    exp(s.Stay), ends: s.rng.Float64() < 0.5, silent: s.rng.Float64() < 0.5,
		background: s.rng.Float64() < s.Background,
	}
	lanes := s.Policy.Lanes
	v.lane = lanes[s.rng.IntN(len(lanes))].Name
	if s.rng.Float64() < s.Leave {
		v.leaves = exp(s.Patience)
	}
	if s.rng.Float64() < s.Absent {
		v.away = exp(time.Minute)
	}
	return v
}

// live is a visitor's whole story.
func (v *visitor) live(s *stage) {
	if !s.wait(v.arrives) {
		return
	}
	ends, ok := v.join(s)
	if !ok {
		return
	}
	came := time.Now()
	for ends.IsZero() {
		if v.leaves > 0 && time.Since(came) > v.leaves {
			v.absent = true
			if !v.silent {
				s.any().Leave(s.ctx, v.t)
			}
			return
		}
		n := s.any()
		after := queue.PollCalled
		o, err := n.Look(s.ctx, v.t)
		switch {
		case err != nil:
		case o.Standing == queue.Waiting:
			after = n.PollAfter(n.Estimate(v.t))
			n.Promise(v.t, after)
		case o.Standing == queue.Expired:
			v.expired = true
			return
		default:
			o = v.claim(s, n)
			if ends = o.Ends; o.Standing == queue.Claimed && ends.IsZero() {
				return
			}
		}
		if ends.IsZero() && !v.sleep(s, after, came) {
			return
		}
	}
	v.inside(s, ends)
}

// sleep waits until the visitor's next poll.
func (v *visitor) sleep(s *stage, after time.Duration, came time.Time) bool {
	switch {
	case v.background:
		v.absent = true
		after = max(after, time.Minute)
	case v.away > 0 && time.Since(came) > v.away:
		v.absent, v.away = true, 0
		after = 90 * time.Second
	}
	return s.wait(after)
}

// join asks for a place until there is one.
func (v *visitor) join(s *stage) (ends time.Time, ok bool) {
	for {
		e, err := s.any().Join(s.ctx, v.lane)
		if err == nil {
			v.t, v.joined = e.Ticket, true
			return e.Ends, true
		}
		if !s.wait(time.Second) {
			return time.Time{}, false
		}
	}
}

// claim asks for the session, from two tabs if the scene wants that.
func (v *visitor) claim(s *stage, n *node) queue.Outcome {
	second := make(chan queue.Outcome, 1)
	if s.Twice {
		go func() {
			o, _ := s.any().Claim(s.ctx, v.t)
			second <- o
		}()
	}
	o, _ := n.Claim(s.ctx, v.t)
	if s.Twice {
		if other := <-second; other.Ends.IsZero() == o.Ends.IsZero() {
			if !other.Ends.Equal(o.Ends) {
				s.foundf("F: two tabs of %v have sessions until %v and %v", v.t, o.Ends, other.Ends)
			}
		} else if o.Ends.IsZero() {
			o = other
		}
	}
	return o
}

// inside is the visitor's stay: it renews its pass past half its life.
func (v *visitor) inside(s *stage, ends time.Time) {
	v.entered = true
	out := time.Now().Add(v.stay)
	s.hasPass(v.t, ends)
	for first := true; ; first = false {
		left := time.Until(ends)
		if left <= 0 { // it could not be renewed
			return
		}
		next := max(left/2, 100*time.Millisecond)
		if first && left <= 30*time.Second {
			next = min(next, time.Second) // its pass comes back with the page's images
		}
		if until := time.Until(out); until < next {
			if s.wait(until) && v.ends {
				s.any().End(s.ctx, v.t)
				s.wait(5 * time.Second)
				s.any().Claim(s.ctx, v.t) // an old tab
			}
			return
		}
		if !s.wait(next) {
			return
		}
		o, err := s.any().Renew(s.ctx, v.t)
		if err == nil && o.Ends.IsZero() {
			return
		}
		if err == nil {
			ends = o.Ends
			s.hasPass(v.t, ends)
		}
	}
}

// hasPass: a pass was signed until ends.
func (s *stage) hasPass(t queue.Ticket, ends time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passes[t] = ends
}
