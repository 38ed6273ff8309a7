package queue

import (
	"sync"
	"time"
)

// pruneEvery is the time between two sweeps of the end list.
const pruneEvery = 10 * time.Second

// endList holds the places whose passes are void before their time. It is
// asked for every pass.
type endList struct {
	mu     sync.RWMutex // guards all below
	until  map[Ticket]time.Time
	pruned time.Time
}

func (l *endList) has(t Ticket) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.until) == 0 {
		return false
	}
	_, ok := l.until[t]
	return ok
}

// add takes over entries, and now and then drops those whose passes have ended by themselves.
func (l *endList) add(ends []End, now time.Time) {
	if len(ends) == 0 && now.Sub(l.pruned) < pruneEvery { // only the caller writes pruned
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[Ticket]time.Time{}
	}
	for _, e := range ends {
		if e.Until.After(now) {
			l.until[e.Ticket] = e.Until
		}
	}
	if now.Sub(l.pruned) < pruneEvery {
		return
	}
	l.pruned = now
	for t, until := range l.until {
		if !until.After(now) {
			delete(l.until, t)
		}
	}
}
