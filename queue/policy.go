package queue

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// check returns the first fault of p.
func (p *Policy) check() error {
	switch {
	case !(p.Rate >= 0) || math.IsInf(p.Rate, 1):
		return fmt.Errorf("rate: want 0 or more, got %v", p.Rate)
	case p.Rate > 0 && p.Burst < 1:
		return fmt.Errorf("burst: want 1 or more, got %d", p.Burst)
	case p.Capacity < 0:
		return fmt.Errorf("capacity: want 0 or more, got %d", p.Capacity)
	case p.SessionTTL < time.Second:
		return fmt.Errorf("session ttl: want 1s or more, got %v", p.SessionTTL)
	case p.SessionMax != 0 && p.SessionMax < time.Second:
		return fmt.Errorf("longest session: want 0 or 1s or more, got %v", p.SessionMax)
	case p.ReturnWithin < 0:
		return fmt.Errorf("return within: want 0 or more, got %v", p.ReturnWithin)
	case p.State != "" && !p.State.known():
		return fmt.Errorf("state: want auto, hold, open or closed, got %q", p.State)
	case len(p.Lanes) == 0:
		return errors.New("lanes: want at least one")
	}
	for i, l := range p.Lanes {
		if l.Weight < 1 {
			return fmt.Errorf("lane %q: weight: want 1 or more, got %d", l.Name, l.Weight)
		}
		if slices.ContainsFunc(p.Lanes[:i], func(o Lane) bool { return o.Name == l.Name }) {
			return fmt.Errorf("lane %q: there are two", l.Name)
		}
	}
	return nil
}

// own returns a copy that shares nothing with p.
func (p Policy) own() *Policy {
	p.State = cmp.Or(p.State, Auto)
	p.Lanes = slices.Clone(p.Lanes)
	return &p
}

// weight returns the weight of a lane, 1 for one that is draining.
func (p *Policy) weight(lane string) int {
	for _, l := range p.Lanes {
		if l.Name == lane {
			return l.Weight
		}
	}
	return 1
}
