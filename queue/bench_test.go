package queue

import (
	"strconv"
	"testing"
	"time"
)

// polled is a room with a million waiting, as it is after a Sync. No engine is asked.
func polled(t testing.TB) (*Room, Ticket) {
	r := room(t, newScript())
	v := &View{Now: time.Now(), Rate: 50, Leaving: 0.001, Lanes: []LaneView{
		count(func(p int64) bool { return p%2 == 0 }, 1000, 1<<20, 1000, 1<<20),
	}}
	for p := range int64(1000) {
		v.Ended = append(v.Ended, End{Ticket{"public", 1, p}, v.Now.Add(time.Hour)})
	}
	r.learnView(v, r.View(), time.Now())
	// As parsed from a token: not the string the room holds.
	return r, Ticket{Lane: "publi" + strconv.Itoa(0)[:0] + string([]byte{'c'}), Epoch: 1, Place: 700001}
}

// poll is what a poll asks of a room.
func poll(t testing.TB, r *Room, ticket Ticket) {
	o, err := r.Look(t.Context(), ticket)
	if err != nil || o.Standing != Waiting {
		t.Fatal(o, err)
	}
	e := r.Estimate(ticket)
	d := r.PollAfter(e)
	r.Promise(ticket, d)
	if r.Ended(ticket) || e.Ahead < 340000 || d != 30*time.Second || r.Now().IsZero() || r.Away() {
		t.Fatal(e, d)
	}
}

func TestPollAllocatesNothing(t *testing.T) {
	r, ticket := polled(t)
	poll(t, r, ticket)
	if n := testing.AllocsPerRun(1000, func() { poll(t, r, ticket) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPoll(b *testing.B) {
	r, ticket := polled(b)
	b.ReportAllocs()
	for b.Loop() {
		poll(b, r, ticket)
	}
}

func BenchmarkEstimate(b *testing.B) {
	r, ticket := polled(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Estimate(ticket)
	}
}

func BenchmarkEnded(b *testing.B) {
	r, ticket := polled(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Ended(ticket)
	}
}

// Marks of places all over the line.
func BenchmarkPromise(b *testing.B) {
	r, ticket := polled(b)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		ticket.Place = 1001 + i*7919%1000000
		r.Promise(ticket, 30*time.Second)
	}
}

// What a node does with the answer to a Sync, a million waiting.
func BenchmarkLearnView(b *testing.B) {
	r, _ := polled(b)
	v := *r.View()
	b.ReportAllocs()
	for b.Loop() {
		r.learnView(&v, r.View(), time.Now())
	}
}
