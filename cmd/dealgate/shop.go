package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/api"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/redis"
	"github.com/dealgate/dealgate/backend/store/sqlite"
	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/token"
)

// bundledShop is the shop in this process, served on a listener in memory.
type bundledShop struct {
	*backend.Shop
	server *http.Server
	ln     *fasthttputil.InmemoryListener
	stores []io.Closer // closed in this order

	mu    sync.Mutex // guards deals
	deals []string   // ids as configured
}

// openShop opens the shop's ledger and orders and puts the configured deals.
func openShop(ctx context.Context, cfg *configs.Config, log *slog.Logger) (*bundledShop, error) {
	s := &bundledShop{ln: fasthttputil.NewInmemoryListener()}
	if err := s.open(ctx, cfg, log); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *bundledShop) open(ctx context.Context, cfg *configs.Config, log *slog.Logger) error {
	ledger, err := openLedger(ctx, cfg, log)
	if err != nil {
		return err
	}
	s.stores = append(s.stores, ledger)
	orders, err := sqlite.Open(ctx, filepath.Join(cfg.Store.Path, "orders.db"))
	if err != nil {
		return err
	}
	s.stores = append(s.stores, orders)
	deals := backendDeals(cfg)
	s.Shop, err = backend.New(ctx, backend.Config{
		Ledger: ledger, Store: orders, Deals: deals, PayWithin: cfg.Backend.PayWithin, Log: log,
	})
	if err != nil {
		return err
	}
	s.deals = ids(deals)
	buyers, err := token.Generate(filepath.Join(cfg.Store.Path, "buyers.key"))
	if err != nil {
		return err
	}
	handler, err := api.New(api.Config{Shop: s.Shop, SellerKey: string(cfg.Backend.SellerKey), Secret: buyers.Secret, Log: log})
	if err != nil {
		return err
	}
	s.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return nil
}

// ledger is a Ledger that can be closed.
type ledger interface {
	backend.Ledger
	io.Closer
}

func openLedger(ctx context.Context, cfg *configs.Config, log *slog.Logger) (ledger, error) {
	if cfg.Store.Engine != "redis" {
		return embedded.Open(ctx, filepath.Join(cfg.Store.Path, "stock.db"))
	}
	log.Warn("store.engine redis: the shop's stock is in Redis, the rooms' lines are still in store.path: run one node")
	c := cfg.Store.Redis
	return redis.Open(ctx, redis.Options{
		Addrs: c.Addrs, Master: c.Master, Username: c.Username, Password: string(c.Password), TLS: c.TLS, DB: c.DB,
	})
}

// run serves the shop until ctx ends.
func (s *bundledShop) run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(onTime{s.ln}) }()
	err := s.Shop.Run(ctx)
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if stopped := s.server.Shutdown(bye); stopped != nil {
		s.server.Close()
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = fmt.Errorf("the bundled shop: %w", e)
	}
	return err
}

// onTime is a listener in memory whose connections say in net's words that a
// deadline has passed. net/http ends its wait for a client that goes away by a
// deadline; by fasthttputil's error, which is no net.Error, it takes the client
// to be gone, and cancels every later request of the connection.
type onTime struct{ net.Listener }

func (l onTime) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return onTimeConn{c}, err
}

type onTimeConn struct{ net.Conn }

func (c onTimeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, fasthttputil.ErrTimeout) {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// dial connects to the shop.
func (s *bundledShop) dial(string) (net.Conn, error) { return s.ln.Dial() }

// setDeals takes the configured deals over.
func (s *bundledShop) setDeals(ctx context.Context, cfg *configs.Config) error {
	if cfg.Backend == nil {
		return nil // the shop ends with the process; Changes says so
	}
	deals := backendDeals(cfg)
	if err := s.SetDeals(ctx, deals); err != nil {
		return err
	}
	s.mu.Lock()
	s.deals = ids(deals)
	s.mu.Unlock()
	return nil
}

// left is what is left of the configured deals.
func (s *bundledShop) left() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int64)
	for _, id := range s.deals {
		if n, known := s.Left([]string{id}); known {
			all[id] = n
		}
	}
	return all
}

// close closes the shop's stores.
func (s *bundledShop) close() error {
	s.ln.Close() // the server may have done so
	var errs []error
	for _, c := range s.stores {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// dealStock tells the proxy what is left of a room's deals.
type dealStock struct {
	shop  *backend.Shop
	deals []string
}

// Left implements [proxy.Stock].
func (d dealStock) Left() (int64, bool) { return d.shop.Left(d.deals) }

func backendDeals(cfg *configs.Config) []backend.Deal {
	var deals []backend.Deal
	for _, d := range cfg.Backend.Deals {
		deals = append(deals, backend.Deal{
			ID: d.ID, Title: d.Title, SKU: d.SKU, Stock: d.Stock, Price: d.Price, ListPrice: d.ListPrice,
			Currency: d.Currency, PerBuyer: d.PerBuyer, OpensAt: d.OpensAt, ClosesAt: d.ClosesAt,
		})
	}
	return deals
}

func ids(deals []backend.Deal) []string {
	var all []string
	for _, d := range deals {
		all = append(all, d.ID)
	}
	return all
}
