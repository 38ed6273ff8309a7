package queue

import (
	"testing"
	"time"
)

func TestNextEpoch(t *testing.T) {
	f := func(epoch, want int64) {
		t.Helper()
		if got := NextEpoch(epoch, time.Unix(1000, 5e8)); got != want {
			t.Errorf("after epoch %d comes %d, want %d", epoch, got, want)
		}
	}
	f(0, 1000)
	f(999, 1000)
	f(1000, 1001) // twice in a second
	f(5000, 5001) // the clock was ahead once
}

// The head passes one place a second; entries are tried every 250 ms.
func TestPassedToWithinTenSeconds(t *testing.T) {
	const within = 10 * time.Minute
	var p Passed
	for at := time.Duration(0); at <= time.Hour; at += 250 * time.Millisecond {
		head := int64(at / time.Second)
		p.Note(at, head, within)
		if len(p.Entries) > int(within/PassedEvery)+2 {
			t.Fatalf("%d entries", len(p.Entries))
		}
		for _, ago := range []int64{0, 1, 9, 10, 11, 300, 599} {
			place := head - ago
			if place < 1 {
				continue
			}
			was, got := time.Duration(place)*time.Second, p.When(place, at)
			if got < was || got > was+PassedEvery || got > at {
				t.Fatalf("at %v: place %d was passed at %v, told %v", at, place, was, got)
			}
		}
		if old := head - 700; old > 0 && at-p.When(old, at) <= within {
			t.Fatalf("at %v: place %d may still return", at, old)
		}
	}
}

func TestPassedBeforeTheFirstEntry(t *testing.T) {
	var p Passed
	p.Note(time.Minute, 5000, time.Minute) // a restart: nothing is known from before
	if got := p.When(17, 65*time.Second); got != time.Minute {
		t.Errorf("passed at %v, want the first entry's time", got)
	}
	if got := p.When(5001, 65*time.Second); got != 65*time.Second {
		t.Errorf("passed at %v, want now", got)
	}
}

func TestPace(t *testing.T) {
	var p Pace
	if p.PerSecond() != 0 {
		t.Errorf("a new pace is %v", p.PerSecond())
	}
	at := 0.0
	run := func(seconds, perSecond float64) {
		for end := at + seconds; at < end; at += 0.25 {
			p.Add(after(at), perSecond/4, 10*time.Second)
		}
	}
	near := func(want float64) {
		t.Helper()
		if got := p.PerSecond(); got < want*0.95 || got > want*1.05 {
			t.Errorf("at %v s the pace is %v, want %v", at, got, want)
		}
	}
	run(1, 50)
	near(50) // at once, not after a warm-up
	run(10, 50)
	near(50)
	run(60, 200)
	near(200)
	p.Add(after(-600), 1000, 10*time.Second) // the clock jumps back
	near(200)
	p.Add(after(-599.75), 50, 10*time.Second)
	near(200)
}

func TestMeanOf(t *testing.T) {
	var m MeanOf
	if m.Value() != 0 {
		t.Errorf("a new mean is %v", m.Value())
	}
	m.Add(time.Minute)
	if m.Value() != time.Minute {
		t.Errorf("the mean of a minute is %v", m.Value())
	}
	m.Add(3 * time.Minute)
	if d := m.Value() - 2*time.Minute; d < -time.Second || d > time.Second {
		t.Errorf("the mean of 1 and 3 min is %v", m.Value())
	}
	for range 1000 {
		m.Add(10 * time.Second)
	}
	if d := m.Value() - 10*time.Second; d < 0 || d > time.Second {
		t.Errorf("after a thousand of 10 s the mean is %v", m.Value())
	}
}
