package backend_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
	"github.com/dealgate/dealgate/backend/ledger/redis"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

// faulty is a ledger that can lose what it knows, and whose answers can be lost.
type faulty struct {
	backend.Ledger
	other   atomic.Pointer[embedded.Ledger] // what has taken its place, but for Confirm and Release
	away    atomic.Pointer[string]          // the deal from whose Put on every Put fails
	reserve atomic.Int64                    // so many answers of Reserve are lost
}

func (f *faulty) now() backend.Ledger {
	if l := f.other.Load(); l != nil {
		return l
	}
	return f.Ledger
}

func (f *faulty) Put(ctx context.Context, t backend.Terms) (backend.Levels, error) {
	if deal := f.away.Load(); deal != nil && (*deal == "" || *deal == t.Deal) {
		f.away.Store(new(""))
		return backend.Levels{}, backend.ErrAway
	}
	return f.now().Put(ctx, t)
}

func (f *faulty) Sweep(ctx context.Context, deal string) (backend.Levels, error) {
	return f.now().Sweep(ctx, deal)
}

func (f *faulty) Reserve(ctx context.Context, r backend.Reserve) (backend.Hold, error) {
	h, err := f.now().Reserve(ctx, r)
	if f.reserve.Add(-1) >= 0 {
		return backend.Hold{}, fmt.Errorf("%w: no answer", backend.ErrAway)
	}
	return h, err
}

// lamp is a deal beside mat.
func lamp() backend.Deal {
	d := mat()
	d.ID = "lamp"
	return d
}

// TestRefusedReloadChangesNoTerms has a deal refused for its stock, before
// and after others that could be as they are given.
func TestRefusedReloadChangesNoTerms(t *testing.T) {
	f := func(t *testing.T, ledger backend.Ledger) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "orders.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		rug := mat()
		rug.ID = "rug"
		deals := []backend.Deal{mat(), lamp(), rug}
		shop, err := backend.New(t.Context(), backend.Config{Ledger: ledger, Store: store, Deals: deals})
		if err != nil {
			t.Fatal(err)
		}
		buy := func(deal, key string, units int64) error {
			_, err := shop.Buy(t.Context(), backend.Purchase{Buyer: "ann", Key: key, Deal: deal, Units: units})
			return err
		}
		if err := buy("lamp", "k", 2); err != nil {
			t.Fatal(err)
		}
		more, less, fewer := mat(), lamp(), rug
		more.Stock, more.PerBuyer, less.Stock, fewer.Stock = 1000, 0, 1, 4
		for _, deals := range [][]backend.Deal{{more, less, fewer}, {fewer, less, more}, {more, fewer, less}} {
			if err := shop.SetDeals(t.Context(), deals); !errors.Is(err, backend.ErrBelowSold) {
				t.Errorf("the reload: %v", err)
			}
			for _, deal := range []string{"mat", "lamp", "rug"} {
				if l, err := ledger.Sweep(t.Context(), deal); err != nil || l.Total != 10 {
					t.Errorf("the ledger has %+v, %v", l, err)
				}
			}
		}
		less.Title = ""
		if err := shop.SetDeals(t.Context(), []backend.Deal{more, less}); err == nil {
			t.Error("a deal without a title was taken")
		}
		if err := errors.Join(buy("mat", "1", 1), buy("mat", "2", 1)); err != nil {
			t.Error(err)
		}
		if err := buy("mat", "3", 1); !errors.Is(err, backend.ErrLimit) {
			t.Errorf("a third, where one buyer may have two: %v", err)
		}
	}
	t.Run("embedded", func(t *testing.T) {
		l, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "stock.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f(t, l)
	})
	t.Run("redis", func(t *testing.T) {
		l, err := redis.Open(t.Context(), redis.Options{Addrs: []string{ledgertest.Redis(t)}})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f(t, l)
	})
}

// rebuild starts another shop on what a stand has, with a ledger that can fail.
func (s *stand) rebuild(change func(*backend.Config)) *faulty {
	s.Helper()
	f := &faulty{Ledger: s.cfg.Ledger}
	cfg := s.cfg
	cfg.Ledger = f
	if change != nil {
		change(&cfg)
	}
	shop, err := backend.New(s.Context(), cfg)
	if err != nil {
		s.Fatal(err)
	}
	s.Shop = shop
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan struct{})
	go func() {
		shop.Run(ctx)
		close(ended)
	}()
	s.Cleanup(func() {
		cancel()
		<-ended
	})
	return f
}

func TestReloadCutOffIsPutBackLater(t *testing.T) {
	trade(t, func(s *stand) {
		f := s.rebuild(func(c *backend.Config) { c.Deals = []backend.Deal{mat(), lamp()} })
		more, also := mat(), lamp()
		more.Stock, also.Stock = 20, 30
		f.away.Store(new("lamp"))
		if err := s.SetDeals(s.Context(), []backend.Deal{more, also}); !errors.Is(err, backend.ErrAway) {
			s.Errorf("the reload: %v", err)
		}
		f.away.Store(nil)
		time.Sleep(time.Second)
		s.left(10, 0, 0)
	})
}

func TestCreateCanBeRepeated(t *testing.T) {
	trade(t, func(s *stand) {
		f := s.rebuild(nil)
		f.away.Store(new("lamp"))
		d := lamp()
		d.ClosesAt = time.Now().Add(time.Hour + time.Microsecond)
		if _, err := s.Create(s.Context(), d); !errors.Is(err, backend.ErrAway) {
			s.Errorf("Create without a ledger: %v", err)
		}
		f.away.Store(nil)
		other := d
		other.Price++
		if _, err := s.Create(s.Context(), other); !errors.Is(err, backend.ErrDealExists) {
			s.Errorf("Create another: %v", err)
		}
		for _, want := range []bool{true, false} {
			if created, err := s.Create(s.Context(), d); created != want || err != nil {
				s.Errorf("Create again = %v, %v; want %v", created, err, want)
			}
		}
		if _, err := s.Deal("lamp"); err != nil {
			s.Error(err)
		}
	})
}

// full is a store that has no room for so many orders.
type full struct {
	backend.Store
	orders atomic.Int64
}

func (f *full) AddOrder(ctx context.Context, o backend.Order) (backend.Order, error) {
	if f.orders.Add(-1) >= 0 {
		return backend.Order{}, fmt.Errorf("%w: disk full", backend.ErrAway)
	}
	return f.Store.AddOrder(ctx, o)
}

// TestWhoMayHoldTheLastUnitIsNotToldSoldOut cuts off the purchase of the last
// unit on both sides of the ledger's answer.
func TestWhoMayHoldTheLastUnitIsNotToldSoldOut(t *testing.T) {
	for _, cut := range []string{"no answer", "no order"} {
		t.Run(cut, func(t *testing.T) {
			trade(t, func(s *stand) {
				store := &full{Store: s.store}
				f := s.rebuild(func(c *backend.Config) { c.Store = store })
				for i := range 9 {
					s.buy(fmt.Sprint("b", i), "k")
				}
				time.Sleep(11 * time.Second)
				if cut == "no answer" {
					f.reserve.Store(1)
				} else {
					store.orders.Store(1)
				}
				p := backend.Purchase{Buyer: "ann", Key: "k", Deal: "mat", Units: 1}
				s.refused(p, backend.ErrAway)
				time.Sleep(700 * time.Millisecond) // the sweep has seen that nothing is available
				s.refused(backend.Purchase{Buyer: "bob", Key: "k", Deal: "mat", Units: 1}, backend.ErrSoldOut)
				s.buy("ann", "k")
			})
		})
	}
}

// TestLedgerThatLostStockIsToldAgain has the ledger lose everything, and go
// back to an older state, while the shop sells.
func TestLedgerThatLostStockIsToldAgain(t *testing.T) {
	trade(t, func(s *stand) {
		f := s.rebuild(nil)
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, knows := range []bool{false, true} {
			l, err := embedded.Open(s.Context(), filepath.Join(s.TempDir(), "stock.db"))
			if err != nil {
				s.Fatal(err)
			}
			s.Cleanup(func() { l.Close() })
			if knows {
				if _, err := l.Put(s.Context(), backend.Terms{Deal: "mat", Total: 10, PerBuyer: 2}); err != nil {
					s.Fatal(err)
				}
			}
			f.other.Store(l)
			if !knows {
				s.refused(backend.Purchase{Buyer: "bob", Key: "k", Deal: "mat", Units: 1}, backend.ErrAway)
			}
			time.Sleep(time.Second)
			if got, err := l.Sweep(s.Context(), "mat"); err != nil || got.Available != 9 || got.Sold != 1 {
				s.Errorf("the ledger has %+v, %v", got, err)
			}
		}
		s.buy("bob", "k")
	})
}
