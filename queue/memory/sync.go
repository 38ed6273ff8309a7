package memory

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

const (
	sweepEvery = 200 * time.Millisecond // so that many nodes cost no more than one

	enteredSpan = 10 * time.Second
	endingSpan  = 30 * time.Second
	leavingSpan = time.Minute
)

// sync lets time pass in the room.
func (r *room) sync(s *queue.Sync, now time.Time) {
	r.expire(now)
	r.floor(s.Floor)
	r.hear(s.Marks)
	r.elapse(s.Presence, now)
	if now.Sub(r.swept) >= sweepEvery {
		r.swept = now
		r.sweep(now)
	}
	if r.presence < r.seen+queue.Unseen {
		r.invite(now)
	}
	for _, l := range r.lanes {
		r.settle(l, now)
		l.retreat(now)
	}
}

// hear takes down the presence a node learned of.
func (r *room) hear(marks []queue.Marks) {
	window, left := queue.PresentWindow(r.presence), queue.MaxMarks
	for _, m := range marks {
		l := r.lane(m.Lane)
		if l == nil || l.epoch != m.Epoch {
			continue
		}
		for _, one := range m.Marks[:min(left, len(m.Marks))] {
			if l.line.mark(one.Place, one.Window, window) {
				r.count.gone--
			}
		}
		left -= min(left, len(m.Marks))
	}
}

// elapse moves the clocks of presence and returns, and makes absent whose promise is over.
func (r *room) elapse(seen time.Duration, now time.Time) {
	r.seen = max(r.seen, min(seen, r.presence))
	if r.synced.IsZero() {
		r.synced = now
	}
	was := r.presence
	r.presence = queue.AdvancePresence(was, r.seen, now.Sub(r.synced))
	r.synced = now
	if r.policy.State != queue.Hold {
		r.returns += r.presence - was
	}
	for window := queue.PresentWindow(was); window < queue.PresentWindow(r.presence); window++ {
		for _, l := range r.lanes {
			r.left(l.line.forget(window))
		}
	}
}

// sweep drops the invitations that are stale, and tells the paces what happened.
func (r *room) sweep(now time.Time) {
	present := int64(0)
	for _, l := range r.lanes {
		present += l.line.present
		for place, c := range l.called {
			if !queue.Fresh(now, c.at, c.tried) {
				delete(l.called, place)
				r.yield.Settle(0, 1)
			}
		}
		for place, at := range l.tries {
			if now.Sub(at) >= queue.TriedFor {
				delete(l.tries, place)
			}
		}
	}
	r.entered.Add(now, float64(r.count.begun), enteredSpan)
	r.ending.Add(now, float64(r.count.ended), endingSpan)
	r.leaving.Add(now, float64(r.count.gone)/float64(max(1, present)), leavingSpan)
	r.count.begun, r.count.ended, r.count.gone = 0, 0, 0
}

// invite calls as many of the present as are needed to keep claims coming. The
// lanes take turns by weight, those that have nobody present left out.
func (r *room) invite(now time.Time) {
	if r.policy.State != queue.Auto {
		return
	}
	n := r.flow().Invitations()
	for ; n > 0; n-- {
		l := r.turn()
		if l == nil {
			break
		}
		place := l.line.next()
		l.called[place] = call{at: now}
		l.invited = append(l.invited, place)
	}
	for _, l := range r.lanes {
		r.notes.calls(r.name, l, now)
		l.invited = l.invited[:0]
	}
	if n > 0 { // those who are absent are passed for free
		for _, l := range r.lanes {
			l.line.next()
		}
	}
}

// flow is what decides how many to invite.
func (r *room) flow() queue.Flow {
	fresh := 0
	for _, l := range r.lanes {
		fresh += len(l.called) + len(l.tries)
	}
	return queue.Flow{
		Tokens: r.allowance.Tokens, Rate: r.policy.Rate,
		Free: r.free(0), Ending: r.ending.PerSecond(),
		Yield: r.yield.Value(), Fresh: fresh,
	}
}

// turn is the lane whose turn it is to be called from: of those where somebody
// is present, the one that is furthest behind its share. nil if there is none.
func (r *room) turn() *lane {
	var best *lane
	sum := 0
	for _, l := range r.lanes {
		if l.line.present == 0 {
			l.credit = 0
			continue
		}
		sum += l.weight
		l.credit += l.weight
		if best == nil || l.credit > best.credit {
			best = l
		}
	}
	if best != nil {
		best.credit -= sum
	}
	return best
}

// settle notes how far a lane came, and frees what can no longer claim.
func (r *room) settle(l *lane, now time.Time) {
	clock, within := r.returns, r.policy.ReturnWithin
	if n := len(l.passed.Entries); n > 0 && clock-l.passed.Entries[n-1].At < queue.PassedEvery {
		return
	}
	l.passed.Note(clock, l.line.head, within)
	for _, p := range l.passed.Entries {
		if clock-p.At > within {
			l.gone = max(l.gone, p.Head)
		}
	}
	l.line.drop(l.gone)
	r.notes.passed(r.name, l, within, now)
	l.dirty, r.dirty = true, true
}
