package queue

import (
	"context"
	"log/slog"
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
	StepEvery time.Duration  // least time between two Steps. Default 2 ms.
	SyncEvery time.Duration  // time between two Syncs. Default 250 ms.
	Rand      func() float64 // in [0, 1), for jitter. Default math/rand/v2.
}

// Entry is what a join gave.
type Entry struct {
	Ticket Ticket
	Head   int64     // of the lane, after the join
	Ends   time.Time // the lease's end if it was admitted at once; zero: it waits
}

// A Room is this node's view of one waiting room. Its methods are safe for
// concurrent use.
type Room struct{ cfg Config }

// NewRoom checks cfg and returns a room. It starts nothing: see [Room.Run].
func NewRoom(cfg Config) (*Room, error) { return &Room{cfg: cfg}, nil }

// Run sends Steps and Syncs until ctx ends, and then returns nil. An engine
// that fails does not end it: it is asked again.
func (r *Room) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Name returns the room's name.
func (r *Room) Name() string { return r.cfg.Name }

// Now estimates the engine's time. It is never behind it, so that no pass outlives its lease.
func (r *Room) Now() time.Time { return time.Now() }

// Policy returns the policy that the next Step or Sync carries.
func (r *Room) Policy() Policy { return r.cfg.Policy }

// SetPolicy replaces the policy. Places and sessions do not notice.
func (r *Room) SetPolicy(p Policy) { r.cfg.Policy = p }

// View returns the last Sync's View, which nobody may change: a zero View before the first.
func (r *Room) View() *View { return &View{} }

// Away reports whether the engine has answered no Sync for more than two seconds.
func (r *Room) Away() bool { return false }

// Join takes a place at the tail of a lane.
func (r *Room) Join(ctx context.Context, lane string) (Entry, error) { return Entry{}, ErrAway }

// Claim asks for the session of a called place.
func (r *Room) Claim(ctx context.Context, t Ticket) (Outcome, error) { return Outcome{}, ErrAway }

// Look tells where a place stands. Above the head it asks nobody.
func (r *Room) Look(ctx context.Context, t Ticket) (Outcome, error) { return Outcome{}, ErrAway }

// Renew prolongs the session of a place.
func (r *Room) Renew(ctx context.Context, t Ticket) (Outcome, error) { return Outcome{}, ErrAway }

// End ends the session of a place.
func (r *Room) End(ctx context.Context, t Ticket) error { return ErrAway }

// Leave gives a place up.
func (r *Room) Leave(ctx context.Context, t Ticket) error { return ErrAway }

// Ended reports whether the pass of a place is void before its time.
func (r *Room) Ended(t Ticket) bool { return false }

// Estimate tells what is known of a place's wait.
func (r *Room) Estimate(t Ticket) Estimate { return Estimate{} }

// PollAfter tells when the visitor of e should come back.
func (r *Room) PollAfter(e Estimate) time.Duration { return 2 * time.Second }

// Promise marks a place as present for as long as a visitor who was told to
// come back in pollAfter may take.
func (r *Room) Promise(t Ticket, pollAfter time.Duration) {}

// Control changes the overrides of the room, or resets it. It fills in c.Room and c.Policy.
func (r *Room) Control(ctx context.Context, c Control) (Overrides, error) {
	return Overrides{}, ErrAway
}
