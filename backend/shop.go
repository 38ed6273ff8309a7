package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Shop is made of.
type Config struct {
	Ledger  Ledger  // required
	Store   Store   // required
	Payment Payment // default: a StandIn that always succeeds

	// Deals are the configured ones; their ids go before those in the Store.
	Deals []Deal

	// PayWithin is how long a reservation waits to be paid. Default 5 min.
	PayWithin time.Duration

	// Every is the time between two sweeps, which is also how old the stock in
	// memory gets. Default 500 ms, at most 1 s.
	Every time.Duration

	Log *slog.Logger // default: silent
}

// Shop sells deals. It is safe for concurrent use.
type Shop struct {
	cfg     Config
	started time.Time
	catalog atomic.Pointer[catalog]

	changing sync.Mutex // serialises changes of the catalog

	mu     sync.Mutex // guards paying
	paying map[string]bool
}

// New puts the deals into the ledger and returns a shop that can sell at once;
// Run must be running for what is not paid to come back. It fails on a deal
// that is not valid or whose stock was lowered below what is sold, and names it.
func New(ctx context.Context, cfg Config) (*Shop, error) {
	if cfg.Ledger == nil || cfg.Store == nil {
		return nil, errors.New("backend: a ledger and a store are required")
	}
	if cfg.Payment == nil {
		cfg.Payment = new(StandIn)
	}
	cfg.PayWithin = cmp.Or(cfg.PayWithin, 5*time.Minute)
	cfg.Every = min(cmp.Or(cfg.Every, 500*time.Millisecond), time.Second)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	s := &Shop{cfg: cfg, started: time.Now(), paying: make(map[string]bool)}
	s.catalog.Store(&catalog{})
	if err := s.SetDeals(ctx, cfg.Deals); err != nil {
		return nil, err
	}
	return s, nil
}

// Run gives back what was not paid in time, finishes what a crash left half
// done, and keeps the stock in memory fresh, until ctx ends; then it returns
// nil. Failures of the ledger, the store or the payment do not end it: they
// are logged once, and it tries again.
func (s *Shop) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	var last string
	for {
		err := s.sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && last != "":
			s.cfg.Log.Info("sweep works again")
			last = ""
		case err != nil && err.Error() != last:
			s.cfg.Log.Warn("sweep failed", "err", err)
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep refreshes the stock of every deal and finishes pending orders.
func (s *Shop) sweep(ctx context.Context) error {
	var errs []error
	for _, e := range s.catalog.Load().list {
		if err := s.refresh(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("deal %s: %w", e.ID, err))
		}
	}
	errs = append(errs, s.repair(ctx))
	return errors.Join(errs...)
}
