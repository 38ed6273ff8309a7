package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Config makes a [Room].
type Config struct {
	Name   string
	Policy Policy
	Engine Engine
	Log    *slog.Logger // default: discards
	// Now is this node's wall clock. Default time.Now. It may be wrong by minutes:
	// it counts only until an engine has answered.
	Now       func() time.Time
	StepEvery time.Duration  // least time from the end of a Step to the next. Default 2 ms.
	SyncEvery time.Duration  // time between two Syncs. Default 250 ms.
	Rand      func() float64 // in [0, 1), for jitter; safe for concurrent use. Default math/rand/v2.
}

// patience is how long a caller waits for its Step, and a Step or Sync for the
// engine; an engine silent for longer is away.
const patience = 2 * time.Second

// A Room is this node's view of one waiting room. It gathers what visitors
// ask into few Steps, and answers polls from its last Sync. Its methods are
// safe for concurrent use.
//
// Join, Claim, Look, Renew, End and Leave wait for the Step that carries the
// request, two seconds at most. They return an error that wraps [ErrAway] if no answer
// came (the request may or may not have happened, and may be repeated), [ErrClosed] after
// Run has ended, or the context's error. While the room is Away they fail at once.
type Room struct {
	cfg     Config
	made    time.Time
	policy  atomic.Pointer[Policy]
	snap    atomic.Pointer[snapshot]
	clock   atomic.Pointer[reading]
	synced  atomic.Int64 // when the last Sync that was answered ended, in ns since made
	learn   sync.Mutex   // held while snap or clock is replaced
	marks   marker
	ended   endList
	pending pending
	sync    chan struct{} // asks for a Sync at once
}

// NewRoom checks cfg and returns a room. It starts nothing: see [Room.Run].
func NewRoom(cfg Config) (*Room, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("room: name: want one")
	case cfg.Engine == nil:
		return nil, fmt.Errorf("room %s: engine: want one", cfg.Name)
	}
	if err := cfg.Policy.check(); err != nil {
		return nil, fmt.Errorf("room %s: %w", cfg.Name, err)
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.StepEvery = cmp.Or(cfg.StepEvery, 2*time.Millisecond)
	cfg.SyncEvery = cmp.Or(cfg.SyncEvery, 250*time.Millisecond)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	r := &Room{cfg: cfg, made: time.Now(), sync: make(chan struct{}, 1)}
	r.pending.wake = make(chan struct{}, 1)
	r.pending.late = fmt.Errorf("room %s: %w", cfg.Name, ErrAway)
	r.policy.Store(cfg.Policy.own())
	r.snap.Store(&snapshot{view: &View{}, stretch: 1})
	return r, nil
}

// Run sends Steps and Syncs until ctx ends, and then returns nil. An engine
// that fails does not end it: the callers of a failed Step are told, the next is tried. A
// Step that is under way when ctx ends is waited for. Run may be called once.
func (r *Room) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { r.steps(ctx) })
	loops.Go(func() { r.syncs(ctx) })
	loops.Wait()
	r.pending.close(fmt.Errorf("room %s: %w", r.cfg.Name, ErrClosed))
	return nil
}

// Name returns the room's name.
func (r *Room) Name() string { return r.cfg.Name }

// Now estimates the engine's time. It is never behind the engine's, so that no
// pass outlives its lease, and never goes back once an engine has answered.
func (r *Room) Now() time.Time {
	if c := r.clock.Load(); c != nil {
		return c.now()
	}
	return r.cfg.Now()
}

// Policy returns the policy that the next Step or Sync carries.
func (r *Room) Policy() Policy { return *r.policy.Load() }

// SetPolicy replaces the policy; it is in force with the next Step or Sync. Places and
// sessions do not notice. A policy with a fault changes nothing.
func (r *Room) SetPolicy(p Policy) {
	if err := p.check(); err != nil {
		r.cfg.Log.Error("policy refused", "room", r.cfg.Name, "err", err)
		return
	}
	r.policy.Store(p.own())
	r.syncSoon()
}

// View returns the last Sync's View, which nobody may change: a zero View
// before the first.
func (r *Room) View() *View { return r.snap.Load().view }

// Away reports whether the engine has answered no Sync for more than two
// seconds. A new room has that long for its first.
func (r *Room) Away() bool {
	return time.Since(r.made)-time.Duration(r.synced.Load()) > patience
}

// Ended reports whether the pass of a place is void before its time.
func (r *Room) Ended(t Ticket) bool { return r.ended.has(t) }

// Estimate tells what is known of a place's wait, from the last Sync and the
// joins since.
func (r *Room) Estimate(t Ticket) Estimate { return r.snap.Load().estimate(t) }

// PollAfter tells when the visitor of e should come back while it waits: after a fifth of
// its ETA, 2 to 30 s, give or take a fifth; less often where more wait than this
// node can answer.
func (r *Room) PollAfter(e Estimate) time.Duration {
	base := pollBase(e.pace, r.snap.Load().stretch)
	return time.Duration(float64(base) * (0.8 + 0.4*r.cfg.Rand()))
}

// Promise marks a place as present for as long as a visitor who was told to
// come back in pollAfter may take. The mark travels with the next Sync; a place has one
// for a presence window at most.
func (r *Room) Promise(t Ticket, pollAfter time.Duration) {
	s := r.snap.Load()
	l := s.line(t.Lane)
	if l == nil || t.Epoch != l.epoch || t.Place <= l.head || s.view.Now.IsZero() {
		return
	}
	r.marks.mark(Ticket{Lane: l.lane, Epoch: t.Epoch, Place: t.Place}, PresenceWindow(s.view.Presence, pollAfter))
}

// Control changes the overrides of the room, or resets it, and returns those in
// force. It fills in c.Room and c.Policy. An error that wraps [ErrAway] leaves it unknown
// whether the change was made; one that wraps [ErrRefused] says that it never will be.
func (r *Room) Control(ctx context.Context, c Control) (Overrides, error) {
	c.Room, c.Policy = r.cfg.Name, r.Policy()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o, err := r.cfg.Engine.Control(ctx, &c)
	if errors.Is(err, ErrRefused) {
		return Overrides{}, err
	}
	if err != nil {
		return Overrides{}, r.away(err)
	}
	r.syncSoon()
	return o, nil
}

// away wraps an engine's error as ErrAway.
func (r *Room) away(err error) error {
	if errors.Is(err, ErrAway) {
		return fmt.Errorf("room %s: %w", r.cfg.Name, err)
	}
	return fmt.Errorf("room %s: %w: %w", r.cfg.Name, ErrAway, err)
}
