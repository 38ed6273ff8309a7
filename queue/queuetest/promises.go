package queuetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// testPromises plays scenes for the promises A to H. In each of them the watch
// looks out for all that it knows; the letter names what is measured besides.
func testPromises(t *testing.T, open func(t *testing.T) Subject) {
	for name, f := range map[string]func(*testing.T, func(*testing.T) Subject){
		"A/NoPlaceTwice":            testPlaces,
		"B/RateJump":                testJump,
		"E/RiseFromAlmostNothing":   testRise,
		"C/ReturnersIncluded":       testReturners,
		"D/Capacity20":              testCapacity20,
		"D/Capacity1":               testCapacity1,
		"D+E/Capacity2000":          testCapacity2000,
		"E/HalfLeave":               testRate,
		"F/TwoTabs":                 testTabs,
		"G/RestartsAndReloads":      testRestarts,
		"H/PollsAskNobody":          testPolls,
		"E/EveryLaneWhoseTurnItIs":  testLanes,
		"G/AResetIsNoticed":         testReset,
		"D/OpenAndBackUnderControl": testOpen,
		"G/AwayBeforeItWasAsked":    testAway,
		"G/AppliedButNotAnswered":   testUnanswered,
	} {
		t.Run(name, func(t *testing.T) {
			f(t, open)
		})
	}
}

// size is full with -soak, else small.
func size(full, small int) int {
	if soaking() {
		return full
	}
	return small
}

func at(rate float64, burst, capacity int) queue.Policy {
	p := somePolicy()
	p.Rate, p.Burst, p.Capacity = rate, burst, capacity
	return p
}

// busy is a room at a rate, whose line lasts for about two minutes: half of those in it
// leave, a fifth are tabs in the background, a tenth go away for a while.
func busy(seed uint64, rate float64) scene {
	return scene{
		Seed: seed, Policy: at(rate, max(4, int(rate)), 0), Nodes: 3,
		Visitors: int(rate * 180), Over: 30 * time.Second, For: 3 * time.Minute,
		Leave: 0.5, Patience: 90 * time.Second, Background: 0.2, Absent: 0.1, Stay: time.Minute,
	}
}

// crash ends the engine as a killed process would, if it keeps anything, and
// has it away for a while.
func (s *stage) crash(away time.Duration) {
	if s.subject.Crash == nil {
		return
	}
	s.watch.away(true)
	s.wait(away)
	s.watch.crash()
	s.watch.away(false)
}

func testPlaces(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(1, 200)
	sc.Visitors, sc.Over, sc.For = size(80000, 8000), 2*time.Second, 30*time.Second
	sc.Script = func(s *stage) {
		for range 3 {
			s.wait(500 * time.Millisecond)
			s.crash(100 * time.Millisecond)
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	seen := map[queue.Ticket]bool{}
	for _, v := range s.visitors {
		if v.joined && seen[v.t] {
			t.Errorf("A: two visitors have %v", v.t)
		}
		seen[v.t] = v.joined
	}
}

func testJump(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(2, 20)
	sc.Visitors, sc.For = 8000, 110*time.Second
	sc.Script = func(s *stage) {
		rate := 100.0
		if s.wait(60 * time.Second) {
			s.change(queue.Control{Rate: queue.Change[float64]{Set: true, To: &rate}})
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	if got, want := s.begunBetween(65*time.Second, 90*time.Second), 25*100.0; float64(got) < 0.99*want {
		t.Errorf("seed %d: E: %d began from 5 to 30 s after the jump, want %.0f", s.Seed, got, want)
	}
}

// testRise speeds up a room in which everybody had been told to wait for an hour.
func testRise(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(16, 20)
	sc.Policy.Rate, sc.Visitors, sc.For, sc.Stay = 1, 6000, 70*time.Second, time.Second
	sc.Policy.Burst, sc.Leave = 200, 0.1
	sc.Script = func(s *stage) {
		rate := 200.0
		if s.wait(45 * time.Second) {
			s.change(queue.Control{Rate: queue.Change[float64]{Set: true, To: &rate}})
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	got := float64(s.begunBetween(47*time.Second, 67*time.Second)) / (20 * 200)
	t.Logf("E: %.3f of the rate from 2 to 22 s after the rise", got)
	if got < 0.95 {
		t.Errorf("seed %d: E: %.3f of the rate from 2 to 22 s after the rise", s.Seed, got)
	}
}

func testReturners(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(3, 20)
	sc.Leave, sc.Background, sc.Absent = 0.1, 0.5, 0.5
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
}

func testCapacity20(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(4, 10)
	sc.Policy.Capacity, sc.Visitors, sc.Stay = 20, 300, 8*time.Second
	sc.Policy.SessionTTL = 20 * time.Second
	sc.Script = func(s *stage) {
		s.wait(50 * time.Second)
		s.crash(3 * time.Second)
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	idle := s.idle(20, 20*time.Second)
	t.Logf("slots idle: %s", idle)
	if idle.mean > 0.1 { // one of 20 is kept while a returner was refused
		t.Errorf("seed %d: E: %.4f of the slots are idle while visitors wait", s.Seed, idle.mean)
	}
}

// testCapacity1: with returners, of whom many are refused and give up, the one slot is used.
func testCapacity1(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(15, 10)
	sc.Policy.Rate, sc.Policy.Capacity, sc.Visitors, sc.Stay = 0, 1, 120, 2*time.Second
	sc.Policy.SessionTTL = 4 * time.Second
	sc.Background, sc.Absent = 0.3, 0.3
	s := play(t, open, sc)
	t.Log(s.summary())
	idle := s.idle(1, 20*time.Second)
	t.Logf("slots idle: %s", idle)
	if idle.mean > 0.3 { // each session leaves it free for a second or two, until the next comes
		t.Errorf("seed %d: E: the slot is idle for %.4f of the time while visitors wait", s.Seed, idle.mean)
	}
}

func testCapacity2000(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(5, 400)
	sc.Policy.Capacity, sc.Visitors, sc.Stay = 2000, size(20000, 8000), 40*time.Second
	sc.For = 2 * time.Minute
	sc.Policy.SessionTTL = time.Minute
	sc.Leave, sc.Patience = 0.5, 2*time.Minute
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	idle := s.idle(2000, 15*time.Second)
	t.Logf("slots idle: %s", idle)
	if idle.mean > 0.01 {
		t.Errorf("seed %d: E: %.4f of the slots are idle while visitors wait", s.Seed, idle.mean)
	}
}

func testRate(t *testing.T, open func(*testing.T) Subject) {
	rate := float64(size(400, 50))
	s := play(t, open, busy(6, rate))
	t.Log(s.summary())
	if least, when := s.leastShare(rate, time.Minute); least < 0.99 || least > 1.5 {
		t.Errorf("seed %d: E: %.4f of the rate in the minute from %v on", s.Seed, least, when)
	}
	s.inOrder(t)
}

func testTabs(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(7, 20)
	sc.Twice, sc.Policy.SessionTTL = true, 20*time.Second
	s := play(t, open, sc)
	t.Log(s.summary())
}

func testRestarts(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(8, 20)
	sc.Leave, sc.Background, sc.Absent = 0, 0, 0
	sc.Visitors, sc.For = 2400, 4*time.Minute
	sc.Script = func(s *stage) {
		for i := range 12 {
			s.wait(5 * time.Second)
			s.restart(i % sc.Nodes)
			p := s.Policy
			p.Burst += i % 2
			s.any().SetPolicy(p)
			if i%4 == 3 {
				s.crash(time.Duration(i) * time.Second)
			}
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	for _, v := range s.visitors {
		if !v.entered {
			t.Errorf("seed %d: G: %v never entered; expired: %v", s.Seed, v.t, v.expired)
			break
		}
	}
}

// testPolls counts the calls of a room where everybody waits.
func testPolls(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(9, 10)
	sc.Policy.State, sc.Visitors, sc.Over, sc.Leave, sc.Patience = queue.Hold, 5000, 5*time.Second, 0.2, time.Hour
	var before calls
	sc.Script = func(s *stage) {
		s.wait(10 * time.Second)
		before = s.Calls()
	}
	s := play(t, open, sc)
	after := s.Calls()
	t.Logf("%d visitors polling for %v: %d steps, %d syncs with %d marks", sc.Visitors, sc.For-10*time.Second,
		after.Steps-before.Steps, after.Syncs-before.Syncs, after.Marks-before.Marks)
	// Only those who leave ask the engine, and a node's Sync is one of four a second.
	if steps := after.Steps - before.Steps; steps > 200 || after.Looks != 0 || after.Claims != 0 {
		t.Errorf("H: polls made %d steps, %d looks, %d claims", steps, after.Looks, after.Claims)
	}
	if most := sc.Nodes * 4 * int(sc.For/time.Second); after.Syncs > most+sc.Nodes {
		t.Errorf("H: %d syncs, want at most %d", after.Syncs, most)
	}
}

func testLanes(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(10, 25)
	sc.Policy.Lanes = []queue.Lane{{Name: "public", Weight: 1}, {Name: "members", Weight: 2}}
	s := play(t, open, sc)
	t.Log(s.summary())
	s.inOrder(t)
	if least, when := s.leastShare(25, time.Minute); least < 0.99 {
		t.Errorf("seed %d: E: %.4f of the rate in the minute from %v on", s.Seed, least, when)
	}
}

func testReset(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(11, 20)
	sc.Policy.Capacity = 300
	sc.Script = func(s *stage) {
		for range 3 {
			s.wait(20 * time.Second)
			s.change(queue.Control{Reset: true})
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
}

func testOpen(t *testing.T, open func(*testing.T) Subject) {
	sc := busy(12, 20)
	sc.Policy.Capacity = 200
	sc.Script = func(s *stage) {
		for _, state := range []queue.State{queue.Open, queue.Auto, queue.Hold, queue.Closed, queue.Auto} {
			s.wait(10 * time.Second)
			s.change(queue.Control{State: queue.Change[queue.State]{Set: true, To: &state}})
		}
	}
	s := play(t, open, sc)
	t.Log(s.summary())
}

// testConcurrency asks from many goroutines at once, on the real scheduler.
func testConcurrency(t *testing.T, open func(*testing.T) Subject) {
	synctest.Test(t, func(t *testing.T) {
		subject := open(t)
		given := hammer(t, subject.Engine, 8, 50)
		seen := map[int64]bool{}
		for _, place := range given {
			if seen[place] {
				t.Fatalf("A: place %d is given twice", place)
			}
			seen[place] = true
		}
		for place := range int64(len(given)) {
			if !seen[place+1] {
				t.Fatalf("A: place %d is not given", place+1)
			}
		}
	})
}
