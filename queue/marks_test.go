package queue

import (
	"runtime"
	"testing"
)

// take returns the next marks that are due, and their number.
func (m *marker) take(most int) (n int, all []Marks) {
	ms, _ := m.next(nil, most)
	for _, l := range ms {
		n += len(l.Marks)
	}
	return n, ms
}

func TestMarkOncePerWindow(t *testing.T) {
	var m marker
	f := func(epoch, place, window int64, want int) {
		t.Helper()
		m.mark(Ticket{"public", epoch, place}, window)
		n, ms := m.take(MaxMarks)
		if n != want {
			t.Errorf("place %d, window %d: %d marks due, want %d", place, window, n, want)
		}
		m.confirm(ms)
	}
	f(1, 7, 3, 1)
	f(1, 7, 3, 0)
	f(1, 7, 2, 0) // it is present for longer
	f(1, 7, 4, 1)
	f(1, 8, 3, 1)
	f(1, 1<<40, 3, 1)
	f(1, 7, 4+5760, 1) // a day later
	f(2, 7, 3, 1)      // a reset
	f(1, 7, 9999, 0)   // of an epoch that is over
	m.forget()
	f(2, 7, 3, 1) // the engine may have lost it
	m.passed("public", 2, 5000)
	f(2, 4000, 3, 0) // the head is past it
	f(2, 5001, 3, 1)
}

func TestMarksStayDueUntilConfirmed(t *testing.T) {
	var m marker
	for p := range int64(10000) {
		m.mark(Ticket{"public", 1, p + 1}, 1)
		m.mark(Ticket{"members", 1, p + 1}, 1)
	}
	seen := map[Ticket]int{}
	for i := 0; ; i++ {
		n, ms := m.take(MaxMarks)
		if n > MaxMarks {
			t.Fatalf("%d marks in one Sync", n)
		}
		if n == 0 {
			break
		}
		if i%3 == 1 {
			continue // this Sync failed
		}
		for _, l := range ms {
			for _, mk := range l.Marks {
				seen[Ticket{l.Lane, l.Epoch, mk.Place}]++
			}
		}
		m.mark(Ticket{"public", 1, 20000 + int64(i)}, 1) // they keep coming meanwhile
		m.confirm(ms)
		if i > 20 {
			break
		}
	}
	for p := range int64(10000) {
		for _, lane := range []string{"public", "members"} {
			if n := seen[Ticket{lane, 1, p + 1}]; n != 1 {
				t.Fatalf("place %d of %s was marked %d times", p+1, lane, n)
			}
		}
	}
}

func TestMarksTakeFewBytes(t *testing.T) {
	const places = 1 << 20
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	var m marker
	before := heap()
	for p := range int64(places) {
		m.mark(Ticket{"public", 1, p + 1}, 1)
		if p%MaxMarks == 0 {
			_, ms := m.take(MaxMarks)
			m.confirm(ms)
		}
	}
	if per := float64(heap()-before) / places; per > 3 {
		t.Errorf("%.2f bytes a place, want at most 3", per)
	}
	m.passed("public", 1, places)
	if left := len(m.lanes[0].told); left > 1 {
		t.Errorf("%d chunks left behind the head", left)
	}
	runtime.KeepAlive(&m)
}

// Marks that arrive during each Sync keep those that were confirmed from being all: they
// are let go all the same.
func TestConfirmedMarksAreLetGo(t *testing.T) {
	var m marker
	place := int64(0)
	add := func(n int) {
		for range n {
			place++
			m.mark(Ticket{"public", 1, place}, 1)
		}
	}
	add(100)
	for range 1000 {
		sent, _ := m.next(nil, MaxMarks)
		first, n := sent[0].Marks[0].Place, len(sent[0].Marks)
		add(100)
		m.confirm(sent)
		if sent[0].Marks[0].Place != first {
			t.Fatal("what was sent is overwritten")
		}
		if l := m.lanes[0]; len(l.due)-l.sent != 100 || cap(l.due) > 1000 {
			t.Fatalf("after %d were confirmed: %d of %d due, room for %d", n, len(l.due)-l.sent, len(l.due), cap(l.due))
		}
	}
}
