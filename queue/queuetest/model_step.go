package queuetest

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// step checks a Step's reply.
func (m *model) step(s *queue.Step, r *queue.StepReply) {
	m.at(r.Now, r.Run, s.Policy)
	m.floor(s.Floor)
	for _, t := range s.Ends {
		if p := m.places[t]; p != nil && p.lives(m.now) {
			p.ended, p.afterSeq = m.now, m.endSeq
			m.ended[p] = struct{}{}
			if p.frees().Before(m.soonest) {
				m.soonest = p.frees()
			}
		}
	}
	for _, t := range s.Leaves {
		if p := m.places[t]; p != nil && !p.begun() && m.lane(t.Lane).epoch == t.Epoch && m.overdue(p) == not {
			p.left = true
			delete(m.lane(t.Lane).calls, p)
		} else if p != nil && !p.begun() {
			p.doubtful = true
		}
	}
	for i, t := range s.Renew {
		m.renewed(t, r.Renew[i])
	}
	for i, t := range s.Claims {
		m.claimed(t, r.Claims[i])
	}
	for i, t := range s.Looks {
		if !m.known(t, r.Looks[i]) {
			m.stands(m.places[t], r.Looks[i])
		}
	}
	for i, j := range s.Joins {
		m.joined(j, r.Joins[i])
	}
}

// floor notes what a node says it saw.
func (m *model) floor(f queue.Floor) {
	for _, f := range f.Lanes {
		l := m.lane(f.Lane)
		if f.Epoch < l.least {
			continue
		}
		if f.Epoch > l.epoch {
			m.reset(l, f.Epoch)
		}
		if f.Epoch == l.epoch && f.Tail > l.tail {
			l.tail, l.gap = f.Tail, true
		}
		if f.Epoch == l.epoch && f.Head > l.head {
			l.head = f.Head
		}
	}
}

// known answers for a place that is no place, or whose session began; false if it is neither.
func (m *model) known(t queue.Ticket, o queue.Outcome) bool {
	p := m.places[t]
	switch {
	case p != nil && p.begun():
		m.session(p, o)
		return true
	case p != nil && p.doubtful && o.Standing == queue.Expired:
		return true
	case p == nil || p.left || t.Epoch != m.lane(t.Lane).epoch:
		if o.Standing != queue.Expired {
			m.faultf("%v has standing %d and is no place that waits", t, o.Standing)
		}
		return true
	}
	return false
}

// session checks an outcome for a place whose session began.
func (m *model) session(p *place, o queue.Outcome) {
	switch {
	case p.lives(m.now) && (o.Standing != queue.Claimed || !o.Ends.Equal(p.ends)):
		m.faultf("F: %v has a session until %v, and its outcome is %+v", p.t, p.ends, o)
	case !p.lives(m.now) && !o.Ends.IsZero():
		m.faultf("F: the session of %v is over, and its outcome is %+v", p.t, o)
	case !p.lives(m.now) && o.Standing != queue.Claimed && o.Standing != queue.Expired:
		m.faultf("F: the session of %v is over, and it stands at %d", p.t, o.Standing)
	}
}

// claimed checks the outcome of a claim.
func (m *model) claimed(t queue.Ticket, o queue.Outcome) {
	if m.known(t, o) {
		return
	}
	p := m.places[t]
	if o.Standing != queue.Claimed {
		m.stands(p, o)
		if o.Standing == queue.Called || o.Standing == queue.Returned {
			m.refuse(p, o.Standing)
		}
		if o.Standing == queue.Waiting && m.policy.State == queue.Open {
			m.refuse(p, o.Standing)
		}
		if p.fresh(m.now) {
			p.tried = m.now
		} else if p.passed {
			p.stale = true
		}
		return
	}
	if !p.passed && m.policy.State != queue.Open {
		m.faultf("%v claims above the head", t)
	}
	if m.overdue(p) == certainly {
		m.faultf("%v claims later than %v after it was passed", t, m.policy.ReturnWithin)
	}
	m.grant(p, o.Ends)
}

// stands checks the standing of a place that waits or was passed.
func (m *model) stands(p *place, o queue.Outcome) {
	good := false
	switch o.Standing {
	case queue.Waiting:
		good = !p.passed
	case queue.Called:
		good = p.passed && (p.fresh(m.now) || p.invited == unknown || p.lost)
	case queue.Returned:
		good = p.passed && (!p.fresh(m.now) || p.lost) && m.overdue(p) != certainly
	case queue.Expired:
		good = p.passed && m.overdue(p) != not
	}
	if !good {
		m.faultf("B: %v stands at %d; passed: %v (%v ago), was %d (1 invited, 2 absent), stale: %v, overdue %d",
			p.t, o.Standing, p.passed, m.now.Sub(p.at), p.invited, p.stale, m.overdue(p))
	}
}

type lateness uint8

const (
	not lateness = iota
	perhaps
	certainly
)

// overdue says whether a place was passed too long ago to claim. A place may
// be thought to have been passed up to 10 s later than it was, and a Sync more.
func (m *model) overdue(p *place) lateness {
	switch {
	case !p.passed || m.fast-p.fast <= m.policy.ReturnWithin:
		return not
	case m.slow-p.slow > m.policy.ReturnWithin+queue.PassedEvery+m.silence:
		return certainly
	}
	return perhaps
}

// renewed checks the outcome of a renewal.
func (m *model) renewed(t queue.Ticket, o queue.Outcome) {
	p := m.places[t]
	if p == nil || !p.lives(m.now) {
		if !o.Ends.IsZero() {
			m.faultf("F: %v has no session, and its renewal is %+v", t, o)
		}
		return
	}
	if o.Standing != queue.Claimed || o.Ends.IsZero() || o.Provisional {
		m.faultf("D: %v has a session until %v, and its renewal is %+v", t, p.ends, o)
		return
	}
	was := p.ends
	p.ends = o.Ends
	m.lease(p, was)
}

// joined checks the places given.
func (m *model) joined(j queue.Join, o queue.Joined) {
	l := m.lane(j.Lane)
	m.enter(l, o.Epoch)
	if m.policy.State == queue.Closed {
		if o.First != 0 || o.Admitted != 0 {
			m.faultf("a closed room gives places: %+v", o)
		}
		return
	}
	switch {
	case o.First <= l.tail:
		m.faultf("A: place %d of %s is given twice in epoch %d: the tail is %d", o.First, l.name, l.epoch, l.tail)
	case o.First != l.tail+1 && !l.gap:
		m.faultf("A: place %d of %s follows %d", o.First, l.name, l.tail)
	}
	l.gap, l.tail = false, max(l.tail, o.First+int64(j.N)-1)
	for n := range int64(j.N) {
		t := queue.Ticket{Lane: l.name, Epoch: l.epoch, Place: o.First + n}
		m.places[t] = &place{t: t, window: queue.FirstPromise(m.presence), murky: m.lost}
	}
	if o.Admitted > 0 {
		m.jumped(l)
	}
	for n := range int64(o.Admitted) {
		p := m.places[queue.Ticket{Lane: l.name, Epoch: l.epoch, Place: o.First + n}]
		if o.Ends.Sub(m.now) > 30*time.Second {
			m.faultf("%v is admitted by its join until %v later", p.t, o.Ends.Sub(m.now))
		}
		m.grant(p, o.Ends)
	}
	m.reach(l, o.Head, o.First)
}

// jumped checks that nobody who was called is overtaken by a join.
func (m *model) jumped(of *mlane) {
	if m.policy.State == queue.Open {
		return
	}
	for _, l := range m.lanes {
		for p := range l.calls {
			if p.fresh(m.now) {
				m.faultf("B: a newcomer to %s is admitted while the call of %v is fresh", of.name, p.t)
				return
			}
			delete(l.calls, p)
		}
	}
}
