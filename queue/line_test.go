package queue

import (
	"math/rand/v2"
	"testing"
)

// count makes the View of a lane as an engine does: recounted at (from, to],
// with head and tail moved on since.
func count(present func(int64) bool, from, to, head, tail int64) LaneView {
	v := LaneView{Lane: "public", Epoch: 1, Head: head, Tail: tail, From: from, To: to, First: from/BlockSize + 1}
	for p := from + 1; p <= to; p++ {
		for int64(len(v.Blocks)) <= (p-1)/BlockSize+1-v.First {
			v.Blocks = append(v.Blocks, 0)
		}
		if present(p) {
			v.Blocks[len(v.Blocks)-1]++
			v.Present++
		}
	}
	return v
}

func TestAheadIsExactWhenNobodyIsAbsent(t *testing.T) {
	all := func(int64) bool { return true }
	f := func(from, to, head, tail int64) {
		t.Helper()
		l := newLine(count(all, from, to, head, tail), 1)
		for p := head + 1; p <= tail+10; p++ {
			if got := l.ahead(p); got != p-head-1 {
				t.Fatalf("place %d is behind %d, want %d", p, got, p-head-1)
			}
		}
		if l.waiting != tail-head {
			t.Errorf("%d wait, want %d", l.waiting, tail-head)
		}
	}
	f(0, 0, 0, 0)
	f(0, 0, 0, 5000) // never counted
	f(0, 5000, 0, 5000)
	f(700, 5000, 700, 5000)
	f(1024, 4096, 1024, 4096)
	f(1023, 4097, 1023, 4097)
	f(700, 5000, 1500, 5000) // the head moved since
	f(700, 5000, 700, 9000)  // and the tail
	f(700, 5000, 4900, 9000)
	f(700, 5000, 6000, 9000) // over all that was counted
	f(700, 710, 705, 712)
}

func TestAheadIsExactToABlock(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		here := make([]bool, 12000)
		share := rnd.Float64()
		for i := range here {
			here[i] = rnd.Float64() < share
		}
		from := rnd.Int64N(3000)
		to := from + rnd.Int64N(8000)
		l := newLine(count(func(p int64) bool { return here[p] }, from, to, from, to), 1)
		ahead := int64(0)
		for p := from + 1; p <= to; p++ {
			if d := l.ahead(p) - ahead; d < -BlockSize || d > BlockSize {
				t.Fatalf("place %d in (%d, %d]: %d ahead, counted %d", p, from, to, ahead, l.ahead(p))
			}
			if p%BlockSize == 0 && l.ahead(p+1) != ahead+ones(here[p]) {
				t.Fatalf("at the end of a block, place %d: %d, want %d", p+1, l.ahead(p+1), ahead+ones(here[p]))
			}
			ahead += ones(here[p])
		}
		if l.waiting != ahead {
			t.Fatalf("%d wait, counted %d", ahead, l.waiting)
		}
	}
}

func ones(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// A visitor's number never rises while the head moves, and never falls with
// the place.
func TestAheadIsMonotone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	here := make([]bool, 12000)
	for i := range here {
		here[i] = rnd.IntN(3) > 0
	}
	l := newLine(count(func(p int64) bool { return here[p] }, 500, 8000, 500, 8000), 1)
	before := make([]int64, 10001)
	for i := range before {
		before[i] = 1 << 40
	}
	for head := int64(500); head < 9000; head += 1 + rnd.Int64N(300) {
		m := l.at(head, 9500)
		last := int64(0)
		for p := int64(1); p <= 10000; p++ {
			got := m.ahead(p)
			if got < last || got > before[p] || p <= head && got != 0 {
				t.Fatalf("head %d: place %d has %d ahead, its neighbour %d, before %d", head, p, got, last, before[p])
			}
			last, before[p] = got, got
		}
	}
}

// What an engine may get wrong must not make a node panic.
func TestAheadOfABrokenCount(t *testing.T) {
	f := func(v LaneView) {
		t.Helper()
		l := newLine(v, 0)
		for p := int64(-5); p < 5000; p += 7 {
			if got := l.ahead(p); got < 0 {
				t.Errorf("place %d has %d ahead", p, got)
			}
		}
	}
	f(LaneView{Head: 10, Tail: 5, From: 7, To: 3})
	f(LaneView{Tail: 5000, From: 100, To: 4000})
	f(LaneView{Tail: 5000, From: 100, To: 4000, First: 3, Blocks: []uint16{9}})
	f(LaneView{Tail: 5000, From: 100, To: 4000, First: -3, Blocks: []uint16{9, 65535}})
	f(LaneView{Tail: 5000, First: 1, Blocks: []uint16{9, 9, 9}})
}
