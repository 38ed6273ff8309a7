package memory

import (
	"bytes"

	"github.com/dealgate/dealgate/queue"
)

// What the byte of a place says. Above the head any other value is the last
// presence window the place promised, see windowCode; at or below it, where
// promises no longer count, absent is a place that may still return.
const (
	absent  = 0
	taken   = 254 // its session began
	givenUp = 255

	windowCodes = 250
)

// windowsAhead is how far ahead of the present a promise may reach. A mark
// beyond it comes from a node that has another run in mind.
const windowsAhead = 16

// windowCode is the byte of a presence window. Bytes of windows that ended are
// cleared long before the code comes round again, see [line.forget].
func windowCode(window int64) uint8 { return uint8(window%windowCodes) + 1 }

func isWindow(b uint8) bool { return b != absent && b <= windowCodes }

// line keeps one byte for each place of a lane from the oldest that may still
// claim up to the tail: what a million visitors cost is a million bytes.
type line struct {
	head, tail int64
	present    int64 // in (head, tail]
	first      int64 // number of blocks[0]: it holds the places (first*BlockSize, (first+1)*BlockSize]
	blocks     []*[queue.BlockSize]uint8
	counts     []uint16 // by block, the present above the head
}

// at returns the index of a place's block and its byte; nil if it is not kept.
func (l *line) at(place int64) (int64, *uint8) {
	if place < 1 || place > l.tail {
		return 0, nil
	}
	i := (place-1)/queue.BlockSize - l.first
	if i < 0 || i >= int64(len(l.blocks)) {
		return 0, nil
	}
	return i, &l.blocks[i][(place-1)%queue.BlockSize]
}

// jump raises the tail without making the new places present: nobody is known
// to hold them.
func (l *line) jump(tail int64) {
	if len(l.blocks) == 0 {
		l.first = l.head / queue.BlockSize
	}
	for (l.first+int64(len(l.blocks)))*queue.BlockSize < tail {
		l.blocks = append(l.blocks, new([queue.BlockSize]uint8))
		l.counts = append(l.counts, 0)
	}
	l.tail = max(l.tail, tail)
}

// extend gives n places at the tail, present until the end of window, and
// returns the first of them.
func (l *line) extend(n, window int64) (first int64) {
	first, code := l.tail+1, windowCode(window)
	l.jump(l.tail + n)
	for place := first; place <= l.tail; {
		i, _ := l.at(place)
		end := min(l.tail, (l.first+i+1)*queue.BlockSize)
		s := l.blocks[i][(place-1)%queue.BlockSize : (end-1)%queue.BlockSize+1]
		for j := range s {
			s[j] = code
		}
		l.counts[i] += uint16(len(s))
		place = end + 1
	}
	l.present += n
	return first
}

// mark makes a place above the head present until the end of window. It reports
// whether the place had been absent.
func (l *line) mark(place, window, now int64) (back bool) {
	if place <= l.head || window < now || window > now+windowsAhead {
		return false
	}
	i, s := l.at(place)
	code := windowCode(window)
	switch {
	case s == nil || *s == taken || *s == givenUp:
		return false
	case *s == absent:
		l.counts[i]++
		l.present++
		back = true
	case ahead(*s, windowCode(now)) >= ahead(code, windowCode(now)):
		return false // it promised as much already
	}
	*s = code
	return back
}

// ahead is how many windows the code a is ahead of the code b, going round.
func ahead(a, b uint8) int { return (int(a) - int(b) + windowCodes) % windowCodes }

// forget makes absent whose promise ended with window, and returns how many.
func (l *line) forget(window int64) (gone int64) {
	code := windowCode(window)
	for i, b := range l.blocks {
		if l.counts[i] == 0 {
			continue
		}
		s := b[max(0, l.head-(l.first+int64(i))*queue.BlockSize):]
		for at := bytes.IndexByte(s, code); at >= 0; at = bytes.IndexByte(s, code) {
			s[at] = absent
			s = s[at+1:]
			l.counts[i]--
			gone++
		}
	}
	l.present -= gone
	return gone
}

// grace makes every place in (from, tail] present until the end of window,
// unless it is spent: nobody knows who of them is there.
func (l *line) grace(from, window int64) {
	code := windowCode(window)
	for place := max(from, l.head) + 1; place <= l.tail; place++ {
		i, s := l.at(place)
		if *s == absent {
			l.counts[i]++
			l.present++
		}
		if *s == absent || isWindow(*s) {
			*s = code
		}
	}
}

// spend makes a place taken or givenUp. It reports whether it had been waiting
// and present.
func (l *line) spend(place int64, what uint8) (waited bool) {
	i, s := l.at(place)
	if s == nil {
		return false
	}
	if place > l.head && isWindow(*s) {
		l.counts[i]--
		l.present--
		waited = true
	}
	*s = what
	return waited
}

// next moves the head over absentees to the next present place, and past it,
// and returns that place; or to the tail and returns 0 if nobody is present.
func (l *line) next() int64 {
	if l.present == 0 {
		l.head = l.tail
		return 0
	}
	for {
		i, s := l.at(l.head + 1)
		if l.counts[i] == 0 { // leap: nobody in this block
			l.head = (l.first + i + 1) * queue.BlockSize
			continue
		}
		l.head++
		if l.pass(i, s) {
			return l.head
		}
	}
}

// raise moves the head up to a place, whoever is present on the way.
func (l *line) raise(head int64) {
	for l.head < head && l.head < l.tail {
		l.head++
		i, s := l.at(l.head)
		l.pass(i, s)
	}
}

// pass clears the promise of the place the head just reached, and reports
// whether there was one.
func (l *line) pass(i int64, s *uint8) (present bool) {
	if !isWindow(*s) {
		return false
	}
	*s = absent
	l.counts[i]--
	l.present--
	return true
}

// drop frees the blocks whose places are all at or below place, which the head
// has passed.
func (l *line) drop(place int64) {
	n := min(place/queue.BlockSize-l.first, int64(len(l.blocks)))
	if n <= 0 {
		return
	}
	clear(l.blocks[:n])
	l.blocks, l.counts = l.blocks[n:], l.counts[n:]
	l.first += n
}

// view returns the present by block, as [queue.LaneView] has them.
func (l *line) view() (first int64, blocks []uint16) {
	number := l.head / queue.BlockSize
	if l.head == l.tail {
		return number + 1, nil
	}
	return number + 1, append([]uint16(nil), l.counts[number-l.first:]...)
}
