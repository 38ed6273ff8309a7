package backend_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// TestRestartDoesNotRefill opens the same files again, also with more and
// with less stock configured.
func TestRestartDoesNotRefill(t *testing.T) {
	dir := t.TempDir()
	again := func(stock int64, f func(s *stand)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			d := mat()
			d.Stock = stock
			f(open(t, dir, d))
		})
	}
	again(10, func(s *stand) {
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			s.Error(err)
		}
		s.left(9, 0, 1)
	})
	again(10, func(s *stand) { s.left(9, 0, 1) })
	again(15, func(s *stand) { s.left(14, 0, 1) })
	again(1, func(s *stand) { s.left(0, 0, 1) })
}

func TestLostStockIsNotSoldAgain(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, mat())
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			t.Error(err)
		}
		lost := open(t, other)
		lost.cfg.Store, lost.cfg.Deals = s.store, []backend.Deal{mat()} // a ledger that knows nothing beside the same orders
		if _, err := backend.New(t.Context(), lost.cfg); err != nil {
			t.Error(err)
		}
		lost.left(9, 0, 1)
	})
}

func TestReload(t *testing.T) {
	trade(t, func(s *stand) {
		s.buy("ann", "k")
		s.buy("ann", "k2")
		more, less := mat(), mat()
		more.Stock, less.Stock, less.Title = 12, 1, "Rug"
		if err := s.SetDeals(s.Context(), []backend.Deal{less}); !errors.Is(err, backend.ErrBelowSold) || !strings.Contains(err.Error(), "mat") {
			s.Errorf("less stock than is reserved: %v", err)
		}
		if l, _ := s.Deal("mat"); l.Title != "Yoga mat" {
			s.Error("an invalid reload changed the catalog")
		}
		if err := s.SetDeals(s.Context(), []backend.Deal{more}); err != nil {
			s.Error(err)
		}
		s.left(10, 2, 0)
		if n, ok := s.Left([]string{"mat"}); n != 12 || !ok {
			s.Errorf("%d, %v left", n, ok)
		}
		if err := s.SetDeals(s.Context(), nil); err != nil {
			s.Error(err)
		}
		s.refused(backend.Purchase{Buyer: "bob", Key: "k", Deal: "mat", Units: 1}, backend.ErrNoDeal)
		time.Sleep(6 * time.Minute) // what was reserved of a deal that is gone is given back all the same
		if err := s.SetDeals(s.Context(), []backend.Deal{more}); err != nil {
			s.Error(err)
		}
		s.left(12, 0, 0)
	})
}

func TestCreatedDealsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	d := mat()
	d.ID, d.OpensAt = "rug", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, mat())
		if created, err := s.Create(t.Context(), d); !created || err != nil {
			t.Errorf("Create = %v, %v", created, err)
		}
		if created, err := s.Create(t.Context(), d); created || err != nil {
			t.Errorf("Create again = %v, %v", created, err)
		}
		d := d
		d.Price++
		if _, err := s.Create(t.Context(), d); !errors.Is(err, backend.ErrDealExists) {
			t.Errorf("Create another = %v", err)
		}
		if _, err := s.Create(t.Context(), backend.Deal{ID: "mat"}); !errors.Is(err, backend.ErrDealExists) {
			t.Errorf("Create a configured one = %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, mat())
		all := s.Deals()
		if len(all) != 2 || all[0].ID != "mat" || all[1].Deal != d {
			t.Errorf("%+v", all)
		}
	})
}

// TestI18SoldOutIsNotAskedAgain counts what reaches the ledger, and has the
// stock come back.
func TestI18SoldOutIsNotAskedAgain(t *testing.T) {
	trade(t, func(s *stand) {
		for i := range 10 {
			s.buy(fmt.Sprint("b", i), "k")
		}
		time.Sleep(10 * time.Second) // the first seconds are for those whom a crash cut off
		asked := s.ledger.reserves.Load()
		for i := range 3000 {
			s.refused(backend.Purchase{Buyer: fmt.Sprint("c", i), Key: "k", Deal: "mat", Units: 1}, backend.ErrSoldOut)
			time.Sleep(time.Millisecond)
		}
		if n := s.ledger.reserves.Load() - asked; n > 30 {
			s.Errorf("the ledger was asked %d times for 3,000 refusals", n)
		}
		if o := s.buy("b1", "k"); o.Status != backend.Reserved {
			s.Error("who has an order is told so, sold out or not")
		}
		// Another process restocks: this one sees it within a second.
		if _, err := s.ledger.Put(s.Context(), backend.Terms{Deal: "mat", Total: 12, PerBuyer: 2}); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Second)
		s.buy("d1", "k")
		s.buy("d2", "k")
		s.refused(backend.Purchase{Buyer: "d3", Key: "k", Deal: "mat", Units: 1}, backend.ErrSoldOut)
		if _, err := s.Cancel(s.Context(), "d1", s.buy("d1", "k").ID); err != nil {
			s.Error(err)
		}
		s.buy("d3", "k") // at once
	})
}

// TestI18SoldOutIsNotBelievedForLong has the stock come back while nothing
// tells the shop so.
func TestI18SoldOutIsNotBelievedForLong(t *testing.T) {
	trade(t, func(s *stand) {
		time.Sleep(10 * time.Second)
		for i := range 10 {
			s.buy(fmt.Sprint("b", i), "k")
		}
		s.refused(backend.Purchase{Buyer: "c", Key: "k", Deal: "mat", Units: 1}, backend.ErrSoldOut)
		s.ledger.blind.Store(true)
		if _, err := s.ledger.Put(s.Context(), backend.Terms{Deal: "mat", Total: 12, PerBuyer: 2}); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Second)
		s.buy("c", "k")
	})
}

func TestI16RestockIsSeenAtOnce(t *testing.T) {
	trade(t, func(s *stand) {
		none := mat()
		none.Stock = 0
		if err := s.SetDeals(s.Context(), []backend.Deal{none}); err != nil {
			s.Fatal(err)
		}
		s.refused(backend.Purchase{Buyer: "ann", Key: "k", Deal: "mat", Units: 1}, backend.ErrSoldOut)
		if n, ok := s.Left([]string{"mat"}); n != 0 || !ok {
			s.Errorf("%d, %v left", n, ok)
		}
		if err := s.SetDeals(s.Context(), []backend.Deal{mat()}); err != nil {
			s.Fatal(err)
		}
		s.buy("ann", "k")
	})
}

func TestLeft(t *testing.T) {
	trade(t, func(s *stand) {
		o := s.buy("ann", "k")
		s.buy("bob", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Second)
		if n, ok := s.Left([]string{"mat"}); n != 9 || !ok {
			s.Errorf("%d, %v left; 8 are available and 1 is reserved", n, ok)
		}
		if _, ok := s.Left([]string{"mat", "rug"}); ok {
			s.Error("nobody knows of a rug")
		}
		s.ledger.away.Store(true)
		time.Sleep(5 * time.Second)
		if _, ok := s.Left([]string{"mat"}); ok {
			s.Error("the ledger has not answered for 5 s")
		}
		s.refused(backend.Purchase{Buyer: "cid", Key: "k", Deal: "mat", Units: 1}, backend.ErrAway)
		s.ledger.away.Store(false)
		time.Sleep(time.Second)
		if n, ok := s.Left([]string{"mat"}); n != 9 || !ok {
			s.Errorf("%d, %v left", n, ok)
		}
	})
}

func TestRefusesDealsThatCannotBe(t *testing.T) {
	f := func(change func(d *backend.Deal), want string) {
		t.Helper()
		d := mat()
		change(&d)
		if err := d.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", d, err, want)
		}
	}
	f(func(*backend.Deal) {}, "")
	f(func(d *backend.Deal) { d.ID = "" }, "id:")
	f(func(d *backend.Deal) { d.ID = "a/b" }, "id:")
	f(func(d *backend.Deal) { d.ID = "a}{b" }, "id:")
	f(func(d *backend.Deal) { d.Title = " \n" }, "title:")
	f(func(d *backend.Deal) { d.SKU = "a b" }, "sku:")
	f(func(d *backend.Deal) { d.Stock = -1 }, "stock:")
	f(func(d *backend.Deal) { d.Price = -1 }, "price:")
	f(func(d *backend.Deal) { d.ListPrice = 1 }, "list_price:")
	f(func(d *backend.Deal) { d.ListPrice = 0 }, "")
	f(func(d *backend.Deal) { d.Currency = "kr" }, "currency:")
	f(func(d *backend.Deal) { d.PerBuyer = -1 }, "per_buyer:")
	f(func(d *backend.Deal) { d.OpensAt, d.ClosesAt = time.Unix(2, 0), time.Unix(2, 0) }, "closes_at:")
}

func TestMoneyIsWrittenAsPeopleDo(t *testing.T) {
	f := func(minor int64, currency, want string) {
		t.Helper()
		if got := (backend.Money{Minor: minor, Currency: currency}).String(); got != want {
			t.Errorf("%d %s is written %q, want %q", minor, currency, got, want)
		}
	}
	f(1500000, "KRW", "₩1,500,000")
	f(0, "KRW", "₩0")
	f(1999, "USD", "$19.99")
	f(5, "EUR", "€0.05")
	f(123456, "CHF", "CHF 1,234.56")
	f(-1050, "USD", "-$10.50")
	f(1234, "KWD", "KWD 1.234")
}
