// Package ledgertest is the proof that a [backend.Ledger] keeps its contract.
// Every ledger passes all of it; a new promise is added here first.
package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// Open returns a ledger that ends with the test. It may be one that other
// tests use too: every law has deals of its own.
type Open func(t *testing.T) backend.Ledger

// Run proves what does not depend on time.
func Run(t *testing.T, open Open) {
	for name, law := range map[string]func(*sale){
		"PutAgainChangesNothing":      putAgain,
		"StockMovesByTheDifference":   putDifference,
		"KnowsWhatWasSoldBefore":      putSold,
		"GoneBackSellsNothingTwice":   goneBack,
		"SoldToOthersCannotBeSold":    soldToOthers,
		"RefusesInOrder":              refusals,
		"NeverOversold":               oversold,
		"LevelsAlwaysAddUp":           levelsAddUp,
		"I11 LimitPerBuyer":           limit,
		"LimitComesBack":              limitComesBack,
		"I4 OneKeyOneHold":            oneKey,
		"I5 KeyOfAnotherPurchase":     otherPrint,
		"KeyOutlivesItsHold":          keyOfGone,
		"RefusalIsNotRemembered":      refusalForgotten,
		"ReleasedOnce":                releasedOnce,
		"ConfirmedStaysSold":          confirmedStays,
		"NothingHeldNothingSold":      nothingHeld,
		"I16 RestockWhileSoldOut":     restock,
		"DealsDoNotTouchEachOther":    apart,
		"I11 LimitOfSeveralUnitsEach": limitUnits,
	} {
		t.Run(name, func(t *testing.T) { law(&sale{T: t, Ledger: open(t), deal: dealID()}) })
	}
}

// sale is a ledger and one deal in it, which no other test uses.
type sale struct {
	*testing.T
	backend.Ledger
	deal string
}

func dealID() string { return "d" + backend.NewID() }

func (s *sale) put(t backend.Terms) backend.Levels {
	s.Helper()
	t.Deal = s.deal
	l, err := s.Put(s.Context(), t)
	if err != nil {
		s.Fatalf("Put(%+v): %v", t, err)
	}
	return l
}

// ask is a purchase of one unit that no other has the key of.
func (s *sale) ask(buyer string) backend.Reserve {
	id := backend.NewID()
	return backend.Reserve{
		Deal: s.deal, Order: "o" + id, Buyer: buyer, Key: "k" + id, Print: "one", Units: 1, Hold: 5 * time.Minute,
	}
}

// hold reserves what must be there.
func (s *sale) hold(r backend.Reserve) backend.Hold {
	s.Helper()
	h, err := s.Reserve(s.Context(), r)
	if err != nil {
		s.Fatalf("Reserve(%+v): %v", r, err)
	}
	return h
}

// refused reserves what must be refused with want.
func (s *sale) refused(r backend.Reserve, want error) {
	s.Helper()
	if h, err := s.Reserve(s.Context(), r); !errors.Is(err, want) {
		s.Errorf("Reserve(%+v) = %+v, %v; want %v", r, h, err, want)
	}
}

func (s *sale) confirm(order string, want error) {
	s.Helper()
	if err := s.Confirm(s.Context(), s.deal, order); !errors.Is(err, want) {
		s.Errorf("Confirm = %v, want %v", err, want)
	}
}

func (s *sale) release(order string, wantSold bool) {
	s.Helper()
	if sold, err := s.Release(s.Context(), s.deal, order); sold != wantSold || err != nil {
		s.Errorf("Release = %v, %v; want %v", sold, err, wantSold)
	}
}

// levels sweeps, and checks that what is left adds up.
func (s *sale) levels() backend.Levels {
	s.Helper()
	l, err := s.Sweep(s.Context(), s.deal)
	if err != nil {
		s.Fatalf("Sweep: %v", err)
	}
	if err := AddsUp(l); err != nil {
		s.Error(err)
	}
	return l
}

// left checks what is available, reserved and sold.
func (s *sale) left(available, reserved, sold int64) {
	s.Helper()
	if l := s.levels(); l.Available != available || l.Reserved != reserved || l.Sold != sold {
		s.Errorf("available %d, reserved %d, sold %d; want %d, %d, %d", l.Available, l.Reserved, l.Sold, available, reserved, sold)
	}
}

// AddsUp returns an error if the levels break promise I: available + reserved
// + sold = total, none negative.
func AddsUp(l backend.Levels) error {
	if l.Available+l.Reserved+l.Sold != l.Total || min(l.Available, l.Reserved, l.Sold) < 0 {
		return fmt.Errorf("the levels do not add up: %+v", l)
	}
	return nil
}

// watch checks the levels again and again until the returned function is
// called, which returns how often it did.
func (s *sale) watch() (stop func() int) {
	ctx, cancel := context.WithCancel(s.Context())
	var n int
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			l, err := s.Sweep(s.Context(), s.deal)
			if err == nil {
				err = AddsUp(l)
			}
			if err != nil {
				s.Error(err)
				return
			}
			n++
		}
	})
	return func() int {
		cancel()
		wg.Wait()
		return n
	}
}

// atOnce runs f n times, all at the same moment.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
