package queuetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// scene is a simulation: visitors who poll as told, or do not, at several
// nodes of one engine, on a fake clock.
type scene struct {
	Seed     uint64
	Policy   queue.Policy
	Nodes    int // their clocks are wrong by up to 10 minutes
	Visitors int
	Over     time.Duration // in which they arrive
	For      time.Duration

	Leave      float64       // share that gives up some time, half of them without a word
	Patience   time.Duration // mean time until they do
	Background float64       // share that polls once a minute, whatever it is told
	Absent     float64       // share that is away once for a minute or two, then comes back
	Twice      bool          // everybody claims from two tabs at once
	Stay       time.Duration // mean time inside; half end it, half let it lapse
	Script     func(*stage)  // what operators and fate do meanwhile
}

// stage is a scene that runs.
type stage struct {
	*testing.T
	scene
	*watch
	ctx   context.Context
	began time.Time

	mu       sync.Mutex // guards all below
	rng      *rand.Rand
	nodes    []*node
	visitors []*visitor
	passes   map[queue.Ticket]time.Time
	found    []string
	seconds  []second
}

// node is a queue.Room that runs, and may be stopped.
type node struct {
	*queue.Room
	stop func()
}

// second is what was seen once a second.
type second struct {
	at      time.Duration
	present int64
	slots   int
	begun   int64
}

const roomName = "spring"

// play runs a scene and fails the test with what the watch found and what the visitors did.
func play(t *testing.T, open func(t *testing.T) Subject, sc scene) (done *stage) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		done = newStage(t, open(t), sc)
		done.run()
		for _, f := range append(done.Faults(), done.found...) {
			t.Errorf("seed %d: %s", sc.Seed, f)
		}
	})
	return done
}

func newStage(t *testing.T, s Subject, sc scene) *stage {
	return &stage{
		T: t, scene: sc, watch: newWatch(s), began: time.Now(),
		rng: rand.New(rand.NewPCG(sc.Seed, 7)), passes: map[queue.Ticket]time.Time{},
	}
}

func (s *stage) run() {
	ctx, cancel := context.WithTimeout(s.Context(), s.For)
	defer cancel()
	s.ctx = ctx
	for range s.Nodes {
		s.nodes = append(s.nodes, s.node())
	}
	time.Sleep(syncEvery + time.Millisecond)
	for range s.Visitors {
		s.visitors = append(s.visitors, s.visitor())
	}
	var all sync.WaitGroup
	for _, v := range s.visitors {
		all.Go(func() { v.live(s) })
	}
	if s.Script != nil {
		all.Go(func() { s.Script(s) })
	}
	all.Go(s.inspect)
	all.Wait()
	for _, n := range s.nodes {
		n.stop()
	}
}

// node starts a node with a clock of its own.
func (s *stage) node() *node {
	s.mu.Lock()
	wrong := time.Duration(s.rng.Int64N(int64(20*time.Minute))) - 10*time.Minute
	rng, mu := rand.New(rand.NewPCG(s.rng.Uint64(), 1)), new(sync.Mutex)
	s.mu.Unlock()
	room, err := queue.NewRoom(queue.Config{
		Name: roomName, Policy: s.Policy, Engine: s.watch,
		Now: func() time.Time { return time.Now().Add(wrong) },
		Rand: func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return rng.Float64()
		},
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		room.Run(ctx)
	}()
	return &node{Room: room, stop: func() { cancel(); <-ended }}
}

// restart stops a node, as a deploy does, and starts another in its place.
func (s *stage) restart(i int) {
	s.nodes[i].stop()
	n := s.node()
	s.mu.Lock()
	s.nodes[i] = n
	s.mu.Unlock()
}

// any is the node a visitor's next request comes to.
func (s *stage) any() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodes[s.rng.IntN(len(s.nodes))]
}

// wait sleeps, or ends with the scene.
func (s *stage) wait(d time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (s *stage) foundf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foundLocked(format, args...)
}

func (s *stage) foundLocked(format string, args ...any) {
	if len(s.found) < mostFaults {
		s.found = append(s.found, fmt.Sprintf(format, args...))
	}
}

// change has an operator change the room.
func (s *stage) change(c queue.Control) {
	if _, err := s.any().Control(s.ctx, c); err != nil && !errors.Is(err, queue.ErrAway) {
		s.foundf("control: %v", err)
	}
}

// inspect counts the passes that nodes accept, and keeps what the room is like.
func (s *stage) inspect() {
	for tick := 0; s.wait(200 * time.Millisecond); tick++ {
		if s.Policy.Capacity > 0 {
			s.inspectPasses()
		}
		if tick%5 == 0 {
			s.note()
		}
	}
}

// inspectPasses: D, as the origin sees it.
func (s *stage) inspectPasses() {
	capacity := s.nodesCapacity()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	accepted := 0
	for t, ends := range s.passes {
		if !s.acceptedLocked(t, ends) {
			delete(s.passes, t)
			continue
		}
		accepted++
		if frees := s.watch.rooms[roomName].places[t].frees(); !time.Now().Before(frees) {
			s.foundLocked("D: a node accepts the pass of %v, whose slot is free since %v", t, time.Since(frees))
		}
	}
	if capacity > 0 && accepted > capacity {
		s.foundLocked("D: nodes accept %d passes, capacity %d", accepted, capacity)
	}
}

// acceptedLocked reports whether some node would let a pass through. A node
// that has no View yet lets nobody through.
func (s *stage) acceptedLocked(t queue.Ticket, ends time.Time) bool {
	for _, n := range s.nodes {
		if n.View().Run != "" && n.Now().Before(ends) && !n.Ended(t) {
			return true
		}
	}
	return false
}

// nodesCapacity is the capacity in force if it was never changed, else 0.
func (s *stage) nodesCapacity() int {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	if s.watch.rooms[roomName].loosened {
		return 0
	}
	return s.Policy.Capacity
}

// note keeps what the room is like now.
func (s *stage) note() {
	v := s.any().View()
	s.watch.mu.Lock()
	m := s.watch.rooms[roomName]
	n := second{at: time.Since(s.began), slots: len(m.slots), begun: m.began}
	s.watch.mu.Unlock()
	for _, l := range v.Lanes {
		n.present += l.Present
	}
	s.seconds = append(s.seconds, n)
}
