package queue

import "time"

// PresenceSpan is the length of a presence window. Window w is the span
// [w·PresenceSpan, (w+1)·PresenceSpan) of the presence clock.
const PresenceSpan = 15 * time.Second

// PresenceWindow returns the window until whose end a place is present whose
// visitor was told, at the given presence time, to come back in pollAfter: the window
// in which twice that and a fifth, and 2 s for the way, are over.
func PresenceWindow(presence, pollAfter time.Duration) int64 {
	return int64((presence + pollAfter*12/5 + 2*time.Second) / PresenceSpan)
}

// FirstPromise returns the window until whose end a place is present that is
// given at the given presence time, before its visitor was told when to come back.
func FirstPromise(presence time.Duration) int64 {
	return int64((presence + PresenceSpan) / PresenceSpan)
}

// PresentWindow returns the first window that is not over at the given
// presence time: a place is present if it is marked in this one or a later one.
func PresentWindow(presence time.Duration) int64 {
	return int64(presence / PresenceSpan)
}

// AdvancePresence returns the presence clock of a room whose last Sync was
// elapsed ago. It moves by one second at most, so that nobody becomes absent
// while no Sync came through, and never back.
func AdvancePresence(presence, elapsed time.Duration) time.Duration {
	return presence + min(max(elapsed, 0), time.Second)
}

// LostPresence is how long every place that was not called counts as present,
// on the presence clock, after an engine lost its marks.
const LostPresence = 40 * time.Second
