package queue

import "time"

// ReserveFor is how long after a returner was refused ordinary claims leave room
// for returners.
const ReserveFor = 2 * time.Minute

// Reserve is what ordinary claims leave for those who come back to a place
// that was passed: a tab in the background polls once a minute, and would find
// every token taken for ever. The zero Reserve holds nothing back.
type Reserve struct {
	Refused time.Time // when a returner was last refused; zero: never
}

// Refuse notes that a returner was refused at now.
func (r *Reserve) Refuse(now time.Time) { r.Refused = now }

func (r *Reserve) held(now time.Time) bool {
	return !r.Refused.IsZero() && now.Sub(r.Refused) < ReserveFor
}

// Tokens returns how many tokens an ordinary claim must leave at now: fewer than burst.
func (r *Reserve) Tokens(now time.Time, burst int) int {
	if !r.held(now) {
		return 0
	}
	return min(8, burst/2)
}

// Slots returns how many slots an ordinary claim must leave at now: never all of them.
func (r *Reserve) Slots(now time.Time, capacity int) int {
	if !r.held(now) || capacity <= 0 {
		return 0
	}
	return min(8, max(1, capacity/20), capacity-1)
}
