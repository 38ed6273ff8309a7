// Package memory is the engine of one process: it keeps the rooms in memory,
// and, given a folder, a mark and a journal on disk from which a killed process
// goes on without having lost a place or a session.
//
// It trusts nobody but its own clock and its folder, which it shares with no
// other process.
package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// Options say where an Engine keeps its state.
type Options struct {
	// Path is the folder of the mark and the journal; it is made if it is not
	// there. "" keeps nothing on disk.
	Path string
}

// Engine is a [queue.Engine] for the nodes of one process. What a reply says was
// handed to the operating system: it survives the death of the process at any instant. It was
// handed to the disk within seconds: what the loss of power costs, see [journal.write].
type Engine struct {
	mu     sync.Mutex // guards all down to closed
	clock  clock
	run    string
	rooms  map[string]*room
	notes  notes
	noted  int64 // batches of notes so far
	closed bool

	writing chan struct{} // full while somebody writes to the journal; taken before mu
	journal *journal      // nil without a folder
	written atomic.Int64
	failing atomic.Bool // the last write failed, or somebody gave up waiting for it
}

var _ queue.Engine = (*Engine)(nil)

// New opens the engine of a folder, or one without a folder. It starts nothing.
// It fails, and leaves everything as it is, if the folder cannot be written, is
// in use by another process, or holds a journal that is not sound.
func New(o Options) (*Engine, error) {
	e := &Engine{run: rand.Text(), rooms: map[string]*room{}, writing: make(chan struct{}, 1)}
	if o.Path == "" {
		return e, nil
	}
	j, err := openJournal(o.Path)
	if err != nil {
		return nil, err
	}
	e.journal, e.notes.on = j, true
	if e.rooms, e.clock.last, err = j.load(e.run, e.clock.now(), &e.notes); err != nil {
		j.close()
		return nil, fmt.Errorf("%s: %w", j.path, err)
	}
	return e, nil
}

// Step implements [queue.Engine].
func (e *Engine) Step(ctx context.Context, s *queue.Step) (reply *queue.StepReply, err error) {
	err = e.with(ctx, s.Room, s.Policy, func(r *room, now time.Time) {
		reply = r.step(s, now)
		e.notes.room(r, now, false)
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// Sync implements [queue.Engine].
func (e *Engine) Sync(ctx context.Context, s *queue.Sync) (view *queue.View, err error) {
	err = e.with(ctx, s.Room, s.Policy, func(r *room, now time.Time) {
		r.sync(s, now)
		view = r.view(s.EndSeq, now)
		e.notes.room(r, now, true)
	})
	if err != nil {
		return nil, err
	}
	return view, nil
}

// Control implements [queue.Engine].
func (e *Engine) Control(ctx context.Context, c *queue.Control) (in queue.Overrides, err error) {
	var refused error
	err = e.with(ctx, c.Room, c.Policy, func(r *room, now time.Time) {
		in, refused = r.control(c, now)
		e.notes.room(r, now, true)
	})
	if err = cmp.Or(err, refused); err != nil {
		return queue.Overrides{}, err
	}
	return in, nil
}

// with applies one request to a room under its policy, and returns when all it
// saw and did is written. Nothing happens, and no time passes, while what happened before
// is not: a disk that takes nothing would go on calling those whom nobody can tell. Where
// ctx ends first, the write goes on.
func (e *Engine) with(ctx context.Context, name string, p queue.Policy, apply func(*room, time.Time)) error {
	if e.failing.Load() {
		if err := e.settle(ctx, e.all()); err != nil {
			return err
		}
		e.failing.Store(false)
	}
	batch, err := e.apply(name, p, apply)
	if err != nil {
		return err
	}
	return e.settle(ctx, batch)
}

// all is the last batch so far.
func (e *Engine) all() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.noted
}

func (e *Engine) apply(name string, p queue.Policy, apply func(*room, time.Time)) (batch int64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, fmt.Errorf("the engine is closed: %w", queue.ErrAway)
	}
	now, before := e.clock.now(), len(e.notes.writes)
	r := e.rooms[name]
	if r == nil {
		r = newRoom(name, e.run, now, &e.notes)
		r.dirty = true
		e.rooms[name] = r
	}
	r.under(p, now)
	apply(r, now)
	if len(e.notes.writes) > before {
		e.noted++
	}
	return e.noted, nil
}

// settle returns when the batch is written. Whoever comes first writes for all
// who wait. What could not be written stays for the next to try.
func (e *Engine) settle(ctx context.Context, batch int64) error {
	if e.written.Load() >= batch {
		return nil
	}
	select {
	case e.writing <- struct{}{}:
	case <-ctx.Done():
		return e.late()
	}
	if e.written.Load() >= batch {
		<-e.writing
		return nil
	}
	done := make(chan error, 1)
	go func() {
		err := e.write()
		<-e.writing
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return e.late()
	}
}

// late says that the disk keeps a caller waiting for longer than it can.
func (e *Engine) late() error {
	e.failing.Store(true)
	return fmt.Errorf("%s: not written in time: %w", e.journal.path, queue.ErrAway)
}

// write writes all that was noted.
func (e *Engine) write() error {
	e.mu.Lock()
	writes, upTo := e.notes.writes, e.noted
	e.notes.writes = nil
	e.mu.Unlock()
	if err := e.journal.write(writes); err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.notes.writes = append(writes, e.notes.writes...)
		e.failing.Store(true)
		return fmt.Errorf("%s: %w: %w", e.journal.path, queue.ErrAway, err)
	}
	e.written.Store(upTo)
	return nil
}

// Close writes the exact tails, so that no place is skipped, and frees the
// folder. Calls after it fail with [queue.ErrAway].
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	now := e.clock.now()
	for _, r := range e.rooms {
		for _, l := range r.lanes {
			l.mark, l.dirty = l.line.tail, true
		}
		r.dirty = true
		e.notes.room(r, now, true)
	}
	e.noted++
	batch := e.noted
	e.mu.Unlock()
	if e.journal == nil {
		return nil
	}
	return errors.Join(e.settle(context.Background(), batch), e.journal.close())
}
