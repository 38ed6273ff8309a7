package memory

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// room is one waiting room. The engine's mutex guards it.
type room struct {
	name   string
	run    string
	policy queue.Policy // of the request being served, with the overrides before it
	over   queue.Overrides

	allowance queue.Allowance
	sessions  sessions
	reserve   queue.Reserve
	yield     queue.Yield

	presence time.Duration
	seen     time.Duration // of presence, by some node
	synced   time.Time     // when the presence clock last moved
	returns  time.Duration // the return clock
	swept    time.Time     // when stale invitations were last looked for
	lanes    []*lane       // those of the policy first, in its order

	entered, ending, leaving queue.Pace
	stay                     queue.MeanOf
	count                    counts

	notes *notes
	dirty bool // the room's row on disk is behind
}

// counts are what happened since the engine started, and, with a small letter,
// since the paces were last told.
type counts struct {
	Begun, Abandoned   int64
	begun, ended, gone int64
}

// lane is one line of a room.
type lane struct {
	name   string
	weight int
	credit int // in the round robin of invitations
	epoch  int64
	line   line
	called map[int64]call      // the fresh invitations
	tries  map[int64]time.Time // when a returner last tried
	passed queue.Passed
	gone   int64 // the last place that expired; it stays so, whatever ReturnWithin becomes

	mark    int64 // on disk: after a crash places are given from here on
	chunk   int64 // by how much the mark was last moved ahead
	marked  time.Time
	paced   time.Time // when the tail was pacedAt
	pacedAt int64
	invited []int64 // by the Sync that is being served

	dirty            bool // the lane's row on disk is behind
	rowHead, rowTail int64
	rowMark          int64
	rowEpoch         int64
}

// call is a fresh invitation.
type call struct{ at, tried time.Time }

func newRoom(name, run string, now time.Time, n *notes) *room {
	return &room{
		name: name, run: run, notes: n,
		sessions: sessions{by: map[queue.Ticket]*session{}, seq: now.UnixMicro()},
	}
}

func newLane(name string, epoch int64) *lane {
	return &lane{name: name, epoch: epoch, called: map[int64]call{}, tries: map[int64]time.Time{}}
}

// under puts a request's policy in force: the overrides go before it, lanes it
// names are made, and those it no longer names drain behind the others.
func (r *room) under(p queue.Policy, now time.Time) {
	p = r.over.Over(p)
	if p.Rate != r.policy.Rate || p.Burst != r.policy.Burst {
		r.dirty = true // the allowance on disk would grow by what was in force before
	}
	r.policy = p
	r.allowance.Refill(now, p.Rate, p.Burst)
	r.order(p.Lanes, now)
}

// order brings the lanes into the order of the policy.
func (r *room) order(want []queue.Lane, now time.Time) {
	for i, w := range want {
		l := r.lane(w.Name)
		if l == nil {
			l = newLane(w.Name, r.epoch(now))
			l.dirty = true
			r.lanes = append(r.lanes, l)
		}
		if l.weight != max(1, w.Weight) {
			l.weight, l.dirty = max(1, w.Weight), true
		}
		for at := range r.lanes { // a handful, nearly always in order
			if r.lanes[at] == l && at != i {
				copy(r.lanes[i+1:at+1], r.lanes[i:at])
				r.lanes[i] = l
			}
		}
	}
}

func (r *room) lane(name string) *lane {
	for _, l := range r.lanes {
		if l.name == name {
			return l
		}
	}
	return nil
}

// epoch is the room's, or its first.
func (r *room) epoch(now time.Time) int64 {
	if len(r.lanes) == 0 {
		return queue.NextEpoch(0, now)
	}
	epoch := int64(0)
	for _, l := range r.lanes {
		epoch = max(epoch, l.epoch)
	}
	return epoch
}

// reset starts the next epoch. Sessions stay.
func (r *room) reset(now time.Time) {
	epoch := queue.NextEpoch(r.epoch(now), now)
	for _, l := range r.lanes {
		l.restart(epoch)
	}
}

// restart empties a lane for a new epoch.
func (l *lane) restart(epoch int64) {
	*l = lane{name: l.name, weight: l.weight, epoch: epoch, dirty: true,
		called: map[int64]call{}, tries: map[int64]time.Time{}}
}

// floor raises the lanes to what a node has seen. The places in between may be
// held by visitors the engine knows nothing of: they count as present for a while.
func (r *room) floor(f queue.Floor) {
	for _, f := range f.Lanes {
		l := r.lane(f.Lane)
		if l == nil || f.Epoch < l.epoch {
			continue
		}
		if f.Epoch > l.epoch {
			l.restart(f.Epoch)
		}
		if tail := l.line.tail; f.Tail > tail {
			l.line.jump(f.Tail)
			l.line.grace(tail, queue.PresentWindow(r.presence+queue.LostPresence))
			l.dirty = true
		}
		if f.Head > l.line.head {
			l.line.raise(f.Head)
			l.dirty = true
		}
	}
}

// free is how many slots a claim may take if keep of them must stay free.
func (r *room) free(keep int) int {
	return queue.FreeSlots(r.policy.Capacity, len(r.sessions.slots), keep)
}

// begin starts the session of a place.
func (r *room) begin(l *lane, place int64, now time.Time, provisional bool) *session {
	ttl := r.policy.SessionTTL
	if provisional {
		ttl = min(ttl, provisionalFor)
	}
	one := &session{
		ticket:  queue.Ticket{Lane: l.name, Epoch: l.epoch, Place: place},
		started: now, ends: lease(now, now, ttl, r.policy.SessionMax), provisional: provisional,
	}
	one.frees = one.ends
	l.line.spend(place, taken)
	r.sessions.add(one)
	r.count.Begun++
	r.count.begun++
	r.notes.session(r.name, one)
	r.dirty = true
	return one
}

// expire lets leases and the slots of ended sessions go.
func (r *room) expire(now time.Time) {
	r.sessions.expire(now, func(one *session) {
		r.count.ended++
		r.stay.Add(one.frees.Sub(one.started))
	})
}

// left counts n present places that went before they were called.
func (r *room) left(n int64) {
	r.count.gone += n
	r.count.Abandoned += n
}

// standing tells where a place stands, and its lane if it may still claim.
func (r *room) standing(t queue.Ticket, now time.Time) (queue.Outcome, *lane) {
	if one := r.sessions.by[t]; one != nil {
		o := queue.Outcome{Standing: queue.Claimed}
		if one.lives(now) {
			o.Ends, o.Provisional = one.ends, one.provisional
		}
		return o, nil
	}
	l := r.lane(t.Lane)
	if l == nil || t.Epoch != l.epoch {
		return queue.Outcome{Standing: queue.Expired}, nil
	}
	_, s := l.line.at(t.Place)
	switch {
	case s == nil || *s == givenUp:
		return queue.Outcome{Standing: queue.Expired}, nil
	case *s == taken:
		return queue.Outcome{Standing: queue.Claimed}, nil
	case t.Place <= l.gone:
		return queue.Outcome{Standing: queue.Expired}, nil
	case t.Place > l.line.head:
		return queue.Outcome{Standing: queue.Waiting}, l
	case l.fresh(t.Place, now):
		return queue.Outcome{Standing: queue.Called}, l
	case r.returns-l.passed.When(t.Place, r.returns) > r.policy.ReturnWithin:
		return queue.Outcome{Standing: queue.Expired}, nil
	}
	return queue.Outcome{Standing: queue.Returned}, l
}

// fresh reports whether a place has a fresh invitation.
func (l *lane) fresh(place int64, now time.Time) bool {
	c, ok := l.called[place]
	return ok && queue.Fresh(now, c.at, c.tried)
}
