package queuetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// watch is an engine that passes every request on to another, one at a time,
// and compares each reply with what its model of the room allows. What it
// finds wrong it keeps, headed by the promise that was broken.
type watch struct {
	subject Subject

	mu     sync.Mutex // guards all below
	engine queue.Engine
	rooms  map[string]*model
	faults []string
	calls  calls
	gone   bool // the engine cannot be reached
	mute   bool // it does what it is asked, and its answers are lost
}

// calls counts what reached the engine.
type calls struct{ Steps, Syncs, Controls, Joins, Claims, Looks, Renewals, Marks int }

var _ queue.Engine = (*watch)(nil)

func newWatch(s Subject) *watch {
	return &watch{subject: s, engine: s.Engine, rooms: map[string]*model{}}
}

// mostFaults is as many as one cares to read.
const mostFaults = 20

func (w *watch) faultf(format string, args ...any) {
	if len(w.faults) < mostFaults {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// Faults returns what was found wrong.
func (w *watch) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

// Calls returns what has reached the engine so far.
func (w *watch) Calls() calls {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// crash ends the engine and goes on with the one that follows.
func (w *watch) crash() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.engine = w.subject.Crash()
	for _, m := range w.rooms {
		m.crash()
	}
}

// away makes the engine unreachable, or reachable again.
func (w *watch) away(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = gone
}

// silent loses the engine's answers, or no more.
func (w *watch) silent(mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mute = mute
}

// answerLocked is an answer, unless it is lost.
func answerLocked[T any](w *watch, answer T, err error) (T, error) {
	if w.mute && err == nil {
		var none T
		return none, queue.ErrAway
	}
	return answer, err
}

func (w *watch) roomLocked(name string) *model {
	m := w.rooms[name]
	if m == nil {
		m = newModel(w, name)
		w.rooms[name] = m
	}
	return m
}

// Step implements [queue.Engine].
func (w *watch) Step(ctx context.Context, s *queue.Step) (*queue.StepReply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls.Steps++
	w.calls.Joins += len(s.Joins)
	w.calls.Claims += len(s.Claims)
	w.calls.Looks += len(s.Looks)
	w.calls.Renewals += len(s.Renew)
	if w.gone {
		return nil, queue.ErrAway
	}
	reply, err := w.engine.Step(ctx, s)
	if err == nil {
		w.roomLocked(s.Room).step(s, reply)
	}
	return answerLocked(w, reply, err)
}

// Sync implements [queue.Engine].
func (w *watch) Sync(ctx context.Context, s *queue.Sync) (*queue.View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls.Syncs++
	for _, m := range s.Marks {
		w.calls.Marks += len(m.Marks)
	}
	if w.gone {
		return nil, queue.ErrAway
	}
	v, err := w.engine.Sync(ctx, s)
	if err == nil {
		w.roomLocked(s.Room).sync(s, v)
	}
	return answerLocked(w, v, err)
}

// Control implements [queue.Engine].
func (w *watch) Control(ctx context.Context, c *queue.Control) (queue.Overrides, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls.Controls++
	if w.gone {
		return queue.Overrides{}, queue.ErrAway
	}
	o, err := w.engine.Control(ctx, c)
	if err == nil {
		w.roomLocked(c.Room).control(c, o)
	}
	return answerLocked(w, o, err)
}

// bucket bounds the tokens an allowance can have from one side.
type bucket struct {
	tokens float64
	at     time.Time
	rate   float64
}

// refill credits the time until now at a rate.
func (b *bucket) refill(now time.Time, rate, credited, burst float64) {
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens += now.Sub(b.at).Seconds() * credited
	}
	b.tokens, b.at, b.rate = min(b.tokens, burst), now, rate
}

// place is what the model knows of one place.
type place struct {
	t        queue.Ticket
	window   int64 // the last it promised; -1: none
	old      bool  // it was given in an earlier run, which knew of its promise
	murky    bool  // nobody knows what it promised
	left     bool
	doubtful bool // it left when it had perhaps expired
	passed   bool
	lost     bool      // it was passed in an earlier run: its invitation may be forgotten
	invited  verdict   // when it was passed
	at       time.Time // when it was passed
	fast     time.Duration
	slow     time.Duration // bounds of the return clock when it was passed
	tried    time.Time
	stale    bool

	began, ends time.Time // of its session
	ended       time.Time // when it was ended before its lease; zero: it was not
	afterSeq    int64     // its end is listed behind this
}

// verdict says whether a place was present when it was passed.
type verdict uint8

const (
	unknown verdict = iota
	invited
	skipped
)

func (p *place) begun() bool { return !p.began.IsZero() }

func (p *place) lives(now time.Time) bool {
	return p.begun() && p.ended.IsZero() && now.Before(p.ends)
}

// frees is when the slot of the place's session is free.
func (p *place) frees() time.Time {
	if !p.ended.IsZero() && p.ended.Add(time.Second).Before(p.ends) {
		return p.ended.Add(time.Second)
	}
	return p.ends
}

// fresh reports whether the place's invitation is fresh.
func (p *place) fresh(now time.Time) bool {
	return p.invited == invited && !p.stale && queue.Fresh(now, p.at, p.tried)
}
