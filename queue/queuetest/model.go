package queuetest

import (
	"math"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// model is what a room must be like, from the requests and replies so far.
type model struct {
	*watch
	name   string
	run    string
	now    time.Time
	policy queue.Policy // in force
	over   queue.Overrides
	lanes  map[string]*mlane
	places map[queue.Ticket]*place

	most, least bucket // bounds of the allowance
	refused     time.Time
	slots       map[*place]struct{}
	soonest     time.Time // the first of the slots that frees
	behind      int       // leases that are over and more than one call may end
	ended       map[*place]struct{}
	fast, slow  time.Duration // bounds of the return clock
	crashed     bool          // and no request since
	lost        bool          // crashed, and no Sync since
	restarted   time.Time     // the first request after a crash
	presence    time.Duration
	seen        time.Duration // of presence, by a node
	synced      time.Time
	silence     time.Duration // the longest there was without a Sync
	begun       int64         // since the run began
	began       int64         // in all
	loosened    bool          // there may be more sessions than the capacity
	endSeq      int64
}

type mlane struct {
	name              string
	epoch, head, tail int64
	least             int64 // of the next epoch
	gap               bool  // the next place may lie behind a gap
	grace             int64 // everybody is present before this window; -1: not in this run
	calls             map[*place]struct{}
}

func newModel(w *watch, name string) *model {
	return &model{
		watch: w, name: name, lanes: map[string]*mlane{}, places: map[queue.Ticket]*place{},
		slots: map[*place]struct{}{}, ended: map[*place]struct{}{},
	}
}

// crash: a new run knows of nobody's presence.
func (m *model) crash() {
	m.crashed, m.lost, m.begun, m.synced = true, true, 0, time.Time{}
	for _, p := range m.places {
		p.window, p.old, p.lost = -1, true, p.passed
	}
	for _, l := range m.lanes {
		l.gap = true
		clear(l.calls)
	}
}

// at lets time pass until a reply under a policy.
func (m *model) at(now time.Time, run string, p queue.Policy) {
	if now.Before(m.now) {
		m.faultf("the engine's clock went back by %v", m.now.Sub(now))
	}
	if p.State == "" {
		p.State = queue.Auto
	}
	if m.over.State != nil {
		p.State = *m.over.State
	}
	if m.over.Rate != nil {
		second := max(4, int(*m.over.Rate+1-1e-9))
		if p.Rate > 0 {
			p.Burst *= max(1, int(math.Ceil(*m.over.Rate/p.Rate)))
		}
		if p.Burst > second || p.Rate == 0 {
			p.Burst = second
		}
		p.Rate = *m.over.Rate
	}
	if m.over.Capacity != nil {
		p.Capacity = *m.over.Capacity
	}
	if m.run != "" && run != m.run != m.crashed && run != "" {
		m.faultf("the run is %q after %q", run, m.run)
	}
	if m.crashed { // it may know the return clock from the last entry of passed only
		m.slow -= min(m.slow, queue.PassedEvery+m.silence)
	}
	m.allow(now, p)
	if p.State == queue.Open || m.policy.State != "" && p.Capacity != m.policy.Capacity {
		m.loosened = true
	}
	if m.crashed {
		m.restarted = now
	}
	m.now, m.policy, m.crashed = now, p, false
	if run != "" {
		m.run = run
	}
	m.free()
}

// allow refills the bounds of the allowance. A change of rate may count
// from anywhere between two requests.
func (m *model) allow(now time.Time, p queue.Policy) {
	was, burst := m.most.rate, float64(max(p.Burst, 1))
	m.most.refill(now, p.Rate, max(was, p.Rate), burst)
	lower := burst
	if m.policy.State != "" { // the time gone by may count under the burst of then
		lower = min(burst, float64(max(m.policy.Burst, 1)))
	}
	m.least.refill(now, p.Rate, min(was, p.Rate), lower)
	if p.Rate == 0 || was == 0 && m.policy.State != "" {
		m.most.tokens, m.least.tokens = burst, 0
	}
}

// free lets go the slots whose time has come.
func (m *model) free() {
	was := len(m.slots)
	defer func() { m.behind = max(0, m.behind+was-len(m.slots)-queue.MaxExpiries) }()
	if m.now.Before(m.soonest) {
		return
	}
	m.soonest = m.now.Add(time.Hour)
	for p := range m.slots {
		if !p.frees().After(m.now) {
			delete(m.slots, p)
		} else if p.frees().Before(m.soonest) {
			m.soonest = p.frees()
		}
	}
	for p := range m.ended {
		if !p.ends.After(m.now) {
			delete(m.ended, p)
		}
	}
}

// hold gives a place's session a slot.
func (m *model) hold(p *place) {
	m.slots[p] = struct{}{}
	if p.frees().Before(m.soonest) {
		m.soonest = p.frees()
	}
}

// grant checks that a session may begin now, and begins it.
func (m *model) grant(p *place, ends time.Time) {
	switch m.policy.State {
	case queue.Hold, queue.Closed:
		m.faultf("a session of %v begins while the room is %s", p.t, m.policy.State)
	case queue.Auto:
		if m.policy.Rate > 0 && m.most.tokens < 1-1e-6 {
			m.faultf("C: a session of %v begins with %.3f tokens at the most", p.t, m.most.tokens)
		}
		if c := m.policy.Capacity; c > 0 && len(m.slots) >= c {
			m.faultf("D: a session of %v begins with %d of %d slots taken", p.t, len(m.slots), c)
		}
		m.most.tokens--
		m.least.tokens = max(0, m.least.tokens-1)
	}
	p.began, p.ends = m.now, ends
	m.lease(p, p.began.Add(-time.Second))
	m.begun++
	m.began++
	m.hold(p)
	if l := m.lanes[p.t.Lane]; l != nil {
		delete(l.calls, p)
	}
}

// refuse checks that a claim could not be granted.
func (m *model) refuse(p *place, was queue.Standing) {
	if m.policy.State != queue.Auto {
		if m.policy.State == queue.Open {
			m.faultf("a claim of %v is refused in an open room", p.t)
		}
		return
	}
	tokens, slots := 1.0, 1
	if was == queue.Called && m.now.Sub(m.refused) < queue.ReserveFor {
		tokens += float64(min(8, m.policy.Burst/2))
		slots += min(8, max(1, m.policy.Capacity/20), max(0, m.policy.Capacity-1))
	}
	token := m.policy.Rate == 0 || m.least.tokens > tokens+1e-6
	// After a crash the slots of those that were ended may be held for a second anew.
	slot := m.policy.Capacity == 0 || m.policy.Capacity-len(m.slots) >= slots && m.now.Sub(m.restarted) > time.Second
	if token && slot {
		m.faultf("E: a claim of %v is refused with %.3f tokens at least and %d of %d slots taken",
			p.t, m.least.tokens, len(m.slots), m.policy.Capacity)
	}
	if was == queue.Returned {
		m.refused = m.now
	}
}

// lease checks the end of a lease that was prolonged from was.
func (m *model) lease(p *place, was time.Time) {
	most := m.now.Add(m.policy.SessionTTL)
	if longest := p.began.Add(m.policy.SessionMax); m.policy.SessionMax > 0 && longest.Before(most) {
		most = longest
	}
	switch {
	case !p.ends.Equal(p.ends.Truncate(time.Second)):
		m.faultf("the lease of %v ends at %v, not on a whole second", p.t, p.ends)
	case p.ends.Before(was):
		m.faultf("D: the lease of %v is cut by %v: its pass outlives it", p.t, was.Sub(p.ends))
	case p.ends.After(most) && p.ends.After(was):
		m.faultf("the lease of %v ends %v late", p.t, p.ends.Sub(most))
	}
}

// reach moves the head of a lane, and decides who of those it passed was present.
func (m *model) reach(l *mlane, head int64, newcomer int64) (invitations int) {
	if head < l.head {
		m.faultf("the head of %s went back from %d to %d", l.name, l.head, head)
	}
	window := queue.PresentWindow(m.presence)
	for ; l.head < head; l.head++ {
		p := m.places[queue.Ticket{Lane: l.name, Epoch: l.epoch, Place: l.head + 1}]
		if p == nil {
			continue
		}
		p.passed, p.at, p.fast, p.slow = true, m.now, m.fast, m.slow
		switch {
		case p.left || p.begun() || p.murky || m.lost:
		case p.window >= window || p.old && window < l.grace:
			p.invited = invited
			l.calls[p] = struct{}{}
			invitations++
			if newcomer > 0 {
				m.faultf("B: %v is passed for the newcomer %d", p.t, newcomer)
			}
		case !p.old || window > l.grace:
			p.invited = skipped
		}
	}
	return invitations
}

func (m *model) lane(name string) *mlane {
	l := m.lanes[name]
	if l == nil {
		l = &mlane{name: name, grace: -1, calls: map[*place]struct{}{}}
		m.lanes[name] = l
	}
	return l
}

// enter notes the epoch a reply named.
func (m *model) enter(l *mlane, epoch int64) {
	switch {
	case epoch == l.epoch:
	case l.epoch == 0 && epoch >= l.least:
		l.epoch = epoch
	default:
		m.faultf("the epoch of %s is %d after %d, without a reset", l.name, epoch, l.epoch)
		m.reset(l, epoch)
	}
}

func (m *model) reset(l *mlane, epoch int64) {
	l.epoch, l.head, l.tail, l.gap = epoch, 0, 0, false
	clear(l.calls)
}
