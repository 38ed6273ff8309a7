package queuetest

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// returns are the laws of those who were passed while they were absent.
func returns() map[string]func(*desk) {
	return map[string]func(*desk){
		"WithinTheTime":               lawWithinTheTime,
		"ClockStandsWhileHeld":        lawClockStandsWhileHeld,
		"RefusedFindsATokenKept":      lawRefusedFindsATokenKept,
		"NothingKeptWithoutReturners": lawNothingKeptWithoutReturners,
		"RefusedFindsASlotKept":       lawRefusedFindsASlotKept,
	}
}

func lawWithinTheTime(d *desk) {
	d.absentees(2)
	d.pass(4*time.Minute + 50*time.Second)
	d.want("look", d.look(21), queue.Returned)
	d.want("claim", d.claim(21), queue.Claimed)
	d.pass(25 * time.Second)
	d.want("look, later", d.look(22), queue.Expired)
	d.want("claim, later", d.claim(22), queue.Expired)
}

func lawClockStandsWhileHeld(d *desk) {
	d.absentees(1)
	d.pass(4 * time.Minute)
	d.state(queue.Hold)
	d.pass(time.Hour)
	d.want("look", d.look(21), queue.Returned)
	d.state(queue.Auto)
	d.pass(40 * time.Second)
	d.want("claim", d.claim(21), queue.Claimed)
}

func lawRefusedFindsATokenKept(d *desk) {
	d.policy.Rate, d.policy.Burst = 2, 10
	d.policy.Capacity = 0
	d.join(10)
	d.policy.State = queue.Hold
	d.join(1)
	d.pass(40 * time.Second)
	d.policy.State, d.policy.Rate = queue.Auto, 1e-6
	d.drain()
	d.join(40)
	d.sync()
	d.want("a returner", d.claim(11), queue.Returned)
	// From now on ordinary claims leave min(8, burst/2) = 5 tokens.
	d.policy.Rate = 2
	d.sync()
	d.pass(3*time.Second + 100*time.Millisecond) // 6 tokens
	head := d.line(d.sync()).Head
	granted := 0
	for place := d.line(d.sync()).Head; place > head-10 && place > 20; place-- {
		if d.claim(place).Standing == queue.Claimed {
			granted++
		}
	}
	if granted != 1 {
		d.Errorf("%d ordinary claims are granted with 6 tokens, want 1", granted)
	}
	d.want("the returner", d.claim(11), queue.Claimed)
}

func lawNothingKeptWithoutReturners(d *desk) {
	d.policy.Rate, d.policy.Burst, d.policy.Capacity = 0, 0, 20
	if j := d.join(25); j.Admitted != 20 {
		d.Errorf("a room for 20 holds %d", j.Admitted)
	}
}

func lawRefusedFindsASlotKept(d *desk) {
	d.policy.Rate, d.policy.Burst, d.policy.Capacity = 0, 0, 20
	d.fill()
	d.renewAll(1, 20)
	d.policy.State = queue.Hold
	d.join(1)
	d.pass(40 * time.Second)
	d.policy.State = queue.Auto
	d.join(1)
	d.end(1)
	d.pass(2 * time.Second)
	d.want("the one behind", d.claim(22), queue.Claimed)
	d.join(3)
	d.want("the returner", d.claim(21), queue.Returned)
	d.end(2)
	d.pass(2 * time.Second)
	d.want("an ordinary claim", d.claim(23), queue.Called)
	d.want("the returner", d.claim(21), queue.Claimed)
}

// absentees fills the room, and has the head pass n places that are absent.
func (d *desk) absentees(n int) {
	d.Helper()
	d.fill()
	was := d.policy.State
	d.policy.State = queue.Hold
	d.join(n)
	d.pass(40 * time.Second)
	d.policy.State = was
	v := d.pass(time.Second)
	if l := d.line(v); l.Head != l.Tail {
		d.Fatalf("absentees are in the way: (%d, %d]", l.Head, l.Tail)
	}
}

// drain takes all tokens that are left.
func (d *desk) drain() {
	d.Helper()
	for d.join(1).Admitted == 1 {
	}
}

// states are the laws of hold, open, closed, overrides and resets.
func states() map[string]func(*desk) {
	return map[string]func(*desk){
		"Hold":                      lawHold,
		"Open":                      lawOpen,
		"Closed":                    lawClosed,
		"OverridesStayUntilCleared": lawOverridesStayUntilCleared,
		"ResetBeginsAnEpoch":        lawResetBeginsAnEpoch,
	}
}

func lawHold(d *desk) {
	d.fill()
	d.join(5)
	d.pass(time.Second)
	d.state(queue.Hold)
	d.want("claim of one called", d.claim(21), queue.Called)
	if j := d.join(10); j.First != 26 || j.Admitted != 0 {
		d.Errorf("a join: %+v", j)
	}
	if v := d.pass(3 * time.Second); v.State != queue.Hold || d.line(v).Head != 25 {
		d.Errorf("%s, head %d: somebody was called", v.State, d.line(v).Head)
	}
	if o := d.renew(1); o.Ends.IsZero() {
		d.Errorf("a renewal: %+v", o)
	}
	d.state(queue.Auto)
	d.pass(time.Second)
	d.want("claim afterwards", d.claim(26), queue.Claimed)
}

func lawOpen(d *desk) {
	d.policy.Capacity = 25
	d.fill()
	d.join(10)
	d.state(queue.Open)
	d.sync()
	for place := int64(21); place <= 30; place++ {
		d.want("claim", d.claim(place), queue.Claimed)
	}
	if j := d.join(20); j.Admitted != 20 {
		d.Errorf("admitted %d of 20", j.Admitted)
	}
	if v := d.pass(time.Second); v.Sessions != 50 {
		d.Errorf("%d leases are booked, want 50", v.Sessions)
	}
	d.state(queue.Auto)
	if j := d.join(1); j.Admitted != 0 {
		d.Error("admitted over capacity")
	}
	d.pass(40 * time.Second) // 10 claimed for 10 minutes, the joins are over
	if j := d.join(20); j.Admitted != 15 {
		d.Errorf("admitted %d, want 15: 10 of 25 slots are taken", j.Admitted)
	}
}

func lawClosed(d *desk) {
	d.fill()
	d.join(5)
	d.pass(time.Second)
	d.state(queue.Closed)
	if j := d.join(10); j.First != 0 || j.Admitted != 0 {
		d.Errorf("a join: %+v", j)
	}
	d.want("claim of one called", d.claim(21), queue.Called)
	if o := d.renew(1); o.Ends.IsZero() {
		d.Errorf("a renewal: %+v", o)
	}
	d.state(queue.Auto)
	d.pass(time.Second)
	d.want("claim afterwards", d.claim(21), queue.Claimed)
}

func lawOverridesStayUntilCleared(d *desk) {
	d.fill()
	rate, capacity, message := 3.5, 7, "soon"
	d.control(queue.Control{
		Rate: queue.Change[float64]{Set: true, To: &rate}, Capacity: queue.Change[int]{Set: true, To: &capacity},
		Message: queue.Change[string]{Set: true, To: &message}})
	rate, capacity = 99, 99 // the caller's own business
	v := d.sync()
	if v.Rate != 3.5 || v.Capacity != 7 || v.Message != "soon" || v.State != queue.Auto {
		d.Errorf("in force: %v %v %q", v.Rate, v.Capacity, v.Message)
	}
	d.policy.Rate = 20
	o := d.control(queue.Control{Capacity: queue.Change[int]{Set: true}})
	if o.Capacity != nil || *o.Rate != 3.5 {
		d.Errorf("overrides: %+v", o)
	}
	if v := d.sync(); v.Rate != 3.5 || v.Capacity != 100 {
		d.Errorf("in force: %v %v", v.Rate, v.Capacity)
	}
	d.control(queue.Control{Rate: queue.Change[float64]{Set: true}})
	if v := d.sync(); v.Rate != 20 {
		d.Errorf("in force: %v", v.Rate)
	}
}

func lawResetBeginsAnEpoch(d *desk) {
	was := d.join(30).Epoch
	d.renew(1)
	old := d.ticket(1)
	d.control(queue.Control{Reset: true})
	v := d.sync()
	l := d.line(v)
	if l.Epoch < max(was+1, v.Now.Unix()) || l.Head != 0 || l.Tail != 0 || v.Sessions != 20 {
		d.Errorf("epoch %d after %d, head %d, tail %d, %d sessions", l.Epoch, was, l.Head, l.Tail, v.Sessions)
	}
	r := d.step(queue.Step{Renew: []queue.Ticket{old}, Claims: []queue.Ticket{{Lane: d.lane, Epoch: was, Place: 25}}})
	d.want("claim of the old epoch", r.Claims[0], queue.Expired)
	if r.Renew[0].Ends.IsZero() {
		d.Errorf("a session did not survive the reset: %+v", r.Renew[0])
	}
	if j := d.join(1); j.First != 1 || j.Epoch != l.Epoch {
		d.Errorf("first place of the epoch: %+v", j)
	}
	d.control(queue.Control{Reset: true})
	if again := d.line(d.sync()).Epoch; again <= l.Epoch {
		d.Errorf("epoch %d after %d", again, l.Epoch)
	}
}
