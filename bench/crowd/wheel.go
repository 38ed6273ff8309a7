package crowd

// A wheel holds when each visitor is due, in milliseconds since the start, and
// keeps the order of coming within one. Adding and taking cost the same
// however many it holds.
type wheel struct {
	first, last []int32 // of those due in a slot, a millisecond modulo the number of slots; -1: none
	next        []int32 // by visitor, the one due after it in its slot
	due         []int64 // by visitor
	now         int64   // nobody is due before this millisecond
	held        int
}

// horizon is the number of slots. Who is due later than that goes round again.
const horizon = 1 << 17

func newWheel(visitors int) *wheel {
	w := &wheel{first: make([]int32, horizon), last: make([]int32, horizon),
		next: make([]int32, visitors), due: make([]int64, visitors)}
	for i := range w.first {
		w.first[i] = -1
	}
	return w
}

// add makes a visitor due. A visitor is in the wheel once.
func (w *wheel) add(v int32, due int64) {
	w.due[v] = due
	w.held++
	w.put(v)
}

func (w *wheel) put(v int32) {
	slot := max(w.due[v], w.now) % horizon
	w.next[v] = -1
	if w.first[slot] < 0 {
		w.first[slot] = v
	} else {
		w.next[w.last[slot]] = v
	}
	w.last[slot] = v
}

// take returns a visitor due by now, or -1.
func (w *wheel) take(now int64) int32 {
	for ; w.held > 0 && w.now <= now; w.now++ {
		slot := w.now % horizon
		// Only those who stand there now: who is put back comes behind them.
		for last := w.last[slot]; w.first[slot] >= 0; {
			v := w.first[slot]
			w.first[slot] = w.next[v]
			if w.due[v] <= w.now {
				w.held--
				return v
			}
			w.put(v)
			if v == last {
				break
			}
		}
	}
	return -1
}

// soonest returns a time before which nobody is due, at most a second from now.
func (w *wheel) soonest(now int64) int64 {
	for ms := w.now; ms < now+1000; ms++ {
		if w.first[ms%horizon] >= 0 {
			return ms
		}
	}
	return now + 1000
}
