package queue

import (
	"sync"
	"time"
)

// Bounds of what waits for the engine.
const (
	maxEach    = 4096 // of each kind in one Step
	maxPending = 64   // batches not sent
)

// kind says in which part of a Step a place goes.
type kind uint8

const (
	ends kind = iota
	leaves
	renew
	claims
	looks
)

// batch is a Step being gathered, and later its answer.
type batch struct {
	step  Step
	timer *time.Timer
	done  chan struct{} // closed when reply or err is set
	reply *StepReply
	err   error
}

// places returns the part of the step that is of kind k.
func (b *batch) places(k kind) *[]Ticket {
	switch k {
	case ends:
		return &b.step.Ends
	case leaves:
		return &b.step.Leaves
	case renew:
		return &b.step.Renew
	case claims:
		return &b.step.Claims
	default:
		return &b.step.Looks
	}
}

// settled reports whether the callers have their answer.
func (b *batch) settled() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// pending is what was gathered and not sent, in order of arrival.
type pending struct {
	wake chan struct{} // tells that there is something to send

	mu     sync.Mutex // guards all below, and the settling of batches
	queue  []*batch
	closed error
	late   error // what callers are told who waited too long
}

// place adds a place to the batch that is being gathered, and returns the batch and the
// place's index in it.
func (p *pending) place(k kind, t Ticket) (*batch, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.roomLocked(func(b *batch) bool { return len(*b.places(k)) < maxEach })
	if err != nil {
		return nil, 0, err
	}
	to := b.places(k)
	*to = append(*to, t)
	return b, len(*to) - 1, nil
}

// join adds a join, and returns the index of the lane's Join and how many of the
// lane came before.
func (p *pending) join(lane string) (b *batch, i, before int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err = p.roomLocked(func(b *batch) bool {
		i := b.lane(lane)
		return i == len(b.step.Joins) || b.step.Joins[i].N < maxEach
	})
	if err != nil {
		return nil, 0, 0, err
	}
	if i = b.lane(lane); i == len(b.step.Joins) {
		b.step.Joins = append(b.step.Joins, Join{Lane: lane})
	}
	b.step.Joins[i].N++
	return b, i, b.step.Joins[i].N - 1, nil
}

// lane returns the index of a lane's Join, or where it is to be put.
func (b *batch) lane(lane string) int {
	for i := range b.step.Joins {
		if b.step.Joins[i].Lane == lane {
			return i
		}
	}
	return len(b.step.Joins)
}

// roomLocked returns the batch being gathered, or a new one if it has no room.
func (p *pending) roomLocked(fits func(*batch) bool) (*batch, error) {
	if p.closed != nil {
		return nil, p.closed
	}
	if n := len(p.queue); n > 0 && fits(p.queue[n-1]) {
		return p.queue[n-1], nil
	}
	if len(p.queue) >= maxPending {
		return nil, p.late
	}
	b := &batch{done: make(chan struct{})}
	b.timer = time.AfterFunc(patience, func() { p.expire(b) })
	p.queue = append(p.queue, b)
	p.wakeLocked()
	return b, nil
}

func (p *pending) wakeLocked() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take returns the oldest batch, to be sent; nil if there is none.
func (p *pending) take() *batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil
	}
	b := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	if len(p.queue) > 0 {
		p.wakeLocked()
	}
	return b
}

// settle gives the callers of b their answer, unless they have one.
func (p *pending) settle(b *batch, reply *StepReply, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settleLocked(b, reply, err)
}

func (p *pending) settleLocked(b *batch, reply *StepReply, err error) {
	if b.settled() {
		return
	}
	b.timer.Stop()
	b.reply, b.err = reply, err
	close(b.done)
}

// expire tells the callers of b that it took too long. If it was not sent, it never will be.
func (p *pending) expire(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settleLocked(b, nil, p.late)
	for i, q := range p.queue {
		if q == b {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			return
		}
	}
}

// close settles everything, and whatever comes later, with err.
func (p *pending) close(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = err
	for _, b := range p.queue {
		p.settleLocked(b, nil, err)
	}
	p.queue = nil
}
