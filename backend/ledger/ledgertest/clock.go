package ledgertest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// RunClock proves what depends on time, to the millisecond, on a fake clock:
// open is called in a [synctest] bubble, and the ledger must take its time
// from there.
func RunClock(t *testing.T, open Open) {
	for name, law := range map[string]func(*sale){
		"I17 OpensAndCloses":       window,
		"I9 HoldEnds":              holdEnds,
		"LapsedOnce":               lapsedOnce,
		"LapsedLimitComesBack":     lapsedLimit,
		"SweepsAreBounded":         sweepsAreBounded,
		"I8 KeyLivesADay":          keyLife,
		"RandomHistoryAsTheModel":  history,
		"ReleasedAfterItsTime":     releasedLate,
		"ConfirmedIsNeverSwept":    confirmedNeverSwept,
		"ReplayDoesNotProlongHold": replayNoLonger,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(300 * time.Microsecond) // no law needs a clock on a whole millisecond
				law(&sale{T: t, Ledger: open(t), deal: dealID()})
			})
		})
	}
}

// until sleeps to an instant of the ledger's clock.
func (s *sale) until(at time.Time) {
	s.Helper()
	time.Sleep(time.Until(at))
}

func window(s *sale) {
	opens := time.Now().Truncate(time.Millisecond).Add(time.Hour)
	closes := opens.Add(time.Hour)
	s.put(backend.Terms{Total: 10, OpensAt: opens, ClosesAt: closes})
	s.until(opens.Add(-time.Millisecond))
	s.refused(s.ask("a"), backend.ErrNotOpen)
	s.until(opens)
	s.hold(s.ask("a"))
	s.until(closes.Add(-time.Millisecond))
	h := s.hold(s.ask("a"))
	s.until(closes)
	s.refused(s.ask("a"), backend.ErrEnded)
	s.confirm(h.Order, nil) // a hold outlives the window
	s.left(9, 0, 1)
}

func holdEnds(s *sale) {
	f := func(after time.Duration, sweep bool, want error) {
		s.Helper()
		s.deal = dealID()
		s.put(backend.Terms{Total: 10})
		h := s.hold(s.ask("a"))
		if d := h.Expires.Sub(h.Created); d != 5*time.Minute {
			s.Errorf("the hold lasts %v", d)
		}
		s.until(h.Expires.Add(after))
		if sweep {
			s.levels()
		}
		s.confirm(h.Order, want)
		s.confirm(h.Order, want)
		if want == nil {
			s.left(9, 0, 1)
		} else {
			s.left(10, 0, 0)
		}
	}
	for _, sweep := range []bool{false, true} {
		f(-time.Millisecond, sweep, nil)
		f(0, sweep, backend.ErrLapsed)
		f(time.Millisecond, sweep, backend.ErrLapsed)
	}
}

func lapsedOnce(s *sale) {
	s.put(backend.Terms{Total: 10})
	h := s.hold(s.ask("a"))
	s.until(h.Expires.Add(-time.Millisecond))
	s.left(9, 1, 0)
	s.until(h.Expires)
	atOnce(20, func(i int) {
		switch i % 3 {
		case 0:
			s.levels()
		case 1:
			s.confirm(h.Order, backend.ErrLapsed)
		case 2:
			s.release(h.Order, false)
		}
	})
	s.left(10, 0, 0)
}

func lapsedLimit(s *sale) {
	s.put(backend.Terms{Total: 10, PerBuyer: 1})
	h := s.hold(s.ask("a"))
	s.refused(s.ask("a"), backend.ErrLimit)
	s.until(h.Expires)
	s.left(10, 0, 0)
	h = s.hold(s.ask("a"))
	s.until(h.Expires)
	s.confirm(h.Order, backend.ErrLapsed)
	s.hold(s.ask("a"))
	s.left(9, 1, 0)
}

func sweepsAreBounded(s *sale) {
	s.put(backend.Terms{Total: 2 * backend.SweepMax})
	var last backend.Hold
	for range backend.SweepMax + 5 {
		last = s.hold(s.ask("a"))
	}
	s.until(last.Expires)
	s.left(2*backend.SweepMax-5, 5, 0)
	s.left(2*backend.SweepMax, 0, 0)
}

func keyLife(s *sale) {
	s.put(backend.Terms{Total: 10, PerBuyer: 1})
	bought, left := s.ask("a"), s.ask("b")
	h := s.hold(bought)
	s.confirm(h.Order, nil)
	s.hold(left)
	s.until(h.Created.Add(backend.KeyLife - time.Minute))
	s.levels()
	if again := s.hold(bought); !again.Replayed || again.Order != h.Order {
		s.Errorf("after 23 h 59 min: %+v", again)
	}
	if again := s.hold(left); !again.Replayed || !again.Gone {
		s.Errorf("after 23 h 59 min: %+v", again)
	}
	s.until(h.Created.Add(backend.KeyLife + time.Millisecond))
	s.levels()
	bought.Order, left.Order = "o2"+bought.Order, "o2"+left.Order
	s.refused(bought, backend.ErrLimit)
	if h := s.hold(left); h.Replayed {
		s.Errorf("after 24 h: %+v", h)
	}
	s.left(8, 1, 1)
}

func releasedLate(s *sale) {
	s.put(backend.Terms{Total: 10})
	h := s.hold(s.ask("a"))
	s.until(h.Expires.Add(time.Hour))
	s.release(h.Order, false)
	s.left(10, 0, 0)
	s.release(h.Order, false)
	s.left(10, 0, 0)
}

func confirmedNeverSwept(s *sale) {
	s.put(backend.Terms{Total: 10})
	h := s.hold(s.ask("a"))
	s.confirm(h.Order, nil)
	s.until(h.Expires.Add(48 * time.Hour))
	s.left(9, 0, 1)
	s.confirm(h.Order, nil)
	s.release(h.Order, true)
	s.left(9, 0, 1)
}

func replayNoLonger(s *sale) {
	s.put(backend.Terms{Total: 10})
	r := s.ask("a")
	h := s.hold(r)
	s.until(h.Expires.Add(-time.Millisecond))
	if again := s.hold(r); !again.Expires.Equal(h.Expires) || again.Gone {
		s.Errorf("replayed as %+v, it was %+v", again, h)
	}
	s.until(h.Expires)
	s.left(10, 0, 0)
}
