package memory

import (
	"math/rand/v2"
	"testing"

	"github.com/dealgate/dealgate/queue"
)

// naive is a line as one would write it down: a map from place to the last
// window promised.
type naive struct {
	head, tail int64
	window     map[int64]int64
	spent      map[int64]uint8
}

func (n *naive) present(from, to, now int64) (count int64) {
	for place := max(from, n.head+1); place <= min(to, n.tail); place++ {
		if w, ok := n.window[place]; ok && w >= now && n.spent[place] == 0 {
			count++
		}
	}
	return count
}

func (n *naive) next(now int64) int64 {
	for n.head < n.tail {
		n.head++
		if w, ok := n.window[n.head]; ok && w >= now && n.spent[n.head] == 0 {
			return n.head
		}
	}
	return 0
}

// TestLineAgreesWithItsModel plays random histories on a line and on a map.
func TestLineAgreesWithItsModel(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var l line
		n := naive{window: map[int64]int64{}, spent: map[int64]uint8{}}
		now := int64(0)
		for range 150 {
			switch rng.IntN(8) {
			case 0:
				count, w := rng.Int64N(3000)+1, now+rng.Int64N(6)
				first := l.extend(count, w)
				if first != n.tail+1 {
					t.Fatalf("seed %d: first place %d, want %d", seed, first, n.tail+1)
				}
				for range count {
					n.tail++
					n.window[n.tail] = w
				}
			case 1, 2:
				for range 200 {
					place, w := rng.Int64N(n.tail+2), now+rng.Int64N(8)-1
					l.mark(place, w, now)
					if place > n.head && place <= n.tail && w >= now {
						if had, ok := n.window[place]; !ok || had < w {
							n.window[place] = w
						}
					}
				}
			case 3:
				l.forget(now)
				now++
			case 4, 5:
				for range rng.IntN(500) {
					if got, want := l.next(), n.next(now); got != want {
						t.Fatalf("seed %d: next is %d, want %d", seed, got, want)
					}
				}
			case 6:
				for range 20 {
					place, what := rng.Int64N(n.tail+1)+1, []uint8{taken, givenUp}[rng.IntN(2)]
					if place > n.tail || place <= n.head {
						continue
					}
					l.spend(place, what)
					n.spent[place] = what
				}
			case 7:
				to := n.head + rng.Int64N(50)
				l.raise(to)
				n.head = max(n.head, min(to, n.tail))
				l.drop(n.head - 100)
			}
			if l.head != n.head || l.tail != n.tail {
				t.Fatalf("seed %d: line is (%d, %d], want (%d, %d]", seed, l.head, l.tail, n.head, n.tail)
			}
			if got, want := l.present, n.present(0, n.tail, now); got != want {
				t.Fatalf("seed %d: %d present, want %d", seed, got, want)
			}
			first, blocks := l.view()
			for i, got := range blocks {
				end := (first + int64(i)) * queue.BlockSize
				if want := n.present(end-queue.BlockSize+1, end, now); int64(got) != want {
					t.Fatalf("seed %d: block %d has %d present, want %d", seed, first+int64(i), got, want)
				}
			}
		}
	}
}
