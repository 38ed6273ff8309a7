package proxy

import (
	"context"
	"sync"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// script is an engine that a test writes: places are given in order, and what
// becomes of each is what the test says.
type script struct {
	mu       sync.Mutex
	view     queue.View
	tail     int64
	head     int64
	enters   bool                    // joins are admitted at once
	outcomes map[int64]queue.Outcome // of claims and looks; default: waiting, or expired below the head
	renewed  queue.Outcome
	away     bool

	joined, claimed, looked, renewals int
	ended, left                       []queue.Ticket
}

const epoch = 7

func (s *script) Step(_ context.Context, st *queue.Step) (*queue.StepReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, queue.ErrAway
	}
	s.ended = append(s.ended, st.Ends...)
	s.left = append(s.left, st.Leaves...)
	rep := &queue.StepReply{Now: time.Now(), Run: "run"}
	s.renewals += len(st.Renew)
	for range st.Renew {
		rep.Renew = append(rep.Renew, s.renewed)
	}
	s.claimed += len(st.Claims)
	for _, t := range st.Claims {
		rep.Claims = append(rep.Claims, s.outcomes[t.Place])
	}
	s.looked += len(st.Looks)
	for _, t := range st.Looks {
		rep.Looks = append(rep.Looks, s.outcomes[t.Place])
	}
	for _, j := range st.Joins {
		s.joined += j.N
		r := queue.Joined{Epoch: epoch, First: s.tail + 1, Head: s.head}
		s.tail += int64(j.N)
		if s.enters {
			r.Admitted, r.Ends = j.N, time.Now().Add(30*time.Second).Truncate(time.Second)
		}
		rep.Joins = append(rep.Joins, r)
	}
	return rep, nil
}

func (s *script) Sync(context.Context, *queue.Sync) (*queue.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, queue.ErrAway
	}
	v := s.view
	v.Now, v.Run = time.Now(), "run"
	l := queue.LaneView{
		Lane: "public", Epoch: epoch, Head: s.head, Tail: s.tail, Present: s.tail - s.head, From: s.head, To: s.tail,
		First: s.head/queue.BlockSize + 1,
	}
	for at := s.head; at < s.tail; { // all who wait are present
		end := min((at/queue.BlockSize+1)*queue.BlockSize, s.tail)
		l.Blocks = append(l.Blocks, uint16(end-at))
		at = end
	}
	v.Lanes = []queue.LaneView{l}
	return &v, nil
}

func (s *script) Control(context.Context, *queue.Control) (queue.Overrides, error) {
	return queue.Overrides{}, nil
}
