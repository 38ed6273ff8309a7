package queue

import (
	"errors"
	"fmt"
	"math"
)

// ErrRefused is returned (wrapped) for a [Control] whose values make no room. Nothing has changed.
var ErrRefused = errors.New("the change is refused")

// Bounds of an overridden rate, per second: one in eleven days, and more than any
// machine can admit.
const (
	leastRate = 1e-6
	mostRate  = 1e9
)

// Over returns the policy in force where the overrides go before p. A rate that is
// overridden has the burst of p, more if it is higher than the rate of p by as many times,
// but no more than one second of it, at least 4.
func (o *Overrides) Over(p Policy) Policy {
	if o.State != nil {
		p.State = *o.State
	}
	if p.State == "" {
		p.State = Auto
	}
	if o.Rate != nil {
		most := max(4, math.Ceil(min(*o.Rate, mostRate)))
		burst := most
		if p.Rate > 0 {
			burst = max(1, math.Ceil(*o.Rate/p.Rate)) * float64(p.Burst)
		}
		p.Rate, p.Burst = *o.Rate, int(min(burst, most))
	}
	if o.Capacity != nil {
		p.Capacity = *o.Capacity
	}
	return p
}

// Apply changes the overrides as c asks. It returns an error that wraps [ErrRefused], and
// changes nothing, if that would leave a value that is none, or the room under
// c.Policy with neither a rate nor a capacity. A rate or capacity of 0 is none.
func (o *Overrides) Apply(c *Control) error {
	n := *o
	change(&n.State, c.State)
	change(&n.Rate, c.Rate)
	change(&n.Capacity, c.Capacity)
	change(&n.Message, c.Message)
	in := n.Over(c.Policy)
	switch rate := in.Rate; {
	case n.State != nil && !n.State.known():
		return fmt.Errorf("room %s: %w: state: want auto, hold, open or closed, got %q", c.Room, ErrRefused, *n.State)
	case c.Rate.Set && (!(rate >= leastRate && rate <= mostRate) && rate != 0 || math.Signbit(rate)):
		return fmt.Errorf("room %s: %w: rate: want 0 or %v to %v per second, got %v", c.Room, ErrRefused, leastRate, mostRate, rate)
	case c.Capacity.Set && in.Capacity < 0:
		return fmt.Errorf("room %s: %w: capacity: want 0 or more, got %d", c.Room, ErrRefused, in.Capacity)
	case (c.Rate.Set || c.Capacity.Set) && rate == 0 && in.Capacity == 0:
		return fmt.Errorf("room %s: %w: want a rate or a capacity", c.Room, ErrRefused)
	}
	*o = n
	return nil
}

func (s State) known() bool { return s == Auto || s == Hold || s == Open || s == Closed }

// change sets what is in force to a copy of what is asked for.
func change[T any](in **T, c Change[T]) {
	if !c.Set {
		return
	}
	*in = nil
	if c.To != nil {
		to := *c.To
		*in = &to
	}
}
