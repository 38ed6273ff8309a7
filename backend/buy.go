package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// patience bounds what one purchase, payment or cancellation may take; the
// buyer going away does not interrupt it.
const patience = 5 * time.Second

// settling is how long after its start a shop asks the ledger for everybody:
// whoever a crash cut off repeats its purchase now, and may hold a unit that
// only the ledger knows of.
const settling = 10 * time.Second

// Purchase is what a buyer asks for.
type Purchase struct {
	Buyer string
	Key   string // idempotency key: the same purchase again gives the same order
	Deal  string
	Units int64 // 1 to MaxUnits
}

// print tells purchases with the same key apart.
func (p *Purchase) print() string { return strconv.FormatInt(p.Units, 10) + " " + p.Deal }

// Buy reserves units and writes the order, to be paid before its PayBefore.
// The same purchase within KeyLife is answered with the order it made, as it
// was made, with no effect; the key for another purchase is ErrKeyReused. Else
// it returns the refusals of [Ledger.Reserve], or ErrLapsed when the purchase
// was cut off by a crash, and by now its reservation is gone: it needs a new key.
//
// A deal that was sold out less than a second ago is refused without asking
// the ledger, but not in the first seconds of the shop, nor while somebody may
// hold a unit that it could not tell them of.
func (s *Shop) Buy(ctx context.Context, p Purchase) (Order, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	now := time.Now()
	o, err := s.cfg.Store.OrderByKey(ctx, p.Buyer, p.Key, now.Add(-KeyLife))
	switch {
	case err == nil && o.Print != p.print():
		return Order{}, ErrKeyReused
	case err == nil:
		return o.asMade(), nil
	case !errors.Is(err, ErrNoOrder):
		return Order{}, fmt.Errorf("order by key: %w", err)
	}
	e, ok := s.catalog.Load().byID[p.Deal]
	if !ok {
		return Order{}, fmt.Errorf("deal %s: %w", p.Deal, ErrNoDeal)
	}
	if now.Sub(s.started) >= settling && e.isSoldOut(now) {
		return Order{}, ErrSoldOut
	}
	h, err := s.reserve(ctx, e, p)
	if err != nil {
		return Order{}, err
	}
	o, err = s.write(ctx, e, p, h)
	s.remember(e, err)
	return o, err
}

// remember has everybody who buys the deal ask the ledger for as long as a
// hold lasts, if after err there may be one whose buyer was not told of it.
func (s *Shop) remember(e *entry, err error) {
	if errors.Is(err, ErrAway) {
		e.unsure.Store(time.Now().Add(s.cfg.PayWithin).UnixNano())
	}
}

// reserve asks the ledger, and remembers that there was nothing left.
func (s *Shop) reserve(ctx context.Context, e *entry, p Purchase) (Hold, error) {
	asked := time.Now()
	h, err := s.cfg.Ledger.Reserve(ctx, Reserve{
		Deal: p.Deal, Order: NewID(), Buyer: p.Buyer, Key: p.Key, Print: p.print(), Units: p.Units, Hold: s.cfg.PayWithin,
	})
	s.remember(e, err)
	if errors.Is(err, ErrSoldOut) {
		e.soldOut.Store(asked.UnixNano())
	}
	if errors.Is(err, ErrNoDeal) { // it is on sale, so the ledger has lost it; the sweep puts it again
		err = fmt.Errorf("%w: the ledger has lost the deal", ErrAway)
	}
	if err != nil {
		return Hold{}, fmt.Errorf("deal %s: %w", p.Deal, err)
	}
	return h, nil
}

// write makes the order of a hold. A hold made before may have its order
// already, or lost it in a crash.
func (s *Shop) write(ctx context.Context, e *entry, p Purchase, h Hold) (Order, error) {
	if h.Replayed && h.Gone {
		o, err := s.cfg.Store.Order(ctx, h.Order)
		if errors.Is(err, ErrNoOrder) {
			return Order{}, ErrLapsed
		}
		return o.asMade(), err
	}
	o, err := s.cfg.Store.AddOrder(ctx, Order{
		ID: h.Order, Deal: e.ID, SKU: e.SKU, Title: e.Title, Buyer: p.Buyer, Key: p.Key, Print: p.print(),
		Units: p.Units, Price: Money{e.Price, e.Currency}, Status: Reserved, CreatedAt: h.Created, PayBefore: h.Expires,
	})
	if errors.Is(err, ErrKeyReused) { // for another deal, at the same moment: that one is the order
		if _, err := s.cfg.Ledger.Release(ctx, p.Deal, h.Order); err != nil {
			return Order{}, fmt.Errorf("order %s: %w", h.Order, err)
		}
		e.soldOut.Store(0)
	}
	if err != nil {
		return Order{}, fmt.Errorf("order %s: %w", h.Order, err)
	}
	return o.asMade(), nil
}

// Order returns an order to its buyer; to anyone else there is no such order.
func (s *Shop) Order(ctx context.Context, buyer, id string) (Order, error) {
	o, err := s.cfg.Store.Order(ctx, id)
	if err == nil && o.Buyer != buyer {
		err = ErrNoOrder
	}
	if err != nil {
		return Order{}, fmt.Errorf("order %s: %w", id, err)
	}
	return o, nil
}
