package queuetest

import (
	"slices"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// rooms are the laws of several rooms, lanes and nodes.
func rooms() map[string]func(*desk) {
	return map[string]func(*desk){
		"KnowNothingOfEachOther":       lawKnowNothingOfEachOther,
		"AFloorIsNeverGivenAgain":      lawAFloorIsNeverGivenAgain,
		"LanesEnterByWeight":           lawLanesEnterByWeight,
		"AnUnusedShareGoesToTheOthers": lawAnUnusedShareGoesToTheOthers,
		"ARemovedLaneDrains":           lawARemovedLaneDrains,
		"NodesShareTheRate":            lawNodesShareTheRate,
	}
}

func lawKnowNothingOfEachOther(d *desk) {
	other := d.in("autumn")
	d.fill()
	d.join(5)
	if j := other.join(7); j.First != 1 || j.Admitted != 7 {
		d.Errorf("the other room: %+v", j)
	}
	d.state(queue.Hold)
	d.control(queue.Control{Reset: true})
	d.end(3)
	if v := other.sync(); v.State != queue.Auto || v.Sessions != 7 || other.line(v).Tail != 7 || len(v.Ended) != 0 {
		d.Errorf("the other room: %+v", v)
	}
}

func lawAFloorIsNeverGivenAgain(d *desk) {
	d.join(1)
	v := d.sync()
	floor := queue.Floor{Run: v.Run, Lanes: []queue.LaneFloor{{Lane: d.lane, Epoch: d.epoch, Head: 50, Tail: 1000}}}
	r := d.step(queue.Step{Floor: floor, Joins: []queue.Join{{Lane: d.lane, N: 1}}})
	if j := r.Joins[0]; j.First <= 1000 || j.Head < 50 {
		d.Errorf("above the floor: %+v", j)
	}
	floor.Lanes[0].Epoch++
	floor.Lanes[0].Tail = 3000
	v, err := d.Sync(d.Context(), &queue.Sync{Room: d.room, Policy: d.policy, Floor: floor})
	if err != nil {
		d.Fatal(err)
	}
	if l := d.line(v); l.Epoch != floor.Lanes[0].Epoch || l.Tail < 3000 {
		d.Errorf("another epoch's floor: %+v", l)
	}
	floor.Lanes[0].Epoch--
	floor.Lanes[0].Tail = 9000
	if j := d.join(1); j.First <= 3000 {
		d.Errorf("place %d was given before", j.First)
	}
	d.step(queue.Step{Floor: floor})
	if l := d.line(d.sync()); l.Tail >= 9000 {
		d.Errorf("the floor of an old epoch counts: %+v", l)
	}
}

func lawLanesEnterByWeight(d *desk) {
	d.policy.Capacity = 0
	d.policy.Lanes = []queue.Lane{{Name: "public", Weight: 1}, {Name: "members", Weight: 3}}
	d.fill()
	entered := map[string]int{}
	next := map[string]int64{"public": 21, "members": 1}
	called := map[string][]int64{}
	d.policy.State = queue.Hold
	for lane := range next {
		d.lane = lane
		d.join(800)
	}
	d.policy.State = queue.Auto
	for range 4 * 60 {
		time.Sleep(syncEvery)
		v := d.sync()
		for i, w := range d.policy.Lanes {
			d.lane = w.Name
			d.epoch = v.Lanes[i].Epoch
			d.keepPresent(v, next[w.Name], 50)
			for ; next[w.Name] <= d.line(v).Head; next[w.Name]++ {
				called[w.Name] = append(called[w.Name], next[w.Name])
			}
			called[w.Name] = slices.DeleteFunc(called[w.Name], func(place int64) bool {
				claimed := d.claim(place).Standing == queue.Claimed
				if claimed {
					entered[w.Name]++
				}
				return claimed
			})
		}
	}
	sum := entered["public"] + entered["members"]
	if share := float64(entered["members"]) / float64(sum); sum < 580 || share < 0.7 || share > 0.8 {
		d.Errorf("%v entered in a minute at 10/s, want 600, 3/4 of them members", entered)
	}
}

func lawAnUnusedShareGoesToTheOthers(d *desk) {
	d.policy.Capacity = 0
	d.policy.Lanes = []queue.Lane{{Name: "members", Weight: 9}, {Name: "public", Weight: 1}}
	d.fill()
	d.join(400)
	v := d.pass(2 * time.Second)
	if l := d.line(v); l.Head-20 < 30 {
		d.Errorf("only %d of the public are called while there are no members", l.Head-20)
	}
}

func lawARemovedLaneDrains(d *desk) {
	d.policy.Lanes = append(d.policy.Lanes, queue.Lane{Name: "members", Weight: 1})
	d.fill()
	d.lane = "members"
	d.join(4)
	d.policy.Lanes = d.policy.Lanes[:1]
	v := d.pass(2 * time.Second)
	if l := d.line(v); l.Head != 4 || v.Lanes[0].Lane != "public" {
		d.Errorf("a removed lane: %+v", l)
	}
	d.want("claim", d.claim(4), queue.Claimed)
}

func lawNodesShareTheRate(d *desk) {
	d.policy.Capacity = 0
	d.fill()
	d.join(300)
	for range 40 {
		time.Sleep(syncEvery)
		for range 5 { // nodes
			d.sync()
			head := d.line(d.sync()).Head
			for place := max(21, head-60); place <= head; place += 3 {
				d.claim(place)
			}
		}
	}
	if v := d.sync(); v.Begun > 20+100+1 {
		d.Errorf("%d began in 10 s at 10/s", v.Begun)
	}
}

// keepPresent marks n places from first on as present.
func (d *desk) keepPresent(v *queue.View, first, n int64) {
	d.Helper()
	var places []int64
	for place := first; place < first+n; place++ {
		places = append(places, place)
	}
	d.syncMarks(queue.PresenceWindow(v.Presence, 2*time.Second), places...)
}

// restarts are the laws of an engine that begins from what another left.
func restarts() map[string]func(*desk) {
	law := func(f func(*desk)) func(*desk) {
		return func(d *desk) {
			if d.subject.Crash != nil {
				f(d)
			}
		}
	}
	return map[string]func(*desk){
		"LoseNoPlace":                  law(lawLoseNoPlace),
		"LoseNoSession":                law(lawLoseNoSession),
		"KeepCapacityAndAllowance":     law(lawKeepCapacityAndAllowance),
		"KeepOverridesAndEpoch":        law(lawKeepOverridesAndEpoch),
		"KeepTheReturnClock":           law(lawKeepTheReturnClock),
		"AllArePresentForFortySeconds": law(lawAllArePresentForFortySeconds),
	}
}

func lawLoseNoPlace(d *desk) {
	d.policy.Rate, d.policy.Burst = 1, 1
	d.fill()
	for i := range 12 {
		j := d.join(1 + i*i*10)
		d.watch.crash()
		if i%3 == 0 {
			d.sync()
		}
		if o := d.look(j.First + int64(i*i*10)); o.Standing == queue.Expired {
			d.Errorf("the last place of join %d is lost", i)
		}
	}
}

func lawLoseNoSession(d *desk) {
	d.fill()
	kept := d.renew(5)
	d.join(2)
	d.end(6)
	d.pass(time.Second)
	claimed := d.claim(21)
	d.leave(22)
	d.watch.crash()
	v := d.sync()
	if v.Sessions != 20 || len(v.Ended) != 1 {
		d.Errorf("%d sessions, %d ended; want 20 and 1", v.Sessions, len(v.Ended))
	}
	if o := d.look(5); o != kept {
		d.Errorf("a renewed session is %+v, was %+v", o, kept)
	}
	if o := d.claim(21); o != claimed {
		d.Errorf("a claimed place is %+v, was %+v", o, claimed)
	}
	if o := d.claim(6); !o.Ends.IsZero() {
		d.Errorf("an ended session is %+v", o)
	}
	if o := d.look(7); !o.Provisional {
		d.Errorf("a provisional session is %+v", o)
	}
	d.want("one who left", d.claim(22), queue.Expired)
	if v := d.pass(40 * time.Second); v.Sessions != 2 {
		d.Errorf("%d sessions, want those renewed or claimed, 2", v.Sessions)
	}
}

func lawKeepCapacityAndAllowance(d *desk) {
	d.policy.Capacity = 30
	d.fill()
	for range 5 {
		d.watch.crash()
		if j := d.join(20); j.Admitted != 0 {
			d.Errorf("a restart gives %d tokens", j.Admitted)
		}
		d.control(queue.Control{Reset: true}) // nobody waits
	}
	time.Sleep(2 * time.Second)
	d.watch.crash()
	d.sync()
	if j := d.join(20); j.Admitted != 10 {
		d.Errorf("%d slots of 30 after 20 sessions", j.Admitted)
	}
}

func lawKeepOverridesAndEpoch(d *desk) {
	d.fill()
	d.state(queue.Hold)
	d.control(queue.Control{Reset: true})
	epoch := d.line(d.sync()).Epoch
	d.watch.crash()
	v := d.sync()
	if l := d.line(v); v.State != queue.Hold || l.Epoch != epoch || v.Sessions != 20 {
		d.Errorf("%s, epoch %d, %d sessions; want hold, %d, 20", v.State, l.Epoch, v.Sessions, epoch)
	}
}

func lawKeepTheReturnClock(d *desk) {
	d.absentees(1)
	d.pass(4 * time.Minute)
	d.watch.crash()
	d.want("look", d.look(21), queue.Returned)
	d.pass(30 * time.Second)
	d.want("claim", d.claim(21), queue.Claimed)
}

func lawAllArePresentForFortySeconds(d *desk) {
	d.fill()
	d.state(queue.Hold)
	d.join(10)
	d.pass(time.Minute)
	if n := d.line(d.sync()).Present; n != 0 {
		d.Fatalf("%d present", n)
	}
	d.watch.crash()
	if n := d.line(d.pass(39 * time.Second)).Present; n < 10 {
		d.Errorf("%d of 10 present after a restart", n)
	}
	if n := d.line(d.pass(20 * time.Second)).Present; n != 0 {
		d.Errorf("%d present a minute after a restart", n)
	}
}
