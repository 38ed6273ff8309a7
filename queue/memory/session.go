package memory

import (
	"cmp"
	"container/heap"
	"slices"
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
	// mostEnds bounds the end list. A session that is ended beyond it keeps its slot until
	// its lease ends, since nodes go on accepting its pass.
	mostEnds = 1 << 16
	cutEvery = time.Second
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
	ended []listed
	seq   int64 // of the last of ended
	cut   time.Time
}

// listed is an entry of the end list, by rising seq.
type listed struct {
	queue.End
	seq int64
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
	s.over++
	s.void(one, now)
	heap.Fix(&s.slots, one.index)
}

// void puts the pass of a session that is over on the end list, if there is room, and
// then has its slot free when the list has travelled.
func (s *sessions) void(one *session, now time.Time) {
	if len(s.ended) >= mostEnds {
		return
	}
	s.seq++
	s.ended = append(s.ended, listed{queue.End{Ticket: one.ticket, Until: one.ends}, s.seq})
	one.frees = earlier(one.ends, now.Add(endTravels))
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
	if now.Sub(s.cut) >= cutEvery {
		s.cut = now
		s.ended = slices.DeleteFunc(s.ended, func(e listed) bool { return !e.Until.After(now) })
	}
}

// since are the entries of the end list after seq; all if seq is not of this run.
func (s *sessions) since(seq int64) []queue.End {
	if seq > s.seq {
		seq = 0
	}
	from, _ := slices.BinarySearchFunc(s.ended, seq+1, func(e listed, seq int64) int { return cmp.Compare(e.seq, seq) })
	var out []queue.End
	for _, e := range s.ended[from:] {
		out = append(out, e.End)
	}
	return out
}
