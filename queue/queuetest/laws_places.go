package queuetest

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// places are the laws of joins.
func places() map[string]func(*desk) {
	return map[string]func(*desk){
		"InOrderWithoutGaps":             lawInOrderWithoutGaps,
		"FirstEpochIsSeconds":            lawFirstEpochIsSeconds,
		"LanesCountApart":                lawLanesCountApart,
		"AdmittedAtOnceWhileThereIsRoom": lawAdmittedAtOnceWhileThereIsRoom,
		"AdmittedUpToCapacity":           lawAdmittedUpToCapacity,
		"NobodyOvertakesWhoWaits":        lawNobodyOvertakesWhoWaits,
		"NobodyOvertakesWhoIsCalled":     lawNobodyOvertakesWhoIsCalled,
		"AbsenteesStopNobody":            lawAbsenteesStopNobody,
		"UnlimitedRate":                  lawUnlimitedRate,
		"UnlimitedCapacity":              lawUnlimitedCapacity,
	}
}

func lawInOrderWithoutGaps(d *desk) {
	d.policy.Rate, d.policy.Burst = 1, 1
	next := int64(1)
	for _, n := range []int{1, 3, 160, 1, 4096, 2} {
		if j := d.join(n); j.First != next {
			d.Errorf("the next place is %d, want %d", j.First, next)
		}
		next += int64(n)
	}
}

func lawFirstEpochIsSeconds(d *desk) {
	if j := d.join(1); j.Epoch != time.Now().Unix() {
		d.Errorf("epoch %d, want %d", j.Epoch, time.Now().Unix())
	}
}

func lawLanesCountApart(d *desk) {
	d.policy.Lanes = append(d.policy.Lanes, queue.Lane{Name: "members", Weight: 3})
	d.join(7)
	d.lane = "members"
	if j := d.join(2); j.First != 1 {
		d.Errorf("the first member has place %d", j.First)
	}
}

func lawAdmittedAtOnceWhileThereIsRoom(d *desk) {
	j := d.join(30)
	if j.Admitted != 20 || j.Head != 20 {
		d.Errorf("admitted %d of 30, head %d; want the burst, 20", j.Admitted, j.Head)
	}
	if o := d.look(20); o.Standing != queue.Claimed || !o.Provisional || !o.Ends.Equal(j.Ends) {
		d.Errorf("the last one admitted: %+v", o)
	}
	d.want("the first one not admitted", d.look(21), queue.Waiting)
}

func lawAdmittedUpToCapacity(d *desk) {
	d.policy.Capacity = 5
	if j := d.join(9); j.Admitted != 5 {
		d.Errorf("admitted %d to 5 slots", j.Admitted)
	}
}

func lawNobodyOvertakesWhoWaits(d *desk) {
	d.fill()
	d.join(1)
	time.Sleep(5 * time.Second)
	if j := d.join(1); j.Admitted != 0 {
		d.Error("a newcomer passes one who waits")
	}
}

func lawNobodyOvertakesWhoIsCalled(d *desk) {
	d.fill()
	d.join(1)
	v := d.pass(time.Second)
	if l := d.line(v); l.Head != l.Tail {
		d.Fatalf("(%d, %d] is not called", l.Head, l.Tail)
	}
	if j := d.join(1); j.Admitted != 0 {
		d.Error("a newcomer passes one who is called")
	}
}

func lawAbsenteesStopNobody(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(50)
	d.pass(time.Minute)
	d.policy.State = queue.Auto
	if j := d.join(1); j.Admitted != 1 {
		d.Error("a newcomer waits for those who are gone")
	}
}

func lawUnlimitedRate(d *desk) {
	d.policy.Rate, d.policy.Burst, d.policy.Capacity = 0, 0, 3000
	if j := d.join(4000); j.Admitted != 3000 {
		d.Errorf("admitted %d, want the capacity", j.Admitted)
	}
}

func lawUnlimitedCapacity(d *desk) {
	d.policy.Capacity = 0
	admitted := 0
	for range 50 {
		admitted += d.join(1).Admitted
		time.Sleep(100 * time.Millisecond)
		d.leave(int64(admitted + 1)) // whoever had to wait
	}
	if admitted < 50 {
		d.Errorf("admitted %d of 50 at 10/s", admitted)
	}
}

// claims are the laws of claims.
func claims() map[string]func(*desk) {
	return map[string]func(*desk){
		"NotAboveTheHead":          lawNotAboveTheHead,
		"OfNoPlace":                lawOfNoPlace,
		"OncePerPlace":             lawOncePerPlace,
		"NeverAgainOnceOver":       lawNeverAgainOnceOver,
		"RefusedIsToldToComeAgain": lawRefusedIsToldToComeAgain,
		"RefusedForWantOfASlot":    lawRefusedForWantOfASlot,
		"FreshWhileItTries":        lawFreshWhileItTries,
		"StaleAfterFiveSeconds":    lawStaleAfterFiveSeconds,
		"LeaversAreNeverCalled":    lawLeaversAreNeverCalled,
	}
}

func lawNotAboveTheHead(d *desk) {
	d.fill()
	d.join(5)
	d.want("claim", d.claim(21), queue.Waiting)
	d.want("look", d.look(21), queue.Waiting)
}

func lawOfNoPlace(d *desk) {
	d.fill()
	for _, t := range []queue.Ticket{
		{Lane: d.lane, Epoch: d.epoch, Place: 21}, {Lane: d.lane, Epoch: d.epoch}, {Lane: d.lane, Epoch: d.epoch, Place: -1},
		{Lane: d.lane, Epoch: d.epoch - 1, Place: 1}, {Lane: d.lane, Epoch: d.epoch + 1, Place: 1}, {Lane: "none", Epoch: d.epoch, Place: 1},
	} {
		r := d.step(queue.Step{Claims: []queue.Ticket{t}, Looks: []queue.Ticket{t}, Renew: []queue.Ticket{t}, Ends: []queue.Ticket{t}, Leaves: []queue.Ticket{t}})
		d.want("claim", r.Claims[0], queue.Expired)
		d.want("look", r.Looks[0], queue.Expired)
		d.want("renewal", r.Renew[0], queue.Expired)
	}
}

func lawOncePerPlace(d *desk) {
	d.fill()
	d.join(1)
	d.pass(2 * time.Second)
	first := d.claim(21)
	d.want("claim", first, queue.Claimed)
	time.Sleep(3 * time.Second)
	r := d.step(queue.Step{Claims: d.tickets([]int64{21, 21})})
	for _, again := range r.Claims {
		if again != first {
			d.Errorf("claimed again: %+v, was %+v", again, first)
		}
	}
}

func lawNeverAgainOnceOver(d *desk) {
	d.policy.SessionTTL = 20 * time.Second
	d.fill()
	d.join(1)
	d.pass(2 * time.Second)
	d.claim(21)
	d.pass(25 * time.Second)
	if o := d.claim(21); o.Standing != queue.Claimed || !o.Ends.IsZero() {
		d.Errorf("a session that is over is claimed: %+v", o)
	}
}

func lawRefusedIsToldToComeAgain(d *desk) {
	d.policy.Rate, d.policy.Burst = 1, 4
	d.fill()
	d.join(6)
	d.pass(1 * time.Second) // one token, several invitations
	r := d.step(queue.Step{Claims: d.tickets([]int64{5, 6})})
	d.want("the first", r.Claims[0], queue.Claimed)
	d.want("the second", r.Claims[1], queue.Called)
	d.pass(time.Second)
	d.want("the second, later", d.claim(6), queue.Claimed)
}

func lawRefusedForWantOfASlot(d *desk) {
	d.policy.Capacity = 10
	d.fill()
	d.renewAll(1, 10)
	d.join(2)
	d.pass(3 * time.Second)
	d.want("claim", d.claim(11), queue.Waiting)
	d.end(1)
	d.pass(2 * time.Second)
	d.want("claim", d.claim(11), queue.Claimed)
}

func lawFreshWhileItTries(d *desk) {
	d.fill()
	d.join(2)
	d.pass(2 * time.Second)
	d.policy.Capacity = 20 // nothing is free any more
	d.renewAll(1, 20)
	for range 10 {
		d.want("one who keeps trying", d.claim(21), queue.Called)
		d.pass(2 * time.Second)
	}
	d.pass(4 * time.Second)
	d.want("one who stopped", d.look(21), queue.Returned)
	d.want("one who is back", d.claim(21), queue.Returned)
	d.want("one who is back", d.look(21), queue.Returned)
	d.want("one who never tried", d.look(22), queue.Returned)
}

func lawStaleAfterFiveSeconds(d *desk) {
	d.fill()
	d.join(1)
	d.pass(4 * time.Second)
	d.want("look", d.look(21), queue.Called)
	d.pass(2 * time.Second)
	d.want("look", d.look(21), queue.Returned)
	d.want("claim", d.claim(21), queue.Claimed)
}

func lawLeaversAreNeverCalled(d *desk) {
	d.fill()
	d.join(3)
	d.leave(21, 22)
	d.leave(21)
	v := d.pass(time.Second)
	d.want("look", d.look(21), queue.Expired)
	d.want("claim", d.claim(22), queue.Expired)
	d.want("look", d.look(23), queue.Called)
	if v.Abandoned != 2 {
		d.Errorf("%d abandoned, want 2", v.Abandoned)
	}
	d.leave(23)
	d.want("claim", d.claim(23), queue.Expired)
}

// renewAll confirms the sessions that joins began.
func (d *desk) renewAll(from, to int64) {
	d.Helper()
	for place := from; place <= to; place++ {
		if o := d.renew(place); o.Standing != queue.Claimed {
			d.Errorf("renewal of %d: %+v", place, o)
		}
	}
}
