package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// SetDeals makes deals the configured ones, at start and when the
// configuration was reloaded. Stock that differs from before moves what is
// available by the difference. It names what cannot be as it is given, and
// then the catalog and the terms of its deals in the ledger stay as they were;
// if the ledger is away by then, they are put back once it answers.
func (s *Shop) SetDeals(ctx context.Context, deals []Deal) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	stored, err := s.cfg.Store.Deals(ctx)
	if err != nil {
		return fmt.Errorf("deals: %w", err)
	}
	all, err := join(deals, stored)
	if err != nil {
		return err
	}
	old := s.catalog.Load()
	next := &catalog{byID: make(map[string]*entry, len(all))}
	// Less stock goes first: it is what may be refused, and can be undone.
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(old.more(a.Deal), old.more(b.Deal)) })
	next.list = make([]*entry, len(all))
	for i, d := range all {
		e, err := s.put(ctx, d.Deal, old.byID[d.ID])
		if err != nil {
			return errors.Join(err, s.putBack(ctx, old, all[:i+1]))
		}
		next.byID[d.ID], next.list[d.at] = e, e
	}
	s.catalog.Store(next)
	return nil
}

// placed is a deal and where it is in the list.
type placed struct {
	Deal
	at int
}

// join checks the deals, and puts after the configured ones those in the
// store that have an id of their own.
func join(configured, stored []Deal) (all []placed, err error) {
	var faults []error
	seen := make(map[string]bool)
	for i, d := range slices.Concat(configured, stored) {
		if seen[d.ID] && i >= len(configured) {
			continue
		}
		if seen[d.ID] {
			faults = append(faults, fmt.Errorf("deal %s: is there twice", d.ID))
		}
		if err := d.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("deal %s: %w", d.ID, err))
		}
		seen[d.ID] = true
		all = append(all, placed{d, len(all)})
	}
	return all, errors.Join(faults...)
}

// more is by how much the deal has more stock than before.
func (c *catalog) more(d Deal) int64 {
	if e := c.byID[d.ID]; e != nil {
		return d.Stock - e.Stock
	}
	return d.Stock
}

// putBack gives the deals the terms again that they have in the catalog. What
// fails is tried again by the sweep.
func (s *Shop) putBack(ctx context.Context, old *catalog, changed []placed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var errs []error
	for _, d := range changed {
		e := old.byID[d.ID]
		if e == nil || e.same(d.Deal) {
			continue
		}
		if _, err := s.put(ctx, e.Deal, e); err != nil {
			e.unput.Store(true)
			errs = append(errs, fmt.Errorf("putting back the terms: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Create adds a deal for good. The same deal again changes nothing and
// returns false, but puts it on sale if the first time was cut off; another
// deal with its id is ErrDealExists. Its times count in whole milliseconds.
func (s *Shop) Create(ctx context.Context, d Deal) (created bool, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	d.OpensAt, d.ClosesAt = d.OpensAt.Truncate(time.Millisecond), d.ClosesAt.Truncate(time.Millisecond)
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
	if err := s.add(ctx, d); err != nil {
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

// add writes the deal to the store, where it may be already.
func (s *Shop) add(ctx context.Context, d Deal) error {
	err := s.cfg.Store.AddDeal(ctx, d)
	if !errors.Is(err, ErrDealExists) {
		return err
	}
	stored, failed := s.cfg.Store.Deals(ctx)
	if failed != nil {
		return failed
	}
	if slices.ContainsFunc(stored, func(o Deal) bool { return o.same(d) }) {
		return nil
	}
	return err
}

// put makes the terms of the deal those of the ledger. What was known of it
// before is forgotten for what the ledger says now.
func (s *Shop) put(ctx context.Context, d Deal, old *entry) (*entry, error) {
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
		e.unput.Store(false)
	} else if old != nil {
		e.unsure.Store(old.unsure.Load())
	}
	e.learn(l, asked)
	return e, nil
}

// refresh asks the ledger for the stock of a deal. A ledger that has lost the
// deal, or the sale of some of it, is told again.
func (s *Shop) refresh(ctx context.Context, e *entry) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	asked := time.Now()
	l, err := s.cfg.Ledger.Sweep(ctx, e.ID)
	k := e.known.Load()
	switch {
	case errors.Is(err, ErrNoDeal), err == nil && (e.unput.Load() || k.asked.Before(asked) && l.Sold < k.Sold):
		return s.again(ctx, e)
	case err != nil:
		return err
	}
	e.learn(l, asked)
	return nil
}

// again puts a deal that is still on sale as it is in the catalog.
func (s *Shop) again(ctx context.Context, e *entry) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.catalog.Load().byID[e.ID] != e {
		return nil
	}
	_, err := s.put(ctx, e.Deal, e)
	return err
}
