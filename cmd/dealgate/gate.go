package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/proxy"
	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/queue/memory"
	"github.com/dealgate/dealgate/token"
)

// gate is everything one process runs, wired together.
type gate struct {
	log     *slog.Logger
	metrics *metrics
	engine  *memory.Engine
	shop    *bundledShop // nil: not configured
	handler *proxy.Handler
	parts   *errgroup.Group    // rooms and shop: they outlive the listeners
	ctx     context.Context    // of the parts
	end     context.CancelFunc // ends the parts

	started *configs.Config // listeners and stores stay as it says
	addr    net.Addr        // where visitors come in, once it listens

	mu        sync.Mutex // guards what follows, which apply replaces
	cfg       *configs.Config
	keys      *token.Keyring
	upstreams map[string]*upstream.Upstream
	rooms     []*runningRoom
}

// runningRoom is a room with the end of its Run.
type runningRoom struct {
	*queue.Room
	end context.CancelFunc
}

// newGate opens the stores, wires cfg and starts rooms and shop, which go on
// until close.
func newGate(ctx context.Context, cfg *configs.Config, log *slog.Logger) (*gate, error) {
	if err := os.MkdirAll(cfg.Store.Path, 0o700); err != nil {
		return nil, fmt.Errorf("store.path %s: %w", cfg.Store.Path, err)
	}
	g := &gate{log: log, metrics: newMetrics(), started: cfg}
	ctx, g.end = context.WithCancel(context.WithoutCancel(ctx))
	g.parts, g.ctx = errgroup.WithContext(ctx)
	if err := g.open(ctx, cfg); err != nil {
		g.close()
		return nil, err
	}
	g.metrics.registry.MustRegister(scrape{rooms: g.roomList, stock: g.stockLeft})
	g.metrics.reloaded(nil)
	return g, nil
}

// open opens the stores and applies cfg for the first time.
func (g *gate) open(ctx context.Context, cfg *configs.Config) (err error) {
	g.engine, err = memory.New(memory.Options{Path: cfg.Store.Path})
	if err != nil {
		return err
	}
	if cfg.Backend != nil {
		if g.shop, err = openShop(ctx, cfg, g.log); err != nil {
			return err
		}
		g.parts.Go(func() error { return g.shop.run(g.ctx) })
	}
	return g.apply(cfg)
}

// close ends rooms and shop, waits for them, and closes the stores: the
// engine last, when no room asks it any more.
func (g *gate) close() error {
	g.end()
	err := g.parts.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range g.upstreams {
		u.Close()
	}
	if g.shop != nil {
		err = cmp.Or(err, g.shop.close())
	}
	if g.engine != nil {
		err = cmp.Or(err, g.engine.Close())
	}
	return err
}

// apply takes cfg over: rooms whose names stay keep their line. With an error
// nothing has changed.
func (g *gate) apply(cfg *configs.Config) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys, err := g.keysLocked(cfg)
	if err != nil {
		return err
	}
	upstreams, err := g.upstreamsLocked(cfg)
	if err != nil {
		return err
	}
	rooms, err := g.roomsLocked(cfg)
	if err != nil {
		return err
	}
	served := g.serving(cfg, keys, upstreams, rooms)
	handler, err := proxy.New(served)
	if err != nil {
		return err
	}
	if g.shop != nil { // the last that can fail: nothing else has changed yet
		if err := g.shop.setDeals(g.ctx, cfg); err != nil {
			return err
		}
	}
	if g.handler == nil {
		g.handler = handler
	} else if err := g.handler.Reload(served); err != nil {
		return err
	}
	if g.cfg != nil {
		for _, key := range configs.Changes(g.started, cfg) {
			g.log.Warn("a changed key needs a restart to take effect", "key", key)
		}
	}
	g.replaceLocked(cfg, keys, upstreams, rooms)
	return nil
}

// replaceLocked makes the given parts those in force: new rooms start, rooms
// and upstreams that are gone end.
func (g *gate) replaceLocked(cfg *configs.Config, keys *token.Keyring, upstreams map[string]*upstream.Upstream, rooms []*runningRoom) {
	for i, r := range rooms {
		r.SetPolicy(policy(cfg.Rooms[i]))
		if r.end == nil {
			ctx, end := context.WithCancel(g.ctx)
			r.end = end
			g.parts.Go(func() error { return r.Run(ctx) })
		}
	}
	for _, r := range g.rooms {
		if !slices.Contains(rooms, r) {
			r.end()
		}
	}
	for name, u := range g.upstreams {
		if upstreams[name] != u {
			u.Close()
		}
	}
	g.cfg, g.keys, g.upstreams, g.rooms = cfg, keys, upstreams, rooms
}

// keysLocked returns the keyring of cfg: the one in force if nothing can have
// changed, since it remembers the tokens it verified. A file may hold another key by now.
func (g *gate) keysLocked(cfg *configs.Config) (*token.Keyring, error) {
	keys := tokenKeys(cfg)
	inFile := slices.ContainsFunc(keys, func(k token.Key) bool { return k.File != "" })
	if g.cfg != nil && !inFile && reflect.DeepEqual(g.cfg.Tokens, cfg.Tokens) {
		return g.keys, nil
	}
	if len(keys) == 0 {
		key, err := token.Generate(filepath.Join(cfg.Store.Path, "tokens.key"))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return token.NewKeyring(cfg.Tokens.Issuer, keys)
}

// upstreamsLocked returns the upstreams of cfg; those in force whose entry is
// the same keep their connections.
func (g *gate) upstreamsLocked(cfg *configs.Config) (map[string]*upstream.Upstream, error) {
	all := make(map[string]*upstream.Upstream)
	for _, u := range cfg.Upstreams {
		if g.cfg != nil && slices.ContainsFunc(g.cfg.Upstreams, func(old configs.Upstream) bool { return reflect.DeepEqual(old, u) }) {
			all[u.Name] = g.upstreams[u.Name]
			continue
		}
		c := upstream.Config{Name: u.Name, Targets: u.Targets, Log: g.log}
		if u.Bundled {
			if g.shop == nil {
				return nil, fmt.Errorf("upstream %s: the bundled shop does not run; a restart starts it", u.Name)
			}
			c.Targets, c.Dial = []string{"http://bundled:80"}, g.shop.dial
		}
		made, err := upstream.New(c)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
		}
		all[u.Name] = made
	}
	return all, nil
}

// roomsLocked returns the rooms of cfg, parallel to it: those in force by
// their names, new ones not yet running.
func (g *gate) roomsLocked(cfg *configs.Config) ([]*runningRoom, error) {
	var rooms []*runningRoom
	for _, rc := range cfg.Rooms {
		i := slices.IndexFunc(g.rooms, func(r *runningRoom) bool { return r.Name() == rc.Name })
		if i >= 0 {
			rooms = append(rooms, g.rooms[i])
			continue
		}
		r, err := queue.NewRoom(queue.Config{
			Name:   rc.Name,
			Policy: policy(rc),
			Engine: observedEngine{g.engine, g.metrics.store},
			Log:    g.log,
		})
		if err != nil {
			return nil, fmt.Errorf("room %s: %w", rc.Name, err)
		}
		rooms = append(rooms, &runningRoom{Room: r})
	}
	return rooms, nil
}

// roomList is the rooms in force.
func (g *gate) roomList() []*queue.Room {
	g.mu.Lock()
	defer g.mu.Unlock()
	var rooms []*queue.Room
	for _, r := range g.rooms {
		rooms = append(rooms, r.Room)
	}
	return rooms
}

// overrides are what operators set before this start, by room.
func (g *gate) overrides(ctx context.Context) (map[string]queue.Overrides, error) {
	all := make(map[string]queue.Overrides)
	for _, r := range g.roomList() {
		o, err := r.Control(ctx, queue.Control{})
		if err != nil {
			return nil, fmt.Errorf("room %s: %w", r.Name(), err)
		}
		all[r.Name()] = o
	}
	return all, nil
}

func (g *gate) stockLeft() map[string]int64 {
	if g.shop == nil {
		return nil
	}
	return g.shop.left()
}

// readiness says why the gate takes no visitors yet.
func (g *gate) readiness() error {
	for _, r := range g.roomList() {
		if r.View().Run == "" {
			return fmt.Errorf("room %s has not heard from its store yet", r.Name())
		}
		if r.Away() {
			return fmt.Errorf("room %s: the store does not answer", r.Name())
		}
	}
	return nil
}
