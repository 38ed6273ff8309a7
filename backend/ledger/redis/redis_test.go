package redis_test

import (
	"context"
	"net"
	"strings"
	"testing"

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
