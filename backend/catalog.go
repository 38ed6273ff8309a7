package backend

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// trusted is how old the stock in memory may be and still be told to anyone.
const trusted = 2 * time.Second

// soldOutFor is how long a deal known to be sold out is not asked for again.
const soldOutFor = time.Second

// catalog is what is on sale. It never changes: a change is a new catalog
// that shares the entries.
type catalog struct {
	byID map[string]*entry
	list []*entry
}

// entry is a deal on sale and what this process knows of its stock.
type entry struct {
	Deal
	configured bool
	known      atomic.Pointer[known]
	soldOut    atomic.Int64 // when the ledger was asked that had nothing available, Unix ns; 0: it had
}

// known is an answer of the ledger and when it was asked for it.
type known struct {
	Levels
	asked time.Time
}

// Listing is a deal as it is shown.
type Listing struct {
	Deal
	Levels
	Known bool // the levels are at most 2 s old
	State State
}

// State says whether a deal is on sale, as this process's clock sees it.
type State string

// The states of a deal.
const (
	Scheduled State = "scheduled"
	Live      State = "live"
	SoldOut   State = "sold_out" // nothing available now; what is reserved may come back
	Ended     State = "ended"
)

// Deals returns what is on sale, configured deals first.
func (s *Shop) Deals() []Listing {
	c := s.catalog.Load()
	now := time.Now()
	out := make([]Listing, len(c.list))
	for i, e := range c.list {
		out[i] = e.listing(now)
	}
	return out
}

// Deal returns one deal, or ErrNoDeal.
func (s *Shop) Deal(id string) (Listing, error) {
	e, ok := s.catalog.Load().byID[id]
	if !ok {
		return Listing{}, fmt.Errorf("deal %s: %w", id, ErrNoDeal)
	}
	return e.listing(time.Now()), nil
}

// Left returns the units of the deals that are available or reserved, from
// memory, at most 1 s old while the ledger answers. It returns false if one of
// the deals is not known, or the ledger has not answered for 2 s.
func (s *Shop) Left(deals []string) (int64, bool) {
	c := s.catalog.Load()
	var left int64
	for _, id := range deals {
		e, ok := c.byID[id]
		if !ok {
			return 0, false
		}
		k := e.known.Load()
		if k == nil || time.Since(k.asked) > trusted {
			return 0, false
		}
		left += k.Available + k.Reserved
	}
	return left, true
}

// SetDeals makes deals the configured ones, at start and when the
// configuration was reloaded. Stock that differs from before moves what is
// available by the difference. It names the deals that cannot be as they are
// given, and then the catalog stays as it was.
func (s *Shop) SetDeals(ctx context.Context, deals []Deal) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	stored, err := s.cfg.Store.Deals(ctx)
	if err != nil {
		return fmt.Errorf("deals: %w", err)
	}
	old, next := s.catalog.Load(), &catalog{byID: make(map[string]*entry)}
	var faults []error
	add := func(d Deal, configured bool) {
		if next.byID[d.ID] != nil {
			if configured {
				faults = append(faults, fmt.Errorf("deal %s: is there twice", d.ID))
			}
			return
		}
		e, err := s.put(ctx, d, old.byID[d.ID])
		if err != nil {
			faults = append(faults, err)
			return
		}
		e.configured = configured
		next.byID[d.ID], next.list = e, append(next.list, e)
	}
	for _, d := range deals {
		add(d, true)
	}
	for _, d := range stored {
		add(d, false)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	s.catalog.Store(next)
	return nil
}

// Create adds a deal for good. The same deal again changes nothing and
// returns false; another deal with its id is ErrDealExists.
func (s *Shop) Create(ctx context.Context, d Deal) (created bool, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old := s.catalog.Load()
	if e := old.byID[d.ID]; e != nil {
		if e.same(d) {
			return false, nil
		}
		return false, fmt.Errorf("deal %s: %w", d.ID, ErrDealExists)
	}
	if err := d.Validate(); err != nil {
		return false, err
	}
	if err := s.cfg.Store.AddDeal(ctx, d); err != nil {
		return false, fmt.Errorf("deal %s: %w", d.ID, err)
	}
	e, err := s.put(ctx, d, nil)
	if err != nil {
		return false, err
	}
	next := &catalog{byID: make(map[string]*entry, len(old.list)+1), list: append(old.list[:len(old.list):len(old.list)], e)}
	for _, e := range next.list {
		next.byID[e.ID] = e
	}
	s.catalog.Store(next)
	return true, nil
}

// put checks the deal and makes its terms those of the ledger. What was known
// of it before is forgotten for what the ledger says now.
func (s *Shop) put(ctx context.Context, d Deal, old *entry) (*entry, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("deal %s: %w", d.ID, err)
	}
	sold, err := s.cfg.Store.Sold(ctx, d.ID)
	if err != nil {
		return nil, fmt.Errorf("deal %s: %w", d.ID, err)
	}
	asked := time.Now()
	l, err := s.cfg.Ledger.Put(ctx, d.terms(sold))
	if err != nil {
		return nil, fmt.Errorf("deal %s: %w", d.ID, err)
	}
	e := &entry{Deal: d}
	if old != nil && old.same(d) {
		e = old
	}
	e.learn(l, asked)
	return e, nil
}

// refresh asks the ledger for the stock of a deal.
func (s *Shop) refresh(ctx context.Context, e *entry) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	asked := time.Now()
	l, err := s.cfg.Ledger.Sweep(ctx, e.ID)
	if err != nil {
		return err
	}
	e.learn(l, asked)
	return nil
}

func (e *entry) learn(l Levels, asked time.Time) {
	if k := e.known.Load(); k != nil && k.asked.After(asked) {
		return
	}
	e.known.Store(&known{l, asked})
	if l.Available == 0 {
		e.soldOut.Store(asked.UnixNano())
	} else {
		e.soldOut.Store(0)
	}
}

// isSoldOut reports whether the ledger, asked less than a second ago, had
// nothing available.
func (e *entry) isSoldOut(now time.Time) bool {
	at := e.soldOut.Load()
	return at != 0 && now.UnixNano()-at < int64(soldOutFor)
}

func (e *entry) listing(now time.Time) Listing {
	l := Listing{Deal: e.Deal, State: Live}
	if k := e.known.Load(); k != nil {
		l.Levels, l.Known = k.Levels, now.Sub(k.asked) <= trusted
	}
	switch {
	case now.Before(e.OpensAt):
		l.State = Scheduled
	case !e.ClosesAt.IsZero() && !now.Before(e.ClosesAt):
		l.State = Ended
	case l.Known && l.Available == 0:
		l.State = SoldOut
	}
	return l
}

func (d *Deal) same(o Deal) bool {
	a, b := *d, o
	a.OpensAt, a.ClosesAt, b.OpensAt, b.ClosesAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return a == b && d.OpensAt.Equal(o.OpensAt) && d.ClosesAt.Equal(o.ClosesAt)
}
