package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// RunLive proves what depends on time on a clock that nobody can set: each
// decision is judged by what the ledger's clock showed before and after it.
func RunLive(t *testing.T, open Open) {
	t.Run("I17 OpensAndCloses", func(t *testing.T) { liveWindow(&sale{T: t, Ledger: open(t), deal: dealID()}) })
	t.Run("I9 HoldEnds", func(t *testing.T) { liveHolds(&sale{T: t, Ledger: open(t), deal: dealID()}) })
}

// liveWindow buys from before a window opens until after it has closed.
func liveWindow(s *sale) {
	now := s.put(backend.Terms{Total: 1 << 20}).Now
	opens, closes := now.Add(50*time.Millisecond), now.Add(150*time.Millisecond)
	before := s.put(backend.Terms{Total: 1 << 20, OpensAt: opens, ClosesAt: closes}).Now
	var early, bought, late int
	for late == 0 {
		_, err := s.Reserve(s.Context(), s.ask("a"))
		after := s.levels().Now
		switch {
		case errors.Is(err, backend.ErrNotOpen) && before.Before(opens):
			early++
		case err == nil && !after.Before(opens) && before.Before(closes):
			bought++
		case errors.Is(err, backend.ErrEnded) && !after.Before(closes):
			late++
		default:
			s.Fatalf("between %v and %v: %v; open from %v until %v", before, after, err, opens, closes)
		}
		before = after
	}
	if early == 0 || bought == 0 {
		s.Errorf("%d early, %d bought", early, bought)
	}
	s.left(1<<20-int64(bought), int64(bought), 0)
}

// liveHolds confirms holds, one after the other, as their time ends, while
// others sweep.
func liveHolds(s *sale) {
	const units = 600
	s.put(backend.Terms{Total: units})
	holds := make([]backend.Hold, units)
	for i := range holds {
		r := s.ask("a")
		r.Hold = 200 * time.Millisecond
		holds[i] = s.hold(r)
	}
	stop := s.watch()
	var sold, lapsed int64
	before := s.levels().Now
	for i, h := range holds {
		for i > 0 && i%10 == 0 && before.Before(h.Expires.Add(-2*time.Millisecond)) {
			before = s.levels().Now // walk along the edge
		}
		err := s.Confirm(s.Context(), s.deal, h.Order)
		after := s.levels().Now
		switch {
		case err == nil && before.Before(h.Expires):
			sold++
		case errors.Is(err, backend.ErrLapsed) && !after.Before(h.Expires):
			lapsed++
		default:
			s.Fatalf("confirmed between %v and %v: %v; the hold ended at %v", before, after, err, h.Expires)
		}
		before = after
	}
	stop()
	if sold == 0 || lapsed == 0 {
		s.Logf("%d sold, %d lapsed: the edge was not met", sold, lapsed)
	}
	s.left(units-sold, 0, sold)
}
