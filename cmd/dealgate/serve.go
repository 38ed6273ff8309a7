package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/proxy"
	"github.com/dealgate/dealgate/proxy/admin"
)

// grace is how long requests under way may take when the gate stops.
const grace = 20 * time.Second

func serve(ctx context.Context, args []string, std streams) error {
	flags := newFlags("serve")
	file := flags.String("config", "dealgate.yaml", "the configuration `FILE`; a change of it is taken over, as on SIGHUP")
	if goOn, err := parseFlags(flags, args, std); !goOn {
		return err
	}
	hup := hangups() // also one that comes while we start
	cfg, err := load(*file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; --config names another, 'dealgate defaults' prints one to start from", err)
	}
	if err != nil {
		return err
	}
	return runGate(ctx, cfg, std, func(ctx context.Context, g *gate) error { return g.watch(ctx, *file, hup) })
}

// runGate runs cfg until one of its parts fails or beside returns, which runs
// once the gate serves and is to return when ctx ends: the gate serves it to
// its end.
func runGate(ctx context.Context, cfg *configs.Config, std streams, beside func(context.Context, *gate) error) (err error) {
	started := time.Now()
	log := slog.New(slog.NewTextHandler(std.err, nil))
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer ln.Close()
	adminLn, err := net.Listen("tcp", cfg.Admin.Listen)
	if err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	defer adminLn.Close()
	g, err := newGate(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, g.close()) }()

	g.addr = ln.Addr()
	overrides, err := g.overrides(ctx)
	if err != nil {
		return err
	}
	banner(std.out, cfg, overrides, ln.Addr(), adminLn.Addr(), time.Since(started))
	if !loopback(ln.Addr()) && len(cfg.TrustedProxies) == 0 {
		log.Warn("plain HTTP beyond loopback: cookies are neither Secure nor __Host-; put TLS in front and list it in trusted_proxies")
	}
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	parts, serving := errgroup.WithContext(serving)
	parts.Go(func() error { return g.serveVisitors(serving, ln) })
	parts.Go(func() error { return g.serveOperators(serving, adminLn, cfg) })
	parts.Go(func() error { return g.failure(serving) })
	parts.Go(func() error {
		defer end()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(serving, cancel)() // a part that fails ends what runs beside it
		return beside(ctx, g)
	})
	return parts.Wait()
}

// failure waits for a room or the shop to fail, or ctx to end.
func (g *gate) failure(ctx context.Context) error {
	select {
	case <-g.ctx.Done():
		return context.Cause(g.ctx)
	case <-ctx.Done():
		return nil
	}
}

// serveVisitors serves the gate on ln until ctx ends, and then lets what is
// under way end.
func (g *gate) serveVisitors(ctx context.Context, ln net.Listener) error {
	srv := g.handler.Server()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(proxy.Listen(ln)) }()
	select {
	case err := <-served:
		return fmt.Errorf("listen: %w", cmp.Or(err, io.EOF))
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.ShutdownWithContext(bye); err != nil {
		g.log.Warn("requests under way were cut off", "err", err)
	}
	return nil
}

// serveOperators serves the admin listener until ctx ends.
func (g *gate) serveOperators(ctx context.Context, ln net.Listener, cfg *configs.Config) error {
	srv := &http.Server{
		Handler: admin.New(admin.Config{
			Rooms: g.roomList, Metrics: g.metrics.handler(), Ready: g.readiness,
			Token: string(cfg.Admin.Token), Loopback: loopback(ln.Addr()), Log: g.log,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("admin.listen: %w", err)
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := srv.Shutdown(bye); err != nil {
		srv.Close()
	}
	return nil
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// waitFor is a beside that does nothing.
func waitFor(ctx context.Context, _ *gate) error {
	<-ctx.Done()
	return nil
}
