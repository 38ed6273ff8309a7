package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Entry is what a join gave.
type Entry struct {
	Ticket Ticket
	Head   int64     // of the lane, after the join
	Ends   time.Time // the lease's end if it was admitted at once; zero: it waits
}

// Join takes the next place at the tail of a lane. Places are in the order
// in which a node's calls arrive. A room whose state is Closed takes nobody: ErrClosed.
// A caller that does not wait for the answer loses its place; it turns absent soon.
func (r *Room) Join(ctx context.Context, lane string) (Entry, error) {
	if r.Away() {
		return Entry{}, r.pending.late
	}
	b, i, before, err := r.pending.join(lane)
	if err != nil {
		return Entry{}, err
	}
	if err := b.wait(ctx); err != nil {
		return Entry{}, err
	}
	j := &b.reply.Joins[i]
	if j.First <= 0 {
		return Entry{}, fmt.Errorf("room %s: %w", r.cfg.Name, ErrClosed)
	}
	e := Entry{Ticket: Ticket{Lane: lane, Epoch: j.Epoch, Place: j.First + int64(before)}, Head: j.Head}
	if before < j.Admitted {
		e.Ends = j.Ends
	}
	return e, nil
}

// Claim asks for the session of a place. It may be repeated: a place has one
// session. Above the head it answers Waiting and asks nobody, but in an open room.
func (r *Room) Claim(ctx context.Context, t Ticket) (Outcome, error) {
	if s := r.snap.Load(); s.waits(t) && s.view.State != Open {
		return Outcome{Standing: Waiting}, nil
	}
	b, i, err := r.ask(ctx, claims, t)
	if err != nil {
		return Outcome{}, err
	}
	return b.reply.Claims[i], nil
}

// Look tells where a place stands. Above the head it asks nobody.
func (r *Room) Look(ctx context.Context, t Ticket) (Outcome, error) {
	if r.snap.Load().waits(t) {
		return Outcome{Standing: Waiting}, nil
	}
	b, i, err := r.ask(ctx, looks, t)
	if err != nil {
		return Outcome{}, err
	}
	return b.reply.Looks[i], nil
}

// waits reports whether t is known to be above the head.
func (s *snapshot) waits(t Ticket) bool {
	l := s.line(t.Lane)
	return l != nil && t.Epoch == l.epoch && t.Place > l.head
}

// Renew prolongs the session of a place. Only what the outcome says was
// confirmed: Claimed with Ends, or no session runs.
func (r *Room) Renew(ctx context.Context, t Ticket) (Outcome, error) {
	b, i, err := r.ask(ctx, renew, t)
	if err != nil {
		return Outcome{}, err
	}
	return b.reply.Renew[i], nil
}

// End ends the session of a place, if one runs. Its pass is void on every
// node that had a Sync since.
func (r *Room) End(ctx context.Context, t Ticket) error {
	_, _, err := r.ask(ctx, ends, t)
	return err
}

// Leave gives a place up: it is never called.
func (r *Room) Leave(ctx context.Context, t Ticket) error {
	_, _, err := r.ask(ctx, leaves, t)
	return err
}

// ask gathers t and waits for the answer, which is at the returned index of the
// batch's reply.
func (r *Room) ask(ctx context.Context, k kind, t Ticket) (*batch, int, error) {
	if r.Away() {
		return nil, 0, r.pending.late
	}
	b, i, err := r.pending.place(k, t)
	if err != nil {
		return nil, 0, err
	}
	return b, i, b.wait(ctx)
}

// wait returns when the batch is settled or ctx ends.
func (b *batch) wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// steps sends what was gathered, one batch at a time, until ctx ends.
func (r *Room) steps(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.pending.wake:
		}
		// What comes meanwhile goes with this Step.
		if !pause(ctx, time.Until(last.Add(r.cfg.StepEvery)), nil) {
			return
		}
		if b := r.pending.take(); b != nil {
			reply, err := r.step(ctx, &b.step)
			r.pending.settle(b, reply, err)
			last = time.Now()
		}
	}
}

// step sends one Step and learns from its answer, also if its callers are gone.
func (r *Room) step(ctx context.Context, s *Step) (*StepReply, error) {
	s.Room, s.Policy, s.Floor = r.cfg.Name, r.Policy(), r.snap.Load().floor
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	sent := time.Now()
	reply, err := r.cfg.Engine.Step(ctx, s)
	if err == nil {
		err = s.answered(reply)
	}
	if err != nil {
		return nil, r.away(err)
	}
	r.learn.Lock()
	defer r.learn.Unlock()
	r.clock.Store(r.clock.Load().next(reply.Now, sent))
	if len(s.Joins) > 0 {
		r.snap.Store(r.snap.Load().joined(s.Joins, reply.Joins, reply.Run, r.policy.Load()))
	}
	return reply, nil
}

// answered checks that an engine answered all that was asked.
func (s *Step) answered(reply *StepReply) error {
	if reply == nil || len(reply.Renew) != len(s.Renew) || len(reply.Claims) != len(s.Claims) ||
		len(reply.Looks) != len(s.Looks) || len(reply.Joins) != len(s.Joins) {
		return errors.New("the engine did not answer all of a step")
	}
	return nil
}

// pause waits for d, or less if now is closed or sent to. It reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration, now <-chan struct{}) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-now:
	case <-t.C:
	}
	return true
}
