package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Paying, cancelling and repairing an order keep out of each other's way
// within this process only. Several processes on one ledger and one book need
// more: a lock on the order that they share, for as long as money moves.

// Pay takes the buyer's money and sells the units. Paying a paid order again
// changes nothing. It returns ErrDeclined, and the order can be tried again
// until its PayBefore; ErrLapsed when that has passed, and the money, if any
// was taken, is given back; ErrState for a cancelled order; ErrBusy while it
// is being paid already.
func (s *Shop) Pay(ctx context.Context, buyer, id string) (Order, error) {
	ctx, o, done, err := s.hold(ctx, buyer, id)
	if err != nil {
		return Order{}, err
	}
	defer done()
	switch o.Status {
	case Paid:
		return o, nil
	case Cancelled:
		return o, ErrState
	case Expired:
		return o, ErrLapsed
	}
	return s.pay(ctx, o)
}

// pay settles first and confirms then, so that no unit is sold that is not
// paid; what is paid and can no longer be confirmed is given back.
func (s *Shop) pay(ctx context.Context, o Order) (Order, error) {
	o, err := s.cfg.Store.UpdateOrder(ctx, o.ID, Change{Charged: new(true)})
	if err != nil {
		return Order{}, fmt.Errorf("order %s: %w", o.ID, err)
	}
	if err := s.cfg.Payment.Settle(ctx, o.ID, o.Total()); errors.Is(err, ErrDeclined) {
		return o, fmt.Errorf("order %s: %w", o.ID, err)
	} else if err != nil {
		return o, fmt.Errorf("order %s: %w: payment: %w", o.ID, ErrAway, err)
	}
	err = s.cfg.Ledger.Confirm(ctx, o.Deal, o.ID)
	if errors.Is(err, ErrLapsed) {
		o, err := s.finish(ctx, o, Expired)
		if err == nil {
			err = ErrLapsed
		}
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("order %s: %w", o.ID, err)
	}
	return s.update(ctx, o.ID, Change{Status: Paid})
}

// Cancel gives the units of an unpaid order back. Cancelling again changes
// nothing; a paid order is ErrState, an expired one ErrLapsed.
func (s *Shop) Cancel(ctx context.Context, buyer, id string) (Order, error) {
	ctx, o, done, err := s.hold(ctx, buyer, id)
	if err != nil {
		return Order{}, err
	}
	defer done()
	if o.Status == Reserved {
		o, err = s.close(ctx, o, Cancelled)
	}
	switch {
	case err != nil:
		return o, err
	case o.Status == Paid:
		return o, ErrState
	case o.Status == Expired:
		return o, ErrLapsed
	}
	return o, nil
}

// hold returns a buyer's order, which nobody else pays or cancels until done is
// called, and a context that outlives the caller's: what is begun is brought to
// its end. It returns ErrBusy if somebody else holds it.
func (s *Shop) hold(ctx context.Context, buyer, id string) (held context.Context, o Order, done func(), err error) {
	if !s.lock(id) {
		return nil, Order{}, nil, ErrBusy
	}
	held, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	done = func() {
		cancel()
		s.unlock(id)
	}
	if o, err = s.Order(held, buyer, id); err != nil {
		done()
		return nil, Order{}, nil, err
	}
	return held, o, done, nil
}

// close releases what a reserved order holds and finishes it with status; an
// order whose units are sold is paid instead.
func (s *Shop) close(ctx context.Context, o Order, status Status) (Order, error) {
	sold, err := s.cfg.Ledger.Release(ctx, o.Deal, o.ID)
	if err != nil && !errors.Is(err, ErrNoDeal) {
		return o, fmt.Errorf("order %s: %w", o.ID, err)
	}
	if sold {
		return s.update(ctx, o.ID, Change{Status: Paid})
	}
	if e := s.catalog.Load().byID[o.Deal]; e != nil {
		e.soldOut.Store(0)
	}
	return s.finish(ctx, o, status)
}

// finish ends an order that holds nothing, and gives back what was paid for it.
func (s *Shop) finish(ctx context.Context, o Order, status Status) (Order, error) {
	o, err := s.update(ctx, o.ID, Change{Status: status})
	if err != nil || !o.Charged || o.Status == Paid {
		return o, err
	}
	if err := s.cfg.Payment.Settle(ctx, o.ID, Money{0, o.Price.Currency}); err != nil {
		return o, fmt.Errorf("giving back what was paid for order %s: %w: %w", o.ID, ErrAway, err)
	}
	return s.update(ctx, o.ID, Change{Charged: new(false)})
}

func (s *Shop) update(ctx context.Context, id string, c Change) (Order, error) {
	o, err := s.cfg.Store.UpdateOrder(ctx, id, c)
	if err != nil {
		return o, fmt.Errorf("order %s: %w", id, err)
	}
	return o, nil
}

// Orders repaired by one sweep, and how many of them at a time.
const (
	repairs   = 2000
	repairing = 64
)

// repair finishes what is pending: it closes orders that were not paid in
// time, completes those that a crash cut off after they were paid, and gives
// back money that a closed order still keeps.
func (s *Shop) repair(ctx context.Context) error {
	orders, err := s.cfg.Store.Pending(ctx, s.now(), repairs)
	if err != nil {
		return fmt.Errorf("pending orders: %w", err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards errs
		errs []error
		slot = make(chan struct{}, repairing)
	)
	for _, o := range orders {
		slot <- struct{}{}
		wg.Go(func() {
			defer func() { <-slot }()
			if err := s.repairOne(ctx, o); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d pending orders, the first: %w", len(errs), len(orders), errs[0])
	}
	return nil
}

func (s *Shop) repairOne(ctx context.Context, o Order) error {
	if !s.lock(o.ID) {
		return nil // being paid or cancelled; the next sweep sees what became of it
	}
	defer s.unlock(o.ID)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	if o.Status == Reserved {
		_, err = s.close(ctx, o, Expired)
	} else {
		_, err = s.finish(ctx, o, o.Status)
	}
	return err
}

// now is the latest the ledger's clock is known to have been, so that a node
// whose own clock is ahead expires nothing that can still be paid.
func (s *Shop) now() time.Time {
	var now time.Time
	for _, e := range s.catalog.Load().list {
		if k := e.known.Load(); k != nil && k.Now.After(now) {
			now = k.Now
		}
	}
	if now.IsZero() {
		now = time.Now()
	}
	return now
}

// lock takes the order for paying, cancelling or repairing, if nobody else
// in this process has it.
func (s *Shop) lock(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paying[id] {
		return false
	}
	s.paying[id] = true
	return true
}

func (s *Shop) unlock(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paying, id)
}
