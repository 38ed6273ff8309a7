package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func order(id, key string, created time.Time) backend.Order {
	return backend.Order{
		ID: id, Deal: "mat", SKU: "mat-1", Title: "Yoga mat", Buyer: "ann", Key: key, Print: "2 mat", Units: 2,
		Price: backend.Money{Minor: 15000, Currency: "KRW"}, Status: backend.Reserved, CreatedAt: created, PayBefore: created.Add(5 * time.Minute),
	}
}

func TestKeepsOrders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	s := open(t, path)
	o := order("1", "k", noon)
	for range 2 {
		if got, err := s.AddOrder(t.Context(), o); err != nil || got != o {
			t.Errorf("AddOrder = %+v, %v; want %+v", got, err, o)
		}
	}
	s.Close()
	s = open(t, path)
	if got, err := s.Order(t.Context(), "1"); err != nil || got != o {
		t.Errorf("Order = %+v, %v; want %+v", got, err, o)
	}
	if _, err := s.Order(t.Context(), "2"); !errors.Is(err, backend.ErrNoOrder) {
		t.Errorf("Order = %v", err)
	}
}

func TestI8KeyIsTakenForADay(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "orders.db"))
	f := func(id string, created time.Time, want error) {
		t.Helper()
		if _, err := s.AddOrder(t.Context(), order(id, "k", created)); !errors.Is(err, want) {
			t.Errorf("AddOrder = %v, want %v", err, want)
		}
	}
	f("1", noon, nil)
	f("2", noon.Add(24*time.Hour-time.Millisecond), backend.ErrKeyReused)
	f("3", noon.Add(24*time.Hour), nil)
	if o, err := s.OrderByKey(t.Context(), "ann", "k", noon.Add(-time.Hour)); err != nil || o.ID != "3" {
		t.Errorf("OrderByKey = %+v, %v", o, err)
	}
	if _, err := s.OrderByKey(t.Context(), "ann", "k", noon.Add(24*time.Hour)); !errors.Is(err, backend.ErrNoOrder) {
		t.Errorf("OrderByKey = %v", err)
	}
}

func TestStatusIsForGood(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "orders.db"))
	if _, err := s.AddOrder(t.Context(), order("1", "k", noon)); err != nil {
		t.Fatal(err)
	}
	f := func(c backend.Change, status backend.Status, charged bool) {
		t.Helper()
		if o, err := s.UpdateOrder(t.Context(), "1", c); err != nil || o.Status != status || o.Charged != charged {
			t.Errorf("UpdateOrder(%+v) = %+v, %v", c, o, err)
		}
	}
	pending := func(now time.Time, want int) {
		t.Helper()
		if o, err := s.Pending(t.Context(), now, 10); err != nil || len(o) != want {
			t.Errorf("pending at %v: %+v, %v; want %d", now, o, err, want)
		}
	}
	pending(noon.Add(5*time.Minute-time.Millisecond), 0)
	pending(noon.Add(5*time.Minute), 1)
	f(backend.Change{Charged: new(true)}, backend.Reserved, true)
	f(backend.Change{Status: backend.Cancelled}, backend.Cancelled, true)
	f(backend.Change{Status: backend.Paid}, backend.Cancelled, true)
	pending(noon, 1) // its money is still with us
	f(backend.Change{Charged: new(false)}, backend.Cancelled, false)
	pending(noon.Add(time.Hour), 0)
	if _, err := s.UpdateOrder(t.Context(), "2", backend.Change{Status: backend.Paid}); !errors.Is(err, backend.ErrNoOrder) {
		t.Errorf("UpdateOrder = %v", err)
	}
}

func TestLeavesACorruptFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	want := strings.Repeat("not a database at all\n", 500)
	if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened a corrupt file: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Error("the corrupt file was changed")
	}
}

func TestNamesAFolderItCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no such folder", "orders.db")
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v", err)
	}
}
