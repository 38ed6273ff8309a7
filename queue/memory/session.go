package memory

import (
	"container/heap"
	"time"

	"github.com/dealgate/dealgate/queue"
)

const (
	// provisionalFor is the lease of a session that its join began, until its
	// pass came back once: a client that keeps no cookies holds a slot no longer.
	provisionalFor = 30 * time.Second
	// endTravels is how long the slot of a session that ended before its lease
	// stays taken: by then every node has the end list.
	endTravels = time.Second
)

// session is an admitted visitor's stay, from its claim until its slot is free.
type session struct {
	ticket      queue.Ticket
	started     time.Time
	ends        time.Time // of the lease, and of the last pass signed for it
	frees       time.Time // when its slot is free; ends, or earlier if it is over
	provisional bool
	over        bool // ended before its lease
	index       int  // in slots
}

// lives reports whether the lease runs at now.
func (s *session) lives(now time.Time) bool { return !s.over && now.Before(s.ends) }

// lease is the end of a lease of ttl from now for a session begun at started.
// It is a whole second, so that a pass and its lease end together.
func lease(now, started time.Time, ttl, most time.Duration) time.Time {
	ends := now.Add(ttl)
	if most > 0 {
		ends = earlier(ends, started.Add(most))
	}
	return ends.Truncate(time.Second)
}

// slots are the sessions that hold a slot, the first to free it first.
type slots []*session

func (h slots) Len() int           { return len(h) }
func (h slots) Less(i, j int) bool { return h[i].frees.Before(h[j].frees) }
func (h slots) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *slots) Push(x any) {
	s := x.(*session)
	s.index = len(*h)
	*h = append(*h, s)
}
func (h *slots) Pop() any {
	old := *h
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return s
}

// sessions are a room's, with the list of those that ended before their time.
type sessions struct {
	by    map[queue.Ticket]*session
	slots slots
	over  int // of slots: held only until the end list has travelled
	ended []queue.End
	seq   int64 // of the last of ended
}

func (s *sessions) add(one *session) {
	s.by[one.ticket] = one
	heap.Push(&s.slots, one)
	if one.over {
		s.over++
	}
}

// prolong moves the lease of a session to ends, unless that would shorten it:
// the pass it has could outlive it.
func (s *sessions) prolong(one *session, ends time.Time) {
	if ends.After(one.ends) {
		one.ends, one.frees = ends, ends
		heap.Fix(&s.slots, one.index)
	}
}

// end ends a session before its lease.
func (s *sessions) end(one *session, now time.Time) {
	one.over = true
	one.frees = earlier(one.ends, now.Add(endTravels))
	heap.Fix(&s.slots, one.index)
	s.over++
	s.void(queue.End{Ticket: one.ticket, Until: one.ends})
}

// void puts a pass on the end list.
func (s *sessions) void(e queue.End) {
	s.seq++
	s.ended = append(s.ended, e)
}

// expire frees the slots whose time has come, at most queue.MaxExpiries, and
// calls each with their sessions.
func (s *sessions) expire(now time.Time, each func(*session)) {
	for n := 0; n < queue.MaxExpiries && len(s.slots) > 0 && !s.slots[0].frees.After(now); n++ {
		one := heap.Pop(&s.slots).(*session)
		delete(s.by, one.ticket)
		if one.over {
			s.over--
		}
		each(one)
	}
	keep := 0 // the list is in order of ending, not of Until: only its beginning is cut
	for keep < len(s.ended) && !s.ended[keep].Until.After(now) {
		keep++
	}
	s.ended = s.ended[keep:]
}

// since are the entries of the end list after seq; all if seq is not of this run.
func (s *sessions) since(seq int64) []queue.End {
	n := s.seq - seq
	if n < 0 || n > int64(len(s.ended)) {
		n = int64(len(s.ended))
	}
	return append([]queue.End(nil), s.ended[int64(len(s.ended))-n:]...)
}
