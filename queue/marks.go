package queue

import (
	"slices"
	"sync"
)

// marker gathers the presence marks a node owes its engine: at most one for
// a place and window.
type marker struct {
	mu    sync.Mutex // guards all below
	lanes []*laneMarks
}

// laneMarks are the marks of one lane in one epoch.
type laneMarks struct {
	lane  string
	epoch int64
	floor int64 // chunks below are dropped
	told  map[int64]*chunk
	due   []Mark
	sent  int // of due, confirmed
}

// A chunk holds for each of 1,024 places the last window marked: the low 16
// bits of the window's successor, 0 if none. That is two bytes a place, and
// enough to compare windows that are less than five days apart.
type chunk [BlockSize]uint16

// mark owes the engine a mark, unless the place is marked for this window or a later one.
func (m *marker) mark(t Ticket, window int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.laneLocked(t.Lane, t.Epoch)
	if l == nil || t.Place/BlockSize < l.floor {
		return
	}
	c := l.told[t.Place/BlockSize]
	if c == nil {
		c = new(chunk)
		l.told[t.Place/BlockSize] = c
	}
	last, next := c[t.Place%BlockSize], uint16(window+1)
	if last != 0 && int16(next-last) <= 0 {
		return
	}
	c[t.Place%BlockSize] = next
	l.due = append(l.due, Mark{Place: t.Place, Window: window})
}

// laneLocked returns the marks of a lane; nil for an epoch that is over.
func (m *marker) laneLocked(lane string, epoch int64) *laneMarks {
	for i, l := range m.lanes {
		switch {
		case l.lane != lane:
			continue
		case l.epoch < epoch:
			m.lanes[i] = &laneMarks{lane: lane, epoch: epoch, told: map[int64]*chunk{}}
		case l.epoch > epoch:
			return nil
		}
		return m.lanes[i]
	}
	m.lanes = append(m.lanes, &laneMarks{lane: lane, epoch: epoch, told: map[int64]*chunk{}})
	return m.lanes[len(m.lanes)-1]
}

// next appends the marks to send next to dst, at most most, and returns how many are due
// in all. They stay due until confirmed.
func (m *marker) next(dst []Marks, most int) ([]Marks, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	due := 0
	for _, l := range m.lanes {
		ms := l.due[l.sent:]
		due += len(ms)
		if n := min(len(ms), most); n > 0 {
			dst = append(dst, Marks{Lane: l.lane, Epoch: l.epoch, Marks: ms[:n:n]})
			most -= n
		}
	}
	return dst, due
}

// confirm forgets marks that next returned and the engine has.
func (m *marker) confirm(sent []Marks) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range sent {
		for _, l := range m.lanes {
			if l.lane != s.Lane || l.epoch != s.Epoch {
				continue
			}
			if l.sent += len(s.Marks); l.sent > len(l.due)/2 {
				l.due, l.sent = slices.Clone(l.due[l.sent:]), 0 // the engine may still read what was sent
			}
		}
	}
}

// passed drops what is known of places that the head has passed.
func (m *marker) passed(lane string, epoch, head int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.laneLocked(lane, epoch)
	if l == nil || head/BlockSize <= l.floor {
		return
	}
	l.floor = head / BlockSize
	for i := range l.told {
		if i < l.floor {
			delete(l.told, i)
		}
	}
}

// forget drops everything: another run of the engine may have lost its marks, so each
// place is marked anew.
func (m *marker) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lanes = nil
}
