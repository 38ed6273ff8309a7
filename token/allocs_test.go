//go:build !race

package token

import "testing"

// TestAppendAllocates: what the cache keeps, and next to nothing else.
func TestAppendAllocates(t *testing.T) {
	k := ring(t, hs256("2026-11"))
	c, raw := waiting(), make([]byte, 0, 1024)
	n := testing.AllocsPerRun(1000, func() {
		c.Place++
		if _, err := k.Append(raw, &c); err != nil {
			t.Fatal(err)
		}
	})
	if n > 3 {
		t.Errorf("%v allocations, want at most 3", n)
	}
}
