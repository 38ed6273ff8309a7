package ledgertest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dealgate/dealgate/backend"
)

func putAgain(s *sale) {
	s.put(backend.Terms{Total: 10})
	s.confirm(s.hold(s.ask("a")).Order, nil)
	s.hold(s.ask("b"))
	s.put(backend.Terms{Total: 10})
	s.left(8, 1, 1)
}

func putDifference(s *sale) {
	s.put(backend.Terms{Total: 10})
	s.confirm(s.hold(s.ask("a")).Order, nil)
	s.hold(s.ask("b"))
	s.put(backend.Terms{Total: 15})
	s.left(13, 1, 1)
	s.put(backend.Terms{Total: 2})
	s.left(0, 1, 1)
	if _, err := s.Put(s.Context(), backend.Terms{Deal: s.deal, Total: 1}); !errors.Is(err, backend.ErrBelowSold) {
		s.Errorf("stock below what is sold and reserved: %v", err)
	}
	s.left(0, 1, 1)
}

func putSold(s *sale) {
	s.put(backend.Terms{Total: 10, Sold: 7})
	s.left(3, 0, 7)
	s.put(backend.Terms{Total: 10, Sold: 5})
	s.left(3, 0, 7)
}

func refusals(s *sale) {
	s.refused(s.ask("a"), backend.ErrNoDeal)
	if _, err := s.Sweep(s.Context(), s.deal); !errors.Is(err, backend.ErrNoDeal) {
		s.Errorf("Sweep = %v, want %v", err, backend.ErrNoDeal)
	}
	hour := time.Hour
	s.put(backend.Terms{Total: 0, OpensAt: time.Now().Add(hour)})
	s.refused(s.ask("a"), backend.ErrNotOpen)
	s.put(backend.Terms{Total: 0, ClosesAt: time.Now().Add(-hour)})
	s.refused(s.ask("a"), backend.ErrEnded)
	s.put(backend.Terms{Total: 2, PerBuyer: 2})
	one := s.hold(s.ask("a"))
	two := s.ask("a")
	two.Units = 2
	s.refused(two, backend.ErrLimit)
	two.Buyer = "b"
	s.refused(two, backend.ErrNotEnough)
	s.put(backend.Terms{Total: 1, PerBuyer: 2})
	s.refused(two, backend.ErrSoldOut)
	s.confirm(one.Order, nil)
	s.left(0, 0, 1)
}

func oversold(s *sale) {
	const buyers, units = 400, 90
	s.put(backend.Terms{Total: units})
	stop := s.watch()
	var held, refused atomic.Int64
	atOnce(buyers, func(i int) {
		_, err := s.Reserve(s.Context(), s.ask(fmt.Sprint("b", i)))
		switch {
		case err == nil:
			held.Add(1)
		case errors.Is(err, backend.ErrSoldOut):
			refused.Add(1)
		default:
			s.Error(err)
		}
	})
	if stop() == 0 {
		s.Error("the levels were never looked at")
	}
	if held.Load() != units || refused.Load() != buyers-units {
		s.Errorf("%d held and %d refused, want %d and %d", held.Load(), refused.Load(), units, buyers-units)
	}
	s.left(0, units, 0)
}

// levelsAddUp reserves, confirms and releases, several times each and all at
// once, while the levels are watched.
func levelsAddUp(s *sale) {
	const buyers, units = 200, 300
	s.put(backend.Terms{Total: units})
	stop := s.watch()
	var sold atomic.Int64
	atOnce(buyers, func(i int) {
		r := s.ask(fmt.Sprint("b", i%20))
		r.Units = int64(1 + i%3)
		h, err := s.Reserve(s.Context(), r)
		if errors.Is(err, backend.ErrSoldOut) || errors.Is(err, backend.ErrNotEnough) {
			return
		}
		if err != nil {
			s.Error(err)
			return
		}
		if i%2 == 0 {
			s.confirm(h.Order, nil)
			s.confirm(h.Order, nil)
			sold.Add(r.Units)
		} else {
			s.release(h.Order, false)
			s.release(h.Order, false)
		}
	})
	stop()
	s.left(units-sold.Load(), 0, sold.Load())
}

func limit(s *sale) {
	s.put(backend.Terms{Total: 5000, PerBuyer: 2})
	var held atomic.Int64
	atOnce(1000, func(int) {
		_, err := s.Reserve(s.Context(), s.ask("one"))
		if err == nil {
			held.Add(1)
		} else if !errors.Is(err, backend.ErrLimit) {
			s.Error(err)
		}
	})
	if held.Load() != 2 {
		s.Errorf("%d units, the limit is 2", held.Load())
	}
	s.left(4998, 2, 0)
	s.hold(s.ask("another"))
}

func limitUnits(s *sale) {
	s.put(backend.Terms{Total: 100, PerBuyer: 5})
	r := s.ask("a")
	r.Units = 6
	s.refused(r, backend.ErrLimit)
	r.Units = 3
	h := s.hold(r)
	r = s.ask("a")
	r.Units = 3
	s.refused(r, backend.ErrLimit)
	s.confirm(h.Order, nil)
	s.refused(r, backend.ErrLimit) // what is sold counts
	r.Units = 2
	s.hold(r)
	s.left(95, 2, 3)
}

func limitComesBack(s *sale) {
	s.put(backend.Terms{Total: 10, PerBuyer: 1})
	h := s.hold(s.ask("a"))
	s.refused(s.ask("a"), backend.ErrLimit)
	s.release(h.Order, false)
	s.release(h.Order, false)
	s.hold(s.ask("a"))
	s.refused(s.ask("a"), backend.ErrLimit)
}

func releasedOnce(s *sale) {
	s.put(backend.Terms{Total: 3, PerBuyer: 3})
	r := s.ask("a")
	r.Units = 2
	h := s.hold(r)
	atOnce(50, func(int) { s.release(h.Order, false) })
	s.left(3, 0, 0)
	s.confirm(h.Order, backend.ErrLapsed)
	s.left(3, 0, 0)
}

func confirmedStays(s *sale) {
	s.put(backend.Terms{Total: 3})
	h := s.hold(s.ask("a"))
	atOnce(50, func(int) { s.confirm(h.Order, nil) })
	s.left(2, 0, 1)
	s.release(h.Order, true)
	s.release(h.Order, true)
	s.left(2, 0, 1)
}

func nothingHeld(s *sale) {
	s.put(backend.Terms{Total: 3})
	s.confirm("nobody", backend.ErrLapsed)
	s.release("nobody", false)
	s.left(3, 0, 0)
}

func restock(s *sale) {
	s.put(backend.Terms{Total: 1})
	s.hold(s.ask("a"))
	var held atomic.Int64
	atOnce(100, func(i int) {
		if i == 50 {
			s.put(backend.Terms{Total: 11})
		}
		for range 20 {
			if _, err := s.Reserve(s.Context(), s.ask("b")); err == nil {
				held.Add(1)
			} else if !errors.Is(err, backend.ErrSoldOut) {
				s.Error(err)
			}
		}
	})
	for range 10 - held.Load() {
		s.hold(s.ask("c"))
	}
	s.refused(s.ask("d"), backend.ErrSoldOut)
	s.left(0, 11, 0)
}

func apart(s *sale) {
	s.put(backend.Terms{Total: 1, PerBuyer: 1})
	other := &sale{T: s.T, Ledger: s.Ledger, deal: dealID()}
	other.put(backend.Terms{Total: 1, PerBuyer: 1})
	r := s.ask("a")
	h := s.hold(r)
	r.Deal, r.Order = other.deal, "other"+r.Order
	other.hold(r)
	other.confirm(h.Order, backend.ErrLapsed)
	other.release(h.Order, false)
	s.left(0, 1, 0)
	other.left(0, 1, 0)
}

// goneBack tells a ledger of sales that it knows nothing of: an older state
// has taken the place of its own.
func goneBack(s *sale) {
	s.put(backend.Terms{Total: 10})
	mine := s.hold(s.ask("a"))
	s.hold(s.ask("b"))
	s.confirm(mine.Order, nil)
	s.put(backend.Terms{Total: 10, Sold: 1})
	s.left(8, 1, 1)
	s.put(backend.Terms{Total: 10, Sold: 9})
	s.left(0, 1, 9)
	s.refused(s.ask("c"), backend.ErrSoldOut)
	s.put(backend.Terms{Total: 10, Sold: 3}) // it has not gone back again
	s.left(0, 1, 9)
	if _, err := s.Put(s.Context(), backend.Terms{Deal: s.deal, Total: 10, Sold: 11}); !errors.Is(err, backend.ErrBelowSold) {
		s.Errorf("more sold than there are: %v", err)
	}
	s.put(backend.Terms{Total: 12, Sold: 9})
	s.left(2, 1, 9)
}

// soldToOthers has units reserved that turn out to be sold: whoever is first
// has those that are left, and what lapses does not come back.
func soldToOthers(s *sale) {
	s.put(backend.Terms{Total: 4})
	var holds []backend.Hold
	for range 4 {
		holds = append(holds, s.hold(s.ask("a")))
	}
	for range 2 {
		s.put(backend.Terms{Total: 4, Sold: 3})
		s.left(0, 1, 3)
	}
	s.confirm(holds[0].Order, nil)
	s.confirm(holds[1].Order, backend.ErrLapsed)
	s.left(0, 0, 4)
	s.release(holds[2].Order, false)
	s.release(holds[3].Order, false)
	s.left(0, 0, 4)
	s.refused(s.ask("b"), backend.ErrSoldOut)
}
