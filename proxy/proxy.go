// Package proxy is the gate as visitors and programs meet it: it decides for
// every request whether it passes, waits or goes elsewhere, and answers for
// everything under /.dealgate/.
//
// It trusts nothing a client sends but tokens its keyring signed, believes
// X-Forwarded-* only of the proxies it was told to trust, and asks a
// [queue.Room] who may pass. What it cannot decide counts as protected.
package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// Config is what a Handler serves. Rooms, Routes and Keys are not copied
// deeply: leave them alone once they were given.
type Config struct {
	Rooms  []Room         // looked at first, in order
	Routes []Route        // what no room protects; the first match wins
	Keys   *token.Keyring // signs and verifies tickets and passes; required
	// TrustedProxies are the peers whose X-Forwarded-For and -Proto are believed.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger // what went wrong for a visitor; default discards
	Observe        Observer     // default nil: nothing is observed
	// Random is in [0, 1), for jitter; safe for concurrent use. Default math/rand/v2.
	Random func() float64
}

// Room is a waiting room and what it protects.
type Room struct {
	Queue    *queue.Room // required; its name is the room's
	Match    []Match     // alternatives; none protects nothing, but the room's endpoints answer
	Upstream *upstream.Upstream
	// WaitingStatus goes with the waiting page: 200, 202, 429 or 503. Default 503.
	WaitingStatus int
	// OnStoreFailure says what those get whom the store cannot place: "hold" (default), "open" or "closed".
	OnStoreFailure string
	TicketTTL      time.Duration // how long a ticket is valid. Default 24 h
	Stock          Stock         // default nil: nothing runs out
	Lane           string        // whom newcomers join. Default the policy's first lane
}

// Match is a rule: all that is given must hold.
type Match struct {
	Host    string   // exact or *.a.example; port, case and a final dot do not count. "": any
	Path    string   // exact or a prefix /x/*, which covers /x too. "": any
	Methods []string // none: any. GET covers HEAD
}

// Route forwards what no room protects.
type Route struct {
	Match    []Match // alternatives
	Upstream *upstream.Upstream
}

// Stock says what is left of a room's deals.
type Stock interface {
	// Left is what is available or reserved; known is false where nobody can
	// say. It answers from memory and is safe for concurrent use.
	Left() (n int64, known bool)
}

// Handler serves the gate. It is safe for concurrent use.
type Handler struct {
	table atomic.Pointer[table]
}

// New returns a Handler that serves cfg.
func New(cfg Config) (*Handler, error) {
	h := &Handler{}
	if err := h.Reload(cfg); err != nil {
		return nil, err
	}
	return h, nil
}

// Reload serves cfg from the next request on; requests under way end as they
// began. A faulty cfg changes nothing.
func (h *Handler) Reload(cfg Config) error {
	t, err := compile(cfg)
	if err != nil {
		return err
	}
	h.table.Store(t)
	return nil
}

// table is a Config made ready to serve. It is immutable.
type table struct {
	keys    *token.Keyring
	trusted []netip.Prefix
	log     *slog.Logger
	observe Observer
	random  func() float64
	rooms   []*room
	byName  map[string]*room
	routes  []route
	hosts   bool // some room protects one host and not another
}

type route struct {
	match    []rule
	upstream *upstream.Upstream
}

var roomName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

func compile(cfg Config) (*table, error) {
	if cfg.Keys == nil {
		return nil, errors.New("no keyring")
	}
	t := &table{keys: cfg.Keys, trusted: cfg.TrustedProxies, log: cfg.Log, observe: cfg.Observe, random: cfg.Random, byName: map[string]*room{}}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.random == nil {
		t.random = rand.Float64
	}
	for i, rc := range cfg.Rooms {
		r, err := compileRoom(rc)
		if err != nil {
			return nil, fmt.Errorf("room %d: %w", i, err)
		}
		if t.byName[r.name] != nil {
			return nil, fmt.Errorf("room %q is there twice", r.name)
		}
		t.rooms = append(t.rooms, r)
		t.byName[r.name] = r
		t.hosts = t.hosts || slices.ContainsFunc(r.rules, func(m rule) bool { return !m.anyHost() })
	}
	for i, rc := range cfg.Routes {
		if rc.Upstream == nil {
			return nil, fmt.Errorf("route %d: no upstream", i)
		}
		rules, err := compileRules(rc.Match)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i, err)
		}
		t.routes = append(t.routes, route{rules, rc.Upstream})
	}
	return t, nil
}
