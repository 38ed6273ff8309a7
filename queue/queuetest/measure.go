package queuetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// leastShare is the least share of the rate at which sessions began over a
// span, while somebody present waited all the time, and when that span began.
func (s *stage) leastShare(rate float64, span time.Duration) (least float64, when time.Duration) {
	least = 2
	n := int(span / time.Second)
	for i := 0; i+n < len(s.seconds); i++ {
		waited := true
		for _, sec := range s.seconds[i : i+n+1] {
			waited = waited && sec.present > 0
		}
		if !waited {
			continue
		}
		from, to := s.seconds[i], s.seconds[i+n]
		share := float64(to.begun-from.begun) / (rate * (to.at - from.at).Seconds())
		if share < least {
			least, when = share, from.at
		}
	}
	return least, when
}

// begunBetween is how many sessions began between two instants of the scene.
func (s *stage) begunBetween(from, to time.Duration) int64 {
	return s.begunBy(to) - s.begunBy(from)
}

func (s *stage) begunBy(at time.Duration) (n int64) {
	for _, sec := range s.seconds {
		if sec.at <= at {
			n = sec.begun
		}
	}
	return n
}

// idling is the share of slots that were free while somebody present waited.
type idling struct {
	mean, most float64
	seconds    int
}

func (i idling) String() string {
	return fmt.Sprintf("%.4f in the mean, %.4f at most, over %d s", i.mean, i.most, i.seconds)
}

// idle measures the slots that are free while somebody waits, from when the
// room should be full. A slot whose session was ended counts as taken for the
// second in which the end list travels.
func (s *stage) idle(capacity int, from time.Duration) (i idling) {
	for _, sec := range s.seconds {
		if sec.at < from || sec.present == 0 {
			continue
		}
		free := float64(capacity-sec.slots) / float64(capacity)
		i.mean += free
		i.most = max(i.most, free)
		i.seconds++
	}
	i.mean /= float64(max(1, i.seconds))
	return i
}

// inOrder checks B: no one who polled as told was passed as absent.
func (s *stage) inOrder(t *testing.T) {
	t.Helper()
	m := s.watch.rooms[roomName]
	called, inversions, unsure := 0, 0, 0
	for _, v := range s.visitors {
		p := m.places[v.t]
		if v.absent || p == nil || !p.passed || p.left || p.murky {
			continue
		}
		switch p.invited {
		case invited:
			called++
		case skipped:
			inversions++
		default:
			unsure += one(!p.began.Equal(p.at)) // or else its join began its session
		}
	}
	t.Logf("B: %d who polled as told were called in order, %d were passed as absent; of %d it is not known: the engine restarted",
		called, inversions, unsure)
	if inversions > 0 {
		t.Errorf("seed %d: B: %d who polled as told were passed as absent", s.Seed, inversions)
	}
}

// summary says what came of the visitors.
func (s *stage) summary() string {
	var joined, entered, expired, called, skips int
	for _, p := range s.watch.rooms[roomName].places {
		called += one(p.passed && p.invited == invited)
		skips += one(p.passed && p.invited == skipped)
	}
	for _, v := range s.visitors {
		joined += one(v.joined)
		entered += one(v.entered)
		expired += one(v.expired)
	}
	out := fmt.Sprintf("seed %d: %d joined, %d called, %d passed as absent, %d entered, %d expired; %+v",
		s.Seed, joined, called, skips, entered, expired, s.Calls())
	if least, when := s.leastShare(s.Policy.Rate, time.Minute); least < 2 {
		out += fmt.Sprintf("; least share of the rate over a minute: %.4f from %v on", least, when.Round(time.Second))
	}
	return out
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hammer joins, claims, renews, ends and syncs from many goroutines, and
// returns the places given.
func hammer(t *testing.T, e queue.Engine, goroutines, rounds int) (given []int64) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			p := somePolicy()
			for range rounds {
				r, err := e.Step(t.Context(), &queue.Step{Room: roomName, Policy: p, Joins: []queue.Join{{Lane: "public", N: 3}}})
				if err != nil {
					t.Error(err)
					return
				}
				j := r.Joins[0]
				first := queue.Ticket{Lane: "public", Epoch: j.Epoch, Place: j.First}
				mine := []queue.Ticket{first}
				_, err = e.Step(t.Context(), &queue.Step{Room: roomName, Policy: p, Claims: mine, Renew: mine, Looks: mine, Ends: mine})
				if err == nil {
					_, err = e.Sync(t.Context(), &queue.Sync{Room: roomName, Policy: p})
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				given = append(given, j.First, j.First+1, j.First+2)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return given
}
