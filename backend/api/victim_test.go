package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/api"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/redis"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

// TestMain is the shop that is killed, when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("SHOP_DIR") == "" {
		os.Exit(m.Run())
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the test ends, even if it is killed
		os.Exit(1)
	}()
	if err := victim(context.Background(), os.Getenv("SHOP_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// victim serves a shop on a socket in dir until it kills itself.
func victim(ctx context.Context, dir string) error {
	k := new(killer)
	fmt.Sscan(os.Getenv("SHOP_KILL"), &k.step, &k.n)
	ledger, err := victimLedger(ctx, dir)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "orders.db"))
	if err != nil {
		return err
	}
	d := mat()
	d.Stock, d.PerBuyer = stock, 1
	shop, err := backend.New(ctx, backend.Config{
		Ledger: killLedger{ledger, k}, Store: killStore{store, k}, Payment: killPayment{k}, Deals: []backend.Deal{d},
		PayWithin: 5 * time.Second, Every: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	h, err := api.New(api.Config{Shop: shop, Secret: []byte(secret)})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "shop")
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	fmt.Println("up")
	go shop.Run(ctx)
	return http.Serve(l, h)
}

func victimLedger(ctx context.Context, dir string) (backend.Ledger, error) {
	if addr := os.Getenv("SHOP_REDIS"); addr != "" {
		return redis.Open(ctx, redis.Options{Addrs: []string{addr}})
	}
	return embedded.Open(ctx, filepath.Join(dir, "stock.db"))
}

// killer kills its process, as kill -9 does, the n-th time a step is done.
type killer struct {
	step string
	n    int64
	done atomic.Int64
}

func (k *killer) after(step string) {
	if step == k.step && k.done.Add(1) == k.n {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type killLedger struct {
	backend.Ledger
	k *killer
}

func (l killLedger) Reserve(ctx context.Context, r backend.Reserve) (backend.Hold, error) {
	h, err := l.Ledger.Reserve(ctx, r)
	if err == nil {
		l.k.after("Reserve")
	}
	return h, err
}

func (l killLedger) Confirm(ctx context.Context, deal, order string) error {
	err := l.Ledger.Confirm(ctx, deal, order)
	if err == nil {
		l.k.after("Confirm")
	}
	return err
}

func (l killLedger) Release(ctx context.Context, deal, order string) (bool, error) {
	sold, err := l.Ledger.Release(ctx, deal, order)
	if err == nil {
		l.k.after("Release")
	}
	return sold, err
}

type killStore struct {
	backend.Store
	k *killer
}

func (s killStore) AddOrder(ctx context.Context, o backend.Order) (backend.Order, error) {
	o, err := s.Store.AddOrder(ctx, o)
	if err == nil {
		s.k.after("AddOrder")
	}
	return o, err
}

func (s killStore) UpdateOrder(ctx context.Context, id string, c backend.Change) (backend.Order, error) {
	o, err := s.Store.UpdateOrder(ctx, id, c)
	switch {
	case err != nil:
	case c.Charged != nil:
		s.k.after("Charged")
	case c.Status == backend.Paid:
		s.k.after("Paid")
	case c.Status == backend.Cancelled:
		s.k.after("Cancelled")
	}
	return o, err
}

// killPayment pays at the provider, which is in the process of the test.
type killPayment struct{ k *killer }

func (p killPayment) Settle(ctx context.Context, order string, amount backend.Money) error {
	body := fmt.Appendf(nil, `{"Order":%q,"Amount":%d}`, order, amount.Minor)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("SHOP_PROVIDER"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	p.k.after("Settle")
	return nil
}
