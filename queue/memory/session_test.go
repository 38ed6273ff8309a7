package memory

import (
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// TestTheEndListIsBounded: whoever is ended beyond that holds a slot as long as its pass is good.
func TestTheEndListIsBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := sessions{by: map[queue.Ticket]*session{}}
	begin := func(place int64, lasts time.Duration) *session {
		one := &session{ticket: queue.Ticket{Lane: "public", Epoch: 1, Place: place}, started: now, ends: now.Add(lasts), frees: now.Add(lasts)}
		s.add(one)
		return one
	}
	long := begin(1, 24*time.Hour)
	s.end(long, now)
	for place := range int64(mostEnds + 99) {
		s.end(begin(place+2, time.Minute), now)
	}
	if len(s.ended) != mostEnds || s.over != len(s.slots) {
		t.Errorf("%d on the list, %d of %d slots are over", len(s.ended), s.over, len(s.slots))
	}
	listed := map[queue.Ticket]bool{}
	for _, e := range s.since(0) {
		listed[e.Ticket] = true
	}
	free := func(at time.Time) (n int) {
		now = at
		for range mostEnds {
			s.expire(at, func(one *session) {
				n++
				if !listed[one.ticket] && one.ends.After(at) {
					t.Fatalf("D: the slot of %v is free, and its pass is good", one.ticket)
				}
			})
		}
		return n
	}
	if n := free(now.Add(endTravels)); n != mostEnds {
		t.Errorf("%d slots are free when the list has travelled, want %d", n, mostEnds)
	}
	seq := s.seq
	// The first of the list lasts for long: those behind it are cut all the same.
	if n := free(now.Add(time.Minute)); n != 100 || len(s.ended) != 1 {
		t.Errorf("%d more slots are free, and %d are on the list", n, len(s.ended))
	}
	s.end(begin(1e6, time.Hour), now)
	if got := s.since(seq); len(got) != 1 || got[0].Ticket.Place != 1e6 {
		t.Errorf("after the last seen come %v", got)
	}
	if got := s.since(seq + 1e9); len(got) != 2 {
		t.Errorf("of another run: %v", got)
	}
}
