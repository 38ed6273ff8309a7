package backend_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

// stand is a shop on the embedded ledger, on a fake clock.
type stand struct {
	*testing.T
	*backend.Shop
	ledger  *counted
	store   *sqlite.Store
	payment *backend.StandIn
	cfg     backend.Config
}

// counted counts what is asked of a ledger, and can be away.
type counted struct {
	backend.Ledger
	reserves atomic.Int64
	away     atomic.Bool
	blind    atomic.Bool // Sweep alone fails
}

func (c *counted) Reserve(ctx context.Context, r backend.Reserve) (backend.Hold, error) {
	c.reserves.Add(1)
	if c.away.Load() {
		return backend.Hold{}, backend.ErrAway
	}
	return c.Ledger.Reserve(ctx, r)
}

func (c *counted) Sweep(ctx context.Context, deal string) (backend.Levels, error) {
	if c.away.Load() || c.blind.Load() {
		return backend.Levels{}, backend.ErrAway
	}
	return c.Ledger.Sweep(ctx, deal)
}

func mat() backend.Deal {
	return backend.Deal{ID: "mat", Title: "Yoga mat", SKU: "mat-1", Stock: 10, Price: 15000, ListPrice: 30000, Currency: "KRW", PerBuyer: 2}
}

// open opens the files of a shop in dir and starts it, Run included.
func open(t *testing.T, dir string, deals ...backend.Deal) *stand {
	t.Helper()
	l, err := embedded.Open(t.Context(), filepath.Join(dir, "stock.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{T: t, ledger: &counted{Ledger: l}, store: store, payment: new(backend.StandIn)}
	s.cfg = backend.Config{
		Ledger: s.ledger, Store: store, Payment: s.payment, Deals: deals, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if s.Shop, err = backend.New(t.Context(), s.cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	shop := s.Shop // a test may put another in its place
	run.Go(func() { shop.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		run.Wait()
		l.Close()
		store.Close()
	})
	return s
}

// trade runs f with a shop of one deal with ten units.
func trade(t *testing.T, f func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(open(t, t.TempDir(), mat())) })
}

func (s *stand) buy(buyer, key string) backend.Order {
	s.Helper()
	o, err := s.Buy(s.Context(), backend.Purchase{Buyer: buyer, Key: key, Deal: "mat", Units: 1})
	if err != nil {
		s.Fatalf("Buy: %v", err)
	}
	return o
}

func (s *stand) refused(p backend.Purchase, want error) {
	s.Helper()
	if o, err := s.Buy(s.Context(), p); !errors.Is(err, want) {
		s.Errorf("Buy(%+v) = %+v, %v; want %v", p, o, err, want)
	}
}

// status checks what has become of an order.
func (s *stand) status(o backend.Order, want backend.Status) {
	s.Helper()
	if got, err := s.Order(s.Context(), o.Buyer, o.ID); err != nil || got.Status != want {
		s.Errorf("the order is %s, %v; want %s", got.Status, err, want)
	}
}

// left checks the ledger's own levels.
func (s *stand) left(available, reserved, sold int64) {
	s.Helper()
	l, err := s.ledger.Ledger.Sweep(s.Context(), "mat")
	if err != nil || l.Available != available || l.Reserved != reserved || l.Sold != sold {
		s.Errorf("available %d, reserved %d, sold %d, %v; want %d, %d, %d", l.Available, l.Reserved, l.Sold, err, available, reserved, sold)
	}
}

func TestBuyAndPay(t *testing.T) {
	trade(t, func(s *stand) {
		o := s.buy("ann", "k")
		if o.Total() != (backend.Money{Minor: 15000, Currency: "KRW"}) || o.PayBefore.Sub(o.CreatedAt) != 5*time.Minute || o.Title != "Yoga mat" {
			s.Errorf("%+v", o)
		}
		for range 2 {
			if paid, err := s.Pay(s.Context(), "ann", o.ID); err != nil || paid.Status != backend.Paid {
				s.Errorf("Pay = %+v, %v", paid, err)
			}
		}
		if got := s.payment.Paid(o.ID); got != o.Total() {
			s.Errorf("%v was paid", got)
		}
		if _, err := s.Cancel(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrState) {
			s.Errorf("a paid order was cancelled: %v", err)
		}
		time.Sleep(time.Hour)
		s.status(o, backend.Paid)
		s.left(9, 0, 1)
	})
}

func TestCancelTwice(t *testing.T) {
	trade(t, func(s *stand) {
		o := s.buy("ann", "k")
		for range 2 {
			if got, err := s.Cancel(s.Context(), "ann", o.ID); err != nil || got.Status != backend.Cancelled {
				s.Errorf("Cancel = %+v, %v", got, err)
			}
		}
		if _, err := s.Pay(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrState) {
			s.Errorf("a cancelled order was paid: %v", err)
		}
		s.left(10, 0, 0)
	})
}

// TestI4I5OneKeyOneOrder also tries the key on another deal, where the ledger
// cannot know it.
func TestI4I5OneKeyOneOrder(t *testing.T) {
	trade(t, func(s *stand) {
		other := mat()
		other.ID = "rug"
		if _, err := s.Create(s.Context(), other); err != nil {
			s.Fatal(err)
		}
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			s.Error(err)
		}
		if again := s.buy("ann", "k"); again != o {
			s.Errorf("answered %+v, and before %+v", again, o)
		}
		s.refused(backend.Purchase{Buyer: "ann", Key: "k", Deal: "mat", Units: 2}, backend.ErrKeyReused)
		s.refused(backend.Purchase{Buyer: "ann", Key: "k", Deal: "rug", Units: 1}, backend.ErrKeyReused)
		if bob := s.buy("bob", "k"); bob.ID == o.ID {
			s.Error("two buyers with one order")
		}
		s.left(8, 1, 1)
	})
}

// TestI4OnTwoDealsAtOnce sends one key for two deals at the same moment.
func TestI4OnTwoDealsAtOnce(t *testing.T) {
	trade(t, func(s *stand) {
		other := mat()
		other.ID = "rug"
		if _, err := s.Create(s.Context(), other); err != nil {
			s.Fatal(err)
		}
		for i := range 20 {
			var made atomic.Int64
			var wg sync.WaitGroup
			for _, deal := range []string{"mat", "rug"} {
				wg.Go(func() {
					_, err := s.Buy(s.Context(), backend.Purchase{Buyer: fmt.Sprint("b", i), Key: "k", Deal: deal, Units: 1})
					if err == nil {
						made.Add(1)
					} else if !errors.Is(err, backend.ErrKeyReused) && !errors.Is(err, backend.ErrSoldOut) {
						s.Error(err)
					}
				})
			}
			wg.Wait()
			if made.Load() > 1 {
				s.Errorf("%d orders for one key", made.Load())
			}
		}
	})
}

func TestI9NotPaidInTime(t *testing.T) {
	trade(t, func(s *stand) {
		o := s.buy("ann", "k")
		time.Sleep(time.Until(o.PayBefore.Add(-time.Millisecond)))
		s.status(o, backend.Reserved)
		time.Sleep(time.Second)
		s.status(o, backend.Expired)
		if n, ok := s.Left([]string{"mat"}); n != 10 || !ok {
			s.Errorf("%d, %v left", n, ok)
		}
		if _, err := s.Pay(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrLapsed) {
			s.Errorf("Pay = %v", err)
		}
		if _, err := s.Cancel(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrLapsed) {
			s.Errorf("Cancel = %v", err)
		}
		if got := s.payment.Paid(o.ID); got.Minor != 0 {
			s.Errorf("%v was paid", got)
		}
		s.left(10, 0, 0)
	})
}

func TestI24OrdersAreTheirBuyers(t *testing.T) {
	trade(t, func(s *stand) {
		o := s.buy("ann", "k")
		for name, do := range map[string]func(context.Context, string, string) (backend.Order, error){
			"Order": s.Order, "Pay": s.Pay, "Cancel": s.Cancel,
		} {
			if _, err := do(s.Context(), "bob", o.ID); !errors.Is(err, backend.ErrNoOrder) {
				s.Errorf("%s by another buyer: %v", name, err)
			}
		}
		s.status(o, backend.Reserved)
	})
}

func TestIDsAreRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := backend.NewID()
		if len(id) != 26 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
}
