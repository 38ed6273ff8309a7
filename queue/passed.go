package queue

import "time"

// NextEpoch returns the epoch that a reset at now starts. Seconds make it
// higher than any epoch a lost store can have given.
func NextEpoch(epoch int64, now time.Time) int64 { return max(epoch+1, now.Unix()) }

// PassedEvery is the time between the entries of [Passed].
const PassedEvery = 10 * time.Second

// HeadAt says that the head had passed Head at a time of the return clock, see [AdvancePresence].
type HeadAt struct {
	At   time.Duration
	Head int64
}

// Passed tells when a place was passed, to within [PassedEvery]. Its entries are in
// rising order of both fields.
type Passed struct{ Entries []HeadAt }

// Note records the head at a time of the return clock, if it is time for the
// next entry, and drops the entries that are of no use any more to tell who was
// passed within the given time.
func (p *Passed) Note(at time.Duration, head int64, within time.Duration) {
	n := len(p.Entries)
	if n > 0 && at-p.Entries[n-1].At < PassedEvery {
		return
	}
	p.Entries = append(p.Entries, HeadAt{at, head})
	// One that is too old stays: it says who was passed before the next.
	old := 0
	for old+1 < len(p.Entries) && at-p.Entries[old+1].At > within {
		old++
	}
	if old > 0 {
		p.Entries = append(p.Entries[:0], p.Entries[old:]...)
	}
}

// When returns when a place that the head has passed by the time now was
// passed: at most PassedEvery later than it was, never earlier, so that
// nobody loses time. For places passed before the first entry it is that entry's time.
func (p *Passed) When(place int64, now time.Duration) time.Duration {
	lo, hi := 0, len(p.Entries)
	for lo < hi {
		if mid := (lo + hi) / 2; p.Entries[mid].Head < place {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(p.Entries) {
		return now
	}
	return p.Entries[lo].At
}
