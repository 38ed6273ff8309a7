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

// Unseen is how far time may pass in a room beyond what some node has seen of it.
// Two Syncs may be a second apart each.
const Unseen = 2 * time.Second

// AdvancePresence returns the presence clock of a room whose last Sync was
// elapsed ago, and of which nodes have seen the time seen. It moves by one second at most,
// so that nobody becomes absent while no Sync came through; not beyond seen + [Unseen], so
// that nobody does while no answer comes through; and never back. Where it stands
// still, so do the invitations; the return clock, by which ReturnWithin is counted,
// moves as it does, except while the room is held.
func AdvancePresence(presence, seen, elapsed time.Duration) time.Duration {
	next := presence + min(max(elapsed, 0), time.Second)
	return max(presence, min(next, seen+Unseen))
}

// LostPresence is how long every place that was not called counts as present,
// on the presence clock, after an engine lost its marks.
const LostPresence = 40 * time.Second
