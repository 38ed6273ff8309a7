// Package queue decides who may pass and who waits.
//
// A [Room] is a node's view of one waiting room: it gathers what visitors ask,
// answers polls from what it already holds, and trusts nothing but its [Engine].
// An Engine holds the state all nodes share: package memory keeps it in this
// process, with a mark and a journal on disk. Engines must be indistinguishable to a Room;
// package queuetest is the proof. Nothing here knows HTTP, tokens or a store.
package queue

import (
	"context"
	"errors"
	"time"
)

// ErrAway is returned (wrapped) by an Engine that cannot reach its store, and
// by a Room whose Engine did not answer in time. Nothing is known to have
// happened: every request may be repeated.
var ErrAway = errors.New("the store is away")

// ErrClosed is returned by a Room that takes nobody: its Run has ended, or
// its state is Closed.
var ErrClosed = errors.New("the room has ended")

// An Engine holds the state of rooms. Its clock is the only clock: every time
// in a reply is the engine's, and no request carries one. Each method is one
// atomic step, safe for concurrent use by any number of nodes; any node may
// advance any room, there is no leader. A room exists from the first Step or Sync that names
// it. Every request carries the policy, so a reload needs no call of its own;
// the engine's overrides go before it. An engine keeps no slice of a request, and changes
// none of a reply once it is given.
type Engine interface {
	// Step applies what a node gathered, in the order: ends, leaves, renewals,
	// claims, looks, joins. Everything but a join may be repeated without
	// effect. With an error nothing of the step is promised.
	Step(ctx context.Context, s *Step) (*StepReply, error)

	// Sync marks presence, lets time pass in the room (the head, expired
	// leases, the presence clock), and returns what nodes answer polls from.
	// It is safe to repeat.
	Sync(ctx context.Context, s *Sync) (*View, error)

	// Control changes the overrides of a room, or resets it, and returns the
	// overrides now in force. A change is in the View of every later Sync. One that makes
	// no room is refused as [Overrides.Apply] says.
	Control(ctx context.Context, c *Control) (Overrides, error)
}

// State says how a room treats those who come.
type State string

// The states of a room.
const (
	Auto   State = "auto"   // admits at its rate and capacity
	Hold   State = "hold"   // nobody is called, passes work, return clocks stand still
	Open   State = "open"   // admits all, without charge; leases are still booked
	Closed State = "closed" // nobody joins, passes work
)

// Policy is what a room's configuration asks of the queue.
type Policy struct {
	Rate         float64       // sessions that may begin per second; 0: unlimited
	Burst        int           // most that may begin at once, at least 1; means nothing without Rate
	Capacity     int           // sessions at once; 0: unlimited
	State        State         // as configured; "" is Auto
	SessionTTL   time.Duration // a lease, and each renewal of it
	SessionMax   time.Duration // longest stay over all renewals; 0: unlimited
	ReturnWithin time.Duration // how long after being passed a place may still claim
	Lanes        []Lane        // at least one; names are unique
}

// Lane is a class of visitors with a line of its own and a share by weight.
type Lane struct {
	Name   string
	Weight int // at least 1
}

// Ticket names one place: the Place-th of a lane in an epoch. Places start at
// 1. It is the identity of a visitor, and of the session its place begins.
type Ticket struct {
	Lane  string
	Epoch int64
	Place int64
}

// Floor is the highest an engine ever answered this node for a lane. An
// engine takes the maximum of it and its own, so that a store that forgot its
// last writes does not give a place twice.
type Floor struct {
	Run   string // the run of the engine that answered it
	Lanes []LaneFloor
}

// LaneFloor is the floor of one lane.
type LaneFloor struct {
	Lane              string
	Epoch, Head, Tail int64
}

// Step is what a node gathered for a room since its last Step.
type Step struct {
	Room   string
	Policy Policy
	Floor  Floor
	Ends   []Ticket // sessions to end: left, ended by an operator or the origin
	Leaves []Ticket // places given up: absent at once, never called
	Renew  []Ticket // sessions to renew
	Claims []Ticket // places that want their session now
	Looks  []Ticket // places at or below the head that ask where they stand
	Joins  []Join   // at most one a lane
}

// Join asks for N places at the tail of a lane, in the order in which the node
// will hand them out. They are present for FirstPromise from now.
type Join struct {
	Lane string
	N    int
}

// StepReply answers a Step. Renew, Claims, Looks and Joins are parallel to the
// request's slices.
type StepReply struct {
	Now    time.Time
	Run    string
	Renew  []Outcome
	Claims []Outcome
	Looks  []Outcome
	Joins  []Joined
}

// Standing says where a place stands.
type Standing uint8

// The standings of a place.
const (
	Waiting  Standing = iota // above the head
	Called                   // invited, and fresh: it may claim
	Returned                 // passed, or its invitation went stale: it may claim within ReturnWithin
	Claimed                  // its session began; Outcome.Ends says whether it still runs
	Expired                  // of another epoch, given up, or passed more than ReturnWithin ago
)

// Outcome is an engine's answer for one place.
type Outcome struct {
	Standing Standing
	// Ends is the lease's end, on a whole second, of the session that runs; zero
	// with Claimed when it is over. A claim answered Called or Returned is
	// refused for now: come back in a second.
	Ends time.Time
	// Provisional says the session was begun by its join and its pass has not
	// come back yet.
	Provisional bool
}

// Joined answers a Join: the places First … First+N-1 of Epoch are the
// node's. The first Admitted of them were admitted by the same step: their
// sessions began, provisionally, with a lease until Ends. First is 0 if the
// room's state is Closed: nobody joined.
type Joined struct {
	Epoch    int64
	First    int64
	Head     int64 // the lane's head after the step
	Admitted int
	Ends     time.Time
}

// Sync carries the presence a node learned of and asks for a View.
type Sync struct {
	Room   string
	Policy Policy
	Floor  Floor
	Marks  []Marks // at most MaxMarks places in all
	// Presence is the View.Presence the node saw last; 0 if it saw none. Time passes in a
	// room only as far as nodes see it, see [AdvancePresence].
	Presence time.Duration
	// EndSeq is the View.EndSeq the node saw last; 0 asks for the whole list.
	EndSeq int64
}

// Marks are the presence marks of one lane's epoch.
type Marks struct {
	Lane  string
	Epoch int64
	Marks []Mark
}

// Mark says that a place is present until the end of a presence window.
type Mark struct {
	Place  int64
	Window int64 // see [PresenceWindow]
}

// Bounds of one call, so that no call is long.
const (
	MaxInvitations = 5000 // by one Sync or Step
	MaxMarks       = 4096 // in one Sync; a node with more sends several
	MaxExpiries    = 1000 // leases ended by one call
)

// View is what a node knows of a room as of its last Sync.
type View struct {
	Now      time.Time     // the engine's
	Run      string        // the run of the engine: changes when it restarts
	Presence time.Duration // the presence clock, see [PresenceWindow]

	State    State   // in force, after overrides
	Rate     float64 // in force
	Capacity int     // in force
	Message  string  // the operator's, "" if none

	Overrides Overrides
	Lanes     []LaneView // in the order of the policy, then any that are draining

	Sessions    int           // live leases
	Called      int           // invitations that are fresh and not claimed yet
	Entered     float64       // sessions begun per second, moving
	Leaving     float64       // h: share of the present that goes absent per second, moving
	Yield       float64       // share of invitations claimed, moving, 0.3 to 1
	MeanSession time.Duration // of the ended sessions, moving; 0 until the first has ended
	Begun       int64         // sessions begun since the engine started
	Abandoned   int64         // places that went absent or left uncalled, since the engine started

	EndSeq int64 // of the last entry of the end list
	Ended  []End // entries after the request's EndSeq
}

// End is an entry of the end list: the pass of this place is void.
type End struct {
	Ticket Ticket
	Until  time.Time // when the last pass signed for it ends by itself
}

// LaneView is the line of one lane.
type LaneView struct {
	Lane    string
	Epoch   int64
	Head    int64
	Tail    int64
	Present int64 // between head and tail, as of the last recount
	// Blocks counts the present in (From, To], the head and tail of the last
	// recount, by blocks of [BlockSize] places. A recount is made once a second, and
	// whenever the tail leaps a gap. Places behind To count as present. Blocks[0] holds the
	// places ((First-1)*BlockSize, First*BlockSize].
	From, To int64
	First    int64
	Blocks   []uint16
}

// BlockSize is the number of places counted together in LaneView.Blocks.
const BlockSize = 1024

// Overrides are what operators set; nil fields leave the policy in force.
type Overrides struct {
	State    *State
	Rate     *float64
	Capacity *int
	Message  *string
}

// Change is one field of a Control: without Set it changes nothing, with To
// nil it clears the override (RFC 7396's null).
type Change[T any] struct {
	Set bool
	To  *T
}

// Control changes a room.
type Control struct {
	Room   string
	Policy Policy

	State    Change[State]
	Rate     Change[float64]
	Capacity Change[int]
	Message  Change[string]
	// Reset starts the next epoch: max(epoch+1, unix seconds). Sessions stay,
	// tickets of earlier epochs are Expired.
	Reset bool
}
