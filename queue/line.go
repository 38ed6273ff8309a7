package queue

// line is the line of one lane as a node knows it, prepared for being asked
// for every poll. It is immutable.
type line struct {
	lane              string
	weight            float64
	epoch, head, tail int64

	from, to int64 // the count covers (from, to]
	first    int64 // number of the first block, from 1
	blocks   []uint16
	sums     []int64 // sums[i]: counted in blocks[:i]

	passed  int64 // counted up to the head
	waiting int64 // present behind the head
}

// newLine sums up the blocks of v.
func newLine(v LaneView, weight int) line {
	l := line{
		lane: v.Lane, weight: float64(max(weight, 1)), epoch: v.Epoch,
		from: v.From, to: max(v.To, v.From), first: v.First, blocks: v.Blocks,
		sums: make([]int64, len(v.Blocks)+1),
	}
	for i, n := range v.Blocks {
		lo, hi := l.covered(i)
		l.sums[i+1] = l.sums[i] + min(int64(n), max(0, hi-lo))
	}
	return l.at(v.Head, v.Tail)
}

// at returns l with another head and tail.
func (l line) at(head, tail int64) line {
	l.head, l.tail = head, max(head, tail)
	l.passed = l.counted(l.head)
	l.waiting = l.counted(l.tail) - l.passed
	return l
}

// covered returns the places (lo, hi] that the count of block i is about.
func (l *line) covered(i int) (lo, hi int64) {
	end := (l.first + int64(i)) * BlockSize
	return max(l.from, end-BlockSize), min(l.to, end)
}

// counted returns how many of (from, place] are present. Inside a block the present
// are taken to be spread evenly, so it is exact when nobody is absent; behind the
// count everybody is taken to be present: they joined since. It never falls as place rises.
func (l *line) counted(place int64) int64 {
	if place <= l.from {
		return 0
	}
	n := l.sums[len(l.blocks)]
	if place > l.to {
		return n + place - l.to
	}
	i := int((place-1)/BlockSize + 1 - l.first)
	switch { // of a count with holes
	case i < 0:
		return 0
	case i >= len(l.blocks):
		return n
	}
	lo, hi := l.covered(i)
	return l.sums[i] + (l.sums[i+1]-l.sums[i])*(place-lo)/(hi-lo)
}

// ahead returns the present between the head and place.
func (l *line) ahead(place int64) int64 {
	return max(0, l.counted(place-1)-l.passed)
}
