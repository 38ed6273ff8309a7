package memory

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// load reads the rooms back as the journal has them, and the latest time of
// the engine they knew.
func (j *journal) load(run string, wall time.Time, n *notes) (rooms map[string]*room, now time.Time, err error) {
	rooms, now = map[string]*room{}, wall
	err = j.each(`SELECT room, state FROM rooms`, func(row *sql.Rows) error {
		var name, text string
		if err := row.Scan(&name, &text); err != nil {
			return err
		}
		var s state
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return fmt.Errorf("the state of room %q: %w", name, err)
		}
		r := newRoom(name, run, wall, n)
		r.over, r.allowance, r.reserve, r.yield, r.stay = s.Overrides, s.Allowance, s.Reserve, s.Yield, s.Stay
		r.presence, r.seen, r.returns = s.Presence, s.Presence, s.Returns
		r.policy.Rate, r.policy.Burst = s.Allowance.Rate, s.Burst
		rooms[name], now = r, later(now, s.Clock)
		return nil
	})
	if err == nil {
		err = j.loadLanes(rooms)
	}
	if err == nil {
		err = j.loadPlaces(rooms, now)
	}
	for _, r := range rooms {
		if !r.allowance.At.IsZero() { // the next policy's burst is not that of the time gone by
			r.allowance.Refill(now, r.policy.Rate, r.policy.Burst)
		}
		for _, l := range r.lanes {
			l.line.grace(l.line.head, queue.PresentWindow(r.presence+queue.LostPresence))
		}
	}
	return rooms, now, err
}

func (j *journal) loadLanes(rooms map[string]*room) error {
	err := j.each(`SELECT room, lane, weight, epoch, head, mark, gone FROM lanes`, func(row *sql.Rows) error {
		var room, name string
		var weight int
		var epoch, head, mark, gone int64
		if err := row.Scan(&room, &name, &weight, &epoch, &head, &mark, &gone); err != nil {
			return err
		}
		r := rooms[room]
		if r == nil {
			return fmt.Errorf("lane %q of room %q, which is not there", name, room)
		}
		l := newLane(name, epoch)
		l.weight, l.mark, l.gone, l.rowHead, l.rowMark, l.rowEpoch = weight, mark, gone, head, mark, epoch
		l.line.head, l.line.tail = gone, gone // nobody asks for what was passed before
		l.line.jump(mark)
		l.line.raise(head)
		r.lanes = append(r.lanes, l)
		return nil
	})
	if err != nil {
		return err
	}
	return j.each(`SELECT room, lane, epoch, at, head FROM passed ORDER BY at`, func(row *sql.Rows) error {
		var room, name string
		var epoch int64
		var p queue.HeadAt
		if err := row.Scan(&room, &name, &epoch, &p.At, &p.Head); err != nil {
			return err
		}
		if l := laneOf(rooms, room, name, epoch); l != nil {
			l.passed.Entries = append(l.passed.Entries, p)
		}
		return nil
	})
}

// loadPlaces puts back what became of places, and the sessions that live.
func (j *journal) loadPlaces(rooms map[string]*room, now time.Time) error {
	return j.each(`SELECT room, lane, epoch, place, state, started, ends FROM places ORDER BY ends`, func(row *sql.Rows) error {
		var room, what string
		var t queue.Ticket
		var started, ends int64
		if err := row.Scan(&room, &t.Lane, &t.Epoch, &t.Place, &what, &started, &ends); err != nil {
			return err
		}
		if l := laneOf(rooms, room, t.Lane, t.Epoch); l != nil && what == placeLeft {
			l.line.spend(t.Place, givenUp)
		} else if l != nil {
			l.line.spend(t.Place, taken)
		}
		r := rooms[room]
		if r == nil || what == placeLeft {
			return nil
		}
		one := &session{
			ticket: t, started: time.Unix(0, started).UTC(), ends: time.Unix(0, ends).UTC(),
			provisional: what == placeProvisional, over: what == placeOver,
		}
		one.frees = one.ends
		if !one.ends.After(now) {
			return nil
		}
		if one.over {
			r.sessions.void(one, now)
		}
		r.sessions.add(one)
		return nil
	})
}

func laneOf(rooms map[string]*room, room, name string, epoch int64) *lane {
	r := rooms[room]
	if r == nil {
		return nil
	}
	if l := r.lane(name); l != nil && l.epoch == epoch {
		return l
	}
	return nil
}

// each calls read with every row of a query.
func (j *journal) each(query string, read func(*sql.Rows) error) error {
	rows, err := j.db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
