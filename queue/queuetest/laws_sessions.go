package queuetest

import (
	"slices"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// sessions are the laws of leases, renewals and ends.
func sessions() map[string]func(*desk) {
	return map[string]func(*desk){
		"ProvisionalUntilRenewed":          lawProvisionalUntilRenewed,
		"ProvisionalNoLongerThanALease":    lawProvisionalNoLongerThanALease,
		"RenewalsMayBeRepeated":            lawRenewalsMayBeRepeated,
		"NoLongerThanTheLongestStay":       lawNoLongerThanTheLongestStay,
		"AShorterTTLCutsNoLease":           lawAShorterTTLCutsNoLease,
		"LeasesEndAndFreeTheirSlots":       lawLeasesEndAndFreeTheirSlots,
		"EndedFreesItsSlotASecondLater":    lawEndedFreesItsSlotASecondLater,
		"EndedIsOver":                      lawEndedIsOver,
		"EndsAreListedUntilTheirPassesEnd": lawEndsAreListedUntilTheirPassesEnd,
		"ManyEndAtOnce":                    lawManyEndAtOnce,
	}
}

func lawProvisionalUntilRenewed(d *desk) {
	j := d.join(2)
	if left := time.Until(j.Ends); left > 30*time.Second || left < 29*time.Second {
		d.Errorf("a join's session is leased for %v, want 30 s", left)
	}
	if o := d.renew(1); time.Until(o.Ends) < 10*time.Minute-time.Second || o.Provisional {
		d.Errorf("the renewal of a join's session: %+v", o)
	}
	if v := d.pass(31 * time.Second); v.Sessions != 1 {
		d.Errorf("%d sessions, want the renewed one", v.Sessions)
	}
	if o := d.renew(2); !o.Ends.IsZero() {
		d.Errorf("a session that is over is renewed: %+v", o)
	}
}

func lawProvisionalNoLongerThanALease(d *desk) {
	d.policy.SessionTTL = 10 * time.Second
	if j := d.join(1); time.Until(j.Ends) > 10*time.Second {
		d.Errorf("leased until %v", j.Ends)
	}
}

func lawRenewalsMayBeRepeated(d *desk) {
	d.fill()
	time.Sleep(1300 * time.Millisecond)
	r := d.step(queue.Step{Renew: d.tickets([]int64{7, 7, 7})})
	if r.Renew[0] != r.Renew[1] || r.Renew[1] != r.Renew[2] {
		d.Errorf("one step renews to %v", r.Renew)
	}
}

func lawNoLongerThanTheLongestStay(d *desk) {
	d.policy.SessionTTL, d.policy.SessionMax = time.Minute, 150*time.Second
	d.join(1)
	began := time.Now()
	for range 4 {
		d.renew(1)
		d.pass(35 * time.Second)
	}
	o := d.renew(1)
	if want := began.Add(150 * time.Second).Truncate(time.Second); !o.Ends.Equal(want) {
		d.Errorf("leased until %v, want %v", o.Ends, want)
	}
	if v := d.pass(11 * time.Second); v.Sessions != 0 {
		d.Error("a session outlives the longest stay")
	}
}

func lawAShorterTTLCutsNoLease(d *desk) {
	d.join(1)
	was := d.renew(1)
	d.policy.SessionTTL = 5 * time.Second
	if o := d.renew(1); !o.Ends.Equal(was.Ends) {
		d.Errorf("leased until %v, and a pass was signed until %v", o.Ends, was.Ends)
	}
}

func lawLeasesEndAndFreeTheirSlots(d *desk) {
	d.policy.Capacity = 10
	d.fill()
	d.policy.SessionTTL = 40 * time.Second
	d.renewAll(1, 4)
	d.join(20)
	v := d.pass(32 * time.Second)
	if v.Sessions != 4 {
		d.Errorf("%d sessions, want 4", v.Sessions)
	}
	v = d.pass(10 * time.Second)
	if v.Sessions != 0 || v.MeanSession < 29*time.Second || v.MeanSession > 40*time.Second {
		d.Errorf("%d sessions, mean %v", v.Sessions, v.MeanSession)
	}
}

func lawEndedFreesItsSlotASecondLater(d *desk) {
	d.policy.Capacity = 10
	d.fill()
	d.join(5)
	d.end(3)
	v := d.sync()
	if v.Sessions != 9 {
		d.Errorf("%d sessions, want 9", v.Sessions)
	}
	time.Sleep(900 * time.Millisecond)
	d.want("claim", d.claim(11), queue.Waiting)
	if l := d.line(d.sync()); l.Head >= 11 {
		d.want("claim", d.claim(11), queue.Called)
	}
	time.Sleep(200 * time.Millisecond)
	d.sync()
	d.want("claim", d.claim(11), queue.Claimed)
}

func lawEndedIsOver(d *desk) {
	d.fill()
	d.end(3)
	d.end(3)
	for _, o := range []queue.Outcome{d.renew(3), d.claim(3), d.look(3)} {
		if o.Standing != queue.Claimed || !o.Ends.IsZero() {
			d.Errorf("an ended session: %+v", o)
		}
	}
	if v := d.pass(time.Second); len(v.Ended) != 1 {
		d.Errorf("%d on the end list, want 1", len(v.Ended))
	}
}

func lawEndsAreListedUntilTheirPassesEnd(d *desk) {
	j := d.join(20)
	ends := d.renew(5).Ends
	first := d.sync()
	d.end(4)
	d.end(5)
	v := d.sync()
	want := []queue.End{{Ticket: d.ticket(4), Until: j.Ends}, {Ticket: d.ticket(5), Until: ends}}
	if !slices.Equal(v.Ended, want) {
		d.Errorf("the end list is %v, want %v", v.Ended, want)
	}
	since := func(seq int64) []queue.End {
		v, err := d.Sync(d.Context(), &queue.Sync{Room: d.room, Policy: d.policy, EndSeq: seq})
		if err != nil {
			d.Fatal(err)
		}
		return v.Ended
	}
	if got := since(v.EndSeq); len(got) != 0 {
		d.Errorf("a node that knows all is told %v", got)
	}
	if got := since(first.EndSeq); first.EndSeq != 0 && len(got) != 2 {
		d.Errorf("a node that knows none is told %v", got)
	}
	d.pass(5 * time.Minute)
	if got := since(0); !slices.Contains(got, want[1]) {
		d.Errorf("a node that asks for all is told %v", got)
	}
	d.pass(5*time.Minute + time.Second)
	if got := since(0); len(got) != 0 {
		d.Errorf("the end list is %v when all passes have ended", got)
	}
}

func lawManyEndAtOnce(d *desk) {
	d.policy.Rate, d.policy.Capacity = 0, 5000
	d.fill()
	d.join(100)
	if v := d.pass(45 * time.Second); v.Sessions != 0 {
		d.Errorf("%d sessions, want none", v.Sessions)
	}
}

// presence are the laws of promises and of the presence clock.
func presence() map[string]func(*desk) {
	return map[string]func(*desk){
		"ForgottenWhenThePromiseIsOver": lawForgottenWhenThePromiseIsOver,
		"BackWhenItReturns":             lawBackWhenItReturns,
		"MarksOfNoPlace":                lawMarksOfNoPlace,
		"ClockMovesASecondASync":        lawClockMovesASecondASync,
		"AnOutageMakesNobodyAbsent":     lawAnOutageMakesNobodyAbsent,
		"CountedByBlocks":               lawCountedByBlocks,
	}
}

func lawForgottenWhenThePromiseIsOver(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(10)
	v := d.sync()
	if n := d.line(v).Present; n != 10 {
		d.Errorf("%d present after the join, want 10", n)
	}
	d.syncMarks(queue.PresenceWindow(v.Presence, 20*time.Second), 22, 24)
	if n := d.line(d.pass(32 * time.Second)).Present; n != 2 {
		d.Errorf("%d present, want those who promised, 2", n)
	}
	v = d.pass(40 * time.Second)
	if n := d.line(v).Present; n != 0 || v.Abandoned != 10 {
		d.Errorf("%d present, %d abandoned; want 0 and 10", n, v.Abandoned)
	}
}

func lawBackWhenItReturns(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(3)
	v := d.pass(time.Minute)
	d.syncMarks(queue.PresenceWindow(v.Presence, 2*time.Second), 22)
	d.policy.State = queue.Auto
	d.pass(2 * time.Second)
	d.want("one who is absent", d.look(21), queue.Returned)
	d.want("one who came back", d.look(22), queue.Called)
}

func lawMarksOfNoPlace(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(1)
	d.syncMarks(3, -1, 0, 1, 20, 22, 1<<40)
	s := &queue.Sync{Room: d.room, Policy: d.policy, Marks: []queue.Marks{
		{Lane: d.lane, Epoch: d.epoch - 1, Marks: []queue.Mark{{Place: 21, Window: 9}}},
		{Lane: "none", Epoch: d.epoch, Marks: []queue.Mark{{Place: 21, Window: 9}}}}}
	if _, err := d.Sync(d.Context(), s); err != nil {
		d.Fatal(err)
	}
	if n := d.line(d.pass(time.Minute)).Present; n != 0 {
		d.Errorf("%d present", n)
	}
}

func lawClockMovesASecondASync(d *desk) {
	was := d.sync().Presence
	time.Sleep(time.Hour)
	if now := d.sync().Presence; now != was+time.Second {
		d.Errorf("the presence clock moves by %v in an outage", now-was)
	}
	was = d.sync().Presence
	time.Sleep(300 * time.Millisecond)
	if now := d.sync().Presence; now != was+300*time.Millisecond {
		d.Errorf("the presence clock moves by %v in 300 ms", now-was)
	}
}

func lawAnOutageMakesNobodyAbsent(d *desk) {
	d.fill()
	d.policy.State = queue.Hold
	d.join(5)
	d.sync()
	time.Sleep(10 * time.Minute)
	if n := d.line(d.pass(2 * time.Second)).Present; n != 5 {
		d.Errorf("%d of 5 present after an outage", n)
	}
}

func lawCountedByBlocks(d *desk) {
	d.policy.Rate, d.policy.Capacity = 0, 10
	d.fill()
	d.policy.State = queue.Hold
	d.join(5000)
	v := d.pass(2 * time.Second)
	l := d.line(v)
	if l.Present != 5000 || len(l.Blocks) != 5 || l.Blocks[0] != 1014 || l.Blocks[4] != 914 {
		d.Errorf("%d present, by blocks %v", l.Present, l.Blocks)
	}
	d.syncMarks(queue.PresenceWindow(v.Presence, 20*time.Second), 1025, 2048, 2049)
	l = d.line(d.pass(32 * time.Second))
	if want := []uint16{0, 2, 1, 0, 0}; !slices.Equal(l.Blocks, want) {
		d.Errorf("by blocks %v, want %v", l.Blocks, want)
	}
}
