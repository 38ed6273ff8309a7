package memory

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// notes gathers what must be on disk before the replies that say it. The
// engine's mutex guards them. Those of an engine without a folder stay empty.
type notes struct {
	on     bool
	writes []write
}

// write is one statement of the journal and its arguments.
type write struct {
	what statement
	args []any
	sync bool // the loss of power must not take it back
}

func (n *notes) add(what statement, args ...any) {
	n.writes = append(n.writes, write{what: what, args: args})
}

// session notes a session as it is now.
func (n *notes) session(room string, s *session) {
	if !n.on {
		return
	}
	state := placeTaken
	switch {
	case s.over:
		state = placeOver
	case s.provisional:
		state = placeProvisional
	}
	t := s.ticket
	n.add(putPlace, room, t.Lane, t.Epoch, t.Place, state, s.started.UnixNano(), s.ends.UnixNano())
}

// left notes a place that was given up.
func (n *notes) left(room string, t queue.Ticket) {
	if n.on {
		n.add(putPlace, room, t.Lane, t.Epoch, t.Place, placeLeft, 0, 0)
	}
}

// calls notes the invitations of a lane by one Sync.
func (n *notes) calls(room string, l *lane, now time.Time) {
	if !n.on || len(l.invited) == 0 {
		return
	}
	var places []byte
	last := int64(0)
	for _, place := range l.invited {
		places = binary.AppendUvarint(places, uint64(place-last))
		last = place
	}
	n.add(putCalls, room, l.name, l.epoch, now.UnixNano(), last, places)
}

// passed notes the head for the time it says who was passed when, and drops
// what can no longer be asked for.
func (n *notes) passed(room string, l *lane, within time.Duration, now time.Time) {
	if !n.on {
		return
	}
	entries := l.passed.Entries
	last := entries[len(entries)-1]
	n.add(putPassed, room, l.name, l.epoch, int64(last.At), last.Head)
	n.add(cutPassed, room, l.name, l.epoch, int64(entries[0].At))
	n.add(cutCalls, room, l.name, now.Add(-within-time.Minute).UnixNano())
	n.add(cutPlaces, room, l.name, now.UnixNano(), l.epoch, l.gone)
}

// state is what a room's row keeps as one JSON object.
type state struct {
	Clock     time.Time
	Presence  time.Duration
	Returns   time.Duration
	Overrides queue.Overrides
	Allowance queue.Allowance
	Burst     int
	Reserve   queue.Reserve
	Yield     queue.Yield
	Stay      queue.MeanOf
}

// room notes the rows of the room and its lanes that changed; the tail and the
// marks of presence alone are not worth a write, except with a Sync.
func (n *notes) room(r *room, now time.Time, sync bool) {
	if !n.on {
		return
	}
	for _, l := range r.lanes {
		if l.dirty || l.line.head != l.rowHead || sync && l.line.tail != l.rowTail {
			n.add(putLane, r.name, l.name, l.weight, l.epoch, l.line.head, l.line.tail, l.mark, l.gone)
			n.writes[len(n.writes)-1].sync = l.mark > l.rowMark || l.epoch != l.rowEpoch
			l.dirty, l.rowHead, l.rowTail, l.rowMark, l.rowEpoch = false, l.line.head, l.line.tail, l.mark, l.epoch
		}
	}
	if !r.dirty {
		return
	}
	r.dirty = false
	text, err := json.Marshal(state{now, r.presence, r.returns, r.over, r.allowance, r.policy.Burst, r.reserve, r.yield, r.stay})
	if err == nil { // numbers and texts: it cannot fail
		n.add(putRoom, r.name, string(text))
	}
}
