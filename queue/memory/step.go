package memory

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// step applies what a node gathered.
func (r *room) step(s *queue.Step, now time.Time) *queue.StepReply {
	r.expire(now)
	r.floor(s.Floor)
	for _, t := range s.Ends {
		r.end(t, now)
	}
	for _, t := range s.Leaves {
		r.leave(t, now)
	}
	return &queue.StepReply{
		Now:    now,
		Run:    r.run,
		Renew:  each(s.Renew, func(t queue.Ticket) queue.Outcome { return r.renew(t, now) }),
		Claims: each(s.Claims, func(t queue.Ticket) queue.Outcome { return r.claim(t, now) }),
		Looks: each(s.Looks, func(t queue.Ticket) queue.Outcome {
			o, _ := r.standing(t, now)
			return o
		}),
		Joins: each(s.Joins, func(j queue.Join) queue.Joined { return r.join(j, now) }),
	}
}

func each[T, O any](asked []T, answer func(T) O) []O {
	if len(asked) == 0 {
		return nil
	}
	out := make([]O, len(asked))
	for i, a := range asked {
		out[i] = answer(a)
	}
	return out
}

func (r *room) end(t queue.Ticket, now time.Time) {
	one := r.sessions.by[t]
	if one == nil || !one.lives(now) {
		return
	}
	r.sessions.end(one, now)
	r.notes.session(r.name, one)
}

func (r *room) leave(t queue.Ticket, now time.Time) {
	_, l := r.standing(t, now)
	if l == nil {
		return
	}
	if l.line.spend(t.Place, givenUp) {
		r.left(1)
	}
	delete(l.called, t.Place)
	delete(l.tries, t.Place)
	r.notes.left(r.name, t)
}

func (r *room) renew(t queue.Ticket, now time.Time) queue.Outcome {
	one := r.sessions.by[t]
	if one == nil || !one.lives(now) {
		o, _ := r.standing(t, now)
		return o
	}
	was := *one
	one.provisional = false
	r.sessions.prolong(one, lease(now, one.started, r.policy.SessionTTL, r.policy.SessionMax))
	if one.ends != was.ends || was.provisional {
		r.notes.session(r.name, one)
	}
	return queue.Outcome{Standing: queue.Claimed, Ends: one.ends}
}

// claim begins the session of a place, if it may enter now.
func (r *room) claim(t queue.Ticket, now time.Time) queue.Outcome {
	o, l := r.standing(t, now)
	if l == nil || o.Standing == queue.Waiting && r.policy.State != queue.Open {
		return o
	}
	if !r.admits(o.Standing == queue.Returned, now) {
		l.tried(t.Place, o.Standing, now)
		return o
	}
	if o.Standing == queue.Called {
		r.yield.Settle(1, 0)
	}
	delete(l.called, t.Place)
	delete(l.tries, t.Place)
	one := r.begin(l, t.Place, now, false)
	return queue.Outcome{Standing: queue.Claimed, Ends: one.ends}
}

// admits charges one entry to the allowance and reports whether there was one
// to be had, and a slot.
func (r *room) admits(returner bool, now time.Time) bool {
	switch r.policy.State {
	case queue.Open:
		return true
	case queue.Hold, queue.Closed:
		return false
	}
	keepTokens, keepSlots := r.reserve.Tokens(now, r.policy.Burst), r.reserve.Slots(now, r.policy.Capacity)
	if returner {
		keepTokens, keepSlots = 0, 0
	}
	if r.allowance.Have(keepTokens) < 1 || r.free(keepSlots) < 1 {
		if returner {
			r.reserve.Refuse(now)
		}
		return false
	}
	r.allowance.Take(1)
	return true
}

// tried notes that a place came and was refused.
func (l *lane) tried(place int64, was queue.Standing, now time.Time) {
	switch was {
	case queue.Called:
		c := l.called[place]
		c.tried = now
		l.called[place] = c
	case queue.Returned:
		l.tries[place] = now
	}
}

// join gives places at the tail, and begins the sessions of the first of them
// if nobody is before them and they may enter.
func (r *room) join(j queue.Join, now time.Time) queue.Joined {
	l := r.lane(j.Lane)
	if l == nil {
		return queue.Joined{}
	}
	if j.N < 1 || r.policy.State == queue.Closed {
		return queue.Joined{Epoch: l.epoch, Head: l.line.head}
	}
	first := !r.waited(now)
	free := r.policy.State == queue.Open || r.policy.State == queue.Auto && first
	out := queue.Joined{Epoch: l.epoch, First: l.line.extend(int64(j.N), queue.FirstPromise(r.presence))}
	l.reach(now)
	for free && out.Admitted < j.N && r.admits(false, now) {
		out.Ends = r.begin(l, out.First+int64(out.Admitted), now, true).ends
		out.Admitted++
	}
	if out.Admitted > 0 && first {
		l.line.raise(out.First + int64(out.Admitted) - 1)
		l.dirty = true
	}
	out.Head = l.line.head
	return out
}

// waited reports whether anybody is to enter before a newcomer: a place that is
// present, or one that was called and may still come.
func (r *room) waited(now time.Time) bool {
	for _, l := range r.lanes {
		if l.line.present > 0 {
			return true
		}
		for place := range l.called {
			if l.fresh(place, now) {
				return true
			}
		}
	}
	return false
}

const leastChunk, mostChunk = 16, 1 << 16

// reach moves the mark ahead of the tail, in steps that grow with the pace of the joins.
func (l *lane) reach(now time.Time) {
	if l.line.tail <= l.mark {
		return
	}
	if now.Sub(l.marked) < time.Second {
		l.chunk *= 2
	} else {
		l.chunk /= 2
	}
	l.chunk = min(max(l.chunk, leastChunk), mostChunk)
	l.mark, l.marked, l.dirty = l.line.tail+l.chunk, now, true
}

// retreat takes back a mark that is further ahead than the joins of late need: a
// crash leaves a gap up to it, in which nobody knows who is present.
func (l *lane) retreat(now time.Time) {
	if now.Sub(l.paced) < time.Second {
		return
	}
	want := max(leastChunk, 2*(l.line.tail-l.pacedAt))
	if ahead := l.mark - l.line.tail; ahead > 2*want {
		l.chunk = min(want, mostChunk)
		l.mark, l.dirty = l.line.tail+l.chunk, true
	}
	l.paced, l.pacedAt = now, l.line.tail
}
