package memory

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestClockGoesByItself: the wall clock counts once, when the engine starts.
func TestClockGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(stored time.Duration) {
			t.Helper()
			start := time.Now()
			c := clock{last: start.Add(stored).Round(0)}
			first := c.now()
			if want := start.Add(max(0, stored)); !first.Equal(want) {
				t.Errorf("an engine that had known %v starts %v off", stored, first.Sub(want))
			}
			time.Sleep(3 * time.Second)
			c.last = c.last.Add(-time.Hour) // as though the wall clock had been set on by an hour
			if took := c.now().Sub(first) + time.Hour; took != 3*time.Second {
				t.Errorf("3 s take %v", took)
			}
		}
		f(-time.Hour)
		f(0)
		f(time.Hour) // never back
	})
}
