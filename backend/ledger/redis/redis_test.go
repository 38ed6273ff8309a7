package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	driver "github.com/redis/go-redis/v9"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
	"github.com/dealgate/dealgate/backend/ledger/redis"
)

func TestLedger(t *testing.T) {
	addr := ledgertest.Redis(t)
	open := func(t *testing.T) backend.Ledger { return open(t, addr) }
	ledgertest.Run(t, open)
	ledgertest.RunLive(t, open)
}

// TestLedgerClock plays the scripts on a stand-in for Redis whose clock is
// the test's.
func TestLedgerClock(t *testing.T) {
	ledgertest.RunClock(t, func(t *testing.T) backend.Ledger {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		db := driver.NewClient(&driver.Options{
			Addr:   "127.0.0.1:0",
			Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		})
		t.Cleanup(func() {
			db.Close()
			m.Close()
		})
		return redis.New(db)
	})
}

// TestLedgerOnACluster has a node with all slots refuse scripts whose keys do
// not belong together.
func TestLedgerOnACluster(t *testing.T) {
	addr := ledgertest.Redis(t, "--cluster-enabled", "yes")
	db := driver.NewClient(&driver.Options{Addr: addr})
	defer db.Close()
	if err := db.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for {
		info, err := db.ClusterInfo(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			break
		}
	}
	ledgertest.Run(t, func(t *testing.T) backend.Ledger { return open(t, addr) })
}

// TestReservedIsWhatIsHeld counts the holds themselves: the ledger only takes
// what is reserved to be what is neither available nor sold.
func TestReservedIsWhatIsHeld(t *testing.T) {
	addr := ledgertest.Redis(t)
	l := open(t, addr)
	ctx := t.Context()
	if _, err := l.Put(ctx, backend.Terms{Deal: "d", Total: 60}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 120 {
		all.Go(func() {
			id := backend.NewID()
			r := backend.Reserve{Deal: "d", Order: id, Buyer: fmt.Sprint("b", i%7), Key: id, Units: int64(1 + i%3), Hold: time.Hour}
			_, err := l.Reserve(ctx, r)
			switch {
			case errors.Is(err, backend.ErrSoldOut) || errors.Is(err, backend.ErrNotEnough):
			case err != nil:
				t.Error(err)
			case i%4 == 0:
				err = l.Confirm(ctx, "d", id)
			case i%4 == 1:
				_, err = l.Release(ctx, "d", id)
			}
			if err != nil && !errors.Is(err, backend.ErrSoldOut) && !errors.Is(err, backend.ErrNotEnough) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := l.Sweep(ctx, "d")
	if err != nil {
		t.Fatal(err)
	}
	db := driver.NewClient(&driver.Options{Addr: addr})
	defer db.Close()
	fields, err := db.HGetAll(ctx, "dealgate:stock:{d}").Result()
	if err != nil {
		t.Fatal(err)
	}
	var reserved, sold, buyers int64
	for name, value := range fields {
		var state string
		var units int64
		switch {
		case strings.HasPrefix(name, "o:"):
			fmt.Sscan(value, &state, &units)
		case strings.HasPrefix(name, "b:"):
			fmt.Sscan(value, &units)
			buyers += units
		}
		switch state {
		case "live":
			reserved += units
		case "sold":
			sold += units
		}
	}
	if got.Reserved != reserved || got.Sold != sold || buyers != reserved+sold || reserved == 0 || sold == 0 {
		t.Errorf("%+v, but %d are held, %d sold, %d with buyers", got, reserved, sold, buyers)
	}
}

func TestOpenNamesWhatDoesNotAnswer(t *testing.T) {
	if _, err := redis.Open(t.Context(), redis.Options{Addrs: []string{"127.0.0.1:1"}}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("Open = %v", err)
	}
}

func open(t testing.TB, addr string) *redis.Ledger {
	t.Helper()
	l, err := redis.Open(t.Context(), redis.Options{Addrs: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
