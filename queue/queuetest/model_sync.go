package queuetest

import (
	"reflect"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// sync checks a View.
func (m *model) sync(s *queue.Sync, v *queue.View) {
	m.at(v.Now, v.Run, s.Policy)
	m.floor(s.Floor)
	m.clock(s, v)
	for _, marks := range s.Marks {
		for _, k := range marks.Marks {
			p := m.places[queue.Ticket{Lane: marks.Lane, Epoch: marks.Epoch, Place: k.Place}]
			if p != nil && !p.passed {
				p.window = max(p.window, k.Window)
			}
		}
	}
	m.inForce(v)
	calls := 0
	for i := range v.Lanes {
		calls += m.lined(&v.Lanes[i])
	}
	if calls > queue.MaxInvitations {
		m.faultf("one Sync makes %d invitations", calls)
	}
	if calls > 0 && (m.policy.State == queue.Hold || m.policy.State == queue.Closed) {
		m.faultf("%d are called while the room is %s", calls, m.policy.State)
	}
	m.inside(s, v)
}

// clock checks the presence clock, and moves the return clock with it.
func (m *model) clock(s *queue.Sync, v *queue.View) {
	step := v.Presence - m.presence
	if !m.synced.IsZero() && (step < 0 || step > min(time.Second, v.Now.Sub(m.synced))) {
		m.faultf("the presence clock moves by %v in %v", step, v.Now.Sub(m.synced))
	}
	if m.lost { // a new run takes what it has for seen
		m.seen = v.Presence
	}
	if m.seen = max(m.seen, min(s.Presence, m.presence)); v.Presence > m.seen+queue.Unseen {
		m.faultf("B: the presence clock is %v beyond what any node has seen", v.Presence-m.seen)
	}
	if m.policy.State != queue.Hold {
		m.fast, m.slow = m.fast+max(0, step), m.slow+max(0, step)
	}
	if m.lost {
		for _, l := range m.lanes {
			l.grace = queue.PresentWindow(v.Presence + queue.LostPresence)
		}
	}
	if !m.synced.IsZero() {
		m.silence = max(m.silence, v.Now.Sub(m.synced))
	}
	m.presence, m.synced, m.lost = v.Presence, v.Now, false
}

// inForce checks what the View says of the policy.
func (m *model) inForce(v *queue.View) {
	message := ""
	if m.over.Message != nil {
		message = *m.over.Message
	}
	if v.State != m.policy.State || v.Rate != m.policy.Rate || v.Capacity != m.policy.Capacity || v.Message != message {
		m.faultf("in force is %s %v %d %q, want %s %v %d %q", v.State, v.Rate, v.Capacity, v.Message,
			m.policy.State, m.policy.Rate, m.policy.Capacity, message)
	}
	if !reflect.DeepEqual(v.Overrides, m.over) {
		m.faultf("the overrides are %+v, want %+v", v.Overrides, m.over)
	}
}

// lined checks the line of a lane, and returns how many it invited.
func (m *model) lined(v *queue.LaneView) int {
	l := m.lane(v.Lane)
	m.enter(l, v.Epoch)
	if v.Tail < l.tail || v.Tail > l.tail && !l.gap {
		m.faultf("A: the tail of %s is %d, and %d was given", l.name, v.Tail, l.tail)
	}
	if v.Head > v.Tail {
		m.faultf("the head of %s is %d, behind its tail %d", l.name, v.Head, v.Tail)
	}
	sum := int64(0)
	for _, n := range v.Blocks {
		sum += int64(n)
	}
	if sum != v.Present || v.Present < 0 {
		m.faultf("%d are present in %s, and %d by blocks", v.Present, l.name, sum)
	}
	if len(v.Blocks) > 0 && (v.First != v.From/queue.BlockSize+1 ||
		(v.First+int64(len(v.Blocks))-1)*queue.BlockSize < v.To || v.From > v.Head || v.To > v.Tail) {
		m.faultf("the blocks of %s, %d from %d on, do not cover (%d, %d] of (%d, %d]", l.name,
			len(v.Blocks), v.First, v.From, v.To, v.Head, v.Tail)
	}
	return m.reach(l, v.Head, 0)
}

// inside checks what the View says of the sessions.
func (m *model) inside(s *queue.Sync, v *queue.View) {
	live := 0
	for p := range m.slots {
		if p.lives(m.now) {
			live++
		}
	}
	if v.Sessions < live || v.Sessions > live+m.behind {
		m.faultf("D: the view has %d sessions, and %d live", v.Sessions, live)
	}
	if v.Begun != m.begun {
		m.faultf("F: the view has %d sessions begun, and %d were", v.Begun, m.begun)
	}
	listed := map[queue.Ticket]time.Time{}
	for _, e := range v.Ended {
		listed[e.Ticket] = e.Until
	}
	for p := range m.ended {
		if until, ok := listed[p.t]; ok && until.Before(p.ends) {
			m.faultf("D: the end of %v is listed until %v, and its pass ends at %v", p.t, until, p.ends)
		} else if !ok && s.EndSeq <= p.afterSeq && p.lastsAfter(m.now) {
			m.faultf("D: the end of %v is not listed for a node that saw %d", p.t, s.EndSeq)
		}
	}
	m.endSeq = v.EndSeq
}

// lastsAfter reports whether the pass of an ended session runs at now.
func (p *place) lastsAfter(now time.Time) bool { return p.ends.After(now) }

// control checks the overrides after a change.
func (m *model) control(c *queue.Control, o queue.Overrides) {
	override(&m.over.State, c.State)
	override(&m.over.Rate, c.Rate)
	override(&m.over.Capacity, c.Capacity)
	override(&m.over.Message, c.Message)
	if !reflect.DeepEqual(o, m.over) {
		m.faultf("the overrides are %+v, want %+v", o, m.over)
	}
	if !c.Reset {
		return
	}
	for _, l := range m.lanes {
		l.least = max(l.epoch+1, m.now.Unix())
		m.reset(l, 0)
	}
}

func override[T any](in **T, c queue.Change[T]) {
	if c.Set && c.To != nil {
		to := *c.To
		*in = &to
	} else if c.Set {
		*in = nil
	}
}
