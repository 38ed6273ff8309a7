package queue

import (
	"testing"
	"time"
)

func TestPresenceWindow(t *testing.T) {
	f := func(presence, pollAfter time.Duration, want int64) {
		t.Helper()
		if got := PresenceWindow(presence, pollAfter); got != want {
			t.Errorf("PresenceWindow(%v, %v) = %d, want %d", presence, pollAfter, got, want)
		}
	}
	f(0, 2*time.Second, 0)                           // until 6.8 s
	f(8*time.Second, 2*time.Second, 0)               // until 14.8 s
	f(8200*time.Millisecond, 2*time.Second, 1)       // until 15 s: the next window has begun
	f(0, 30*time.Second, 4)                          // until 74 s
	f(0, 36*time.Second, 5)                          // until 88.4 s
	f(100*time.Hour, 2*time.Second, 24000)           // until 6.8 s into a window
	f(100*time.Hour-time.Second, time.Second, 24000) // until 3.4 s later
}

// A visitor who comes back as told finds its place present, wherever in a
// window it was told.
func TestObedientIsPresent(t *testing.T) {
	for at := time.Duration(0); at < 2*PresenceSpan; at += 100 * time.Millisecond {
		for poll := PollLeast; poll <= PollMost*12/10; poll += 500 * time.Millisecond {
			back := at + poll*12/5 + 2*time.Second
			if w := PresenceWindow(at, poll); w < PresentWindow(back) {
				t.Fatalf("told %v at %v, back at %v: window %d is over", poll, at, back, w)
			}
		}
		if w := FirstPromise(at); w < PresentWindow(at+15*time.Second) {
			t.Fatalf("joined at %v: window %d is over within 15 s", at, w)
		}
	}
}

func TestPresenceClock(t *testing.T) {
	f := func(unseen, elapsed, want time.Duration) {
		t.Helper()
		if got := AdvancePresence(time.Hour, time.Hour-unseen, elapsed); got != time.Hour+want {
			t.Errorf("after %v, %v of it unseen, the clock moves by %v, want %v", elapsed, unseen, got-time.Hour, want)
		}
	}
	f(0, 250*time.Millisecond, 250*time.Millisecond)
	f(0, time.Second, time.Second)
	f(0, time.Hour, time.Second) // an outage makes nobody absent
	f(0, -time.Hour, 0)
	f(time.Second, time.Second, time.Second)
	f(1800*time.Millisecond, time.Second, 200*time.Millisecond) // nobody hears what it says
	f(2*time.Second, time.Second, 0)
	f(time.Minute, time.Second, 0)
}
