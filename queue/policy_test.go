package queue

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSetPolicy(t *testing.T) {
	e := newScript()
	play(t, e, func(t *testing.T, r *Room) {
		p := r.Policy()
		p.Rate, p.Lanes = 200, []Lane{{"public", 1}, {"members", 2}}
		r.SetPolicy(p)
		p.Lanes[0].Name = "changed after"
		synctest.Wait()
		last := e.last(0)
		if last.Policy.Rate != 200 || last.Policy.Lanes[0].Name != "public" || len(r.View().Lanes) != 2 {
			t.Errorf("%+v", last.Policy)
		}
		r.SetPolicy(Policy{Rate: -1})
		if got := r.Policy(); got.Rate != 200 || got.State != Auto {
			t.Errorf("%+v", got)
		}
		// A lane that goes and comes back has its floor all the while.
		e.set(func() { e.heads["members"], e.tails["members"] = 20, 70 })
		time.Sleep(time.Second)
		p = r.Policy()
		p.Lanes = public
		r.SetPolicy(p)
		time.Sleep(time.Second)
		last = e.last(0)
		if len(last.Floor.Lanes) != 2 || last.Floor.Lanes[1] != (LaneFloor{"members", 1, 20, 70}) {
			t.Errorf("%+v", last.Floor)
		}
	})
}

func TestControl(t *testing.T) {
	e := newScript()
	play(t, e, func(t *testing.T, r *Room) {
		o, err := r.Control(t.Context(), Control{})
		if err != nil || o.State == nil || *o.State != Hold {
			t.Errorf("%+v, %v", o, err)
		}
		synctest.Wait()
		if v := r.View(); v.Overrides.State == nil {
			t.Errorf("the change is not in the View: %+v", v)
		}
	})
}

func TestNewRoomRefuses(t *testing.T) {
	good := Config{Name: "spring", Engine: newScript(), Policy: Policy{Rate: 1, Burst: 1, SessionTTL: time.Second, Lanes: public}}
	f := func(want string, change func(*Config)) {
		t.Helper()
		cfg := good
		change(&cfg)
		if _, err := NewRoom(cfg); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f("room: name: want one", func(c *Config) { c.Name = "" })
	f("room spring: engine: want one", func(c *Config) { c.Engine = nil })
	f("room spring: rate: want 0 or more, got -1", func(c *Config) { c.Policy.Rate = -1 })
	f("room spring: burst: want 1 or more, got 0", func(c *Config) { c.Policy.Burst = 0 })
	f("room spring: capacity: want 0 or more, got -1", func(c *Config) { c.Policy.Capacity = -1 })
	f("room spring: session ttl: want 1s or more, got 999ms", func(c *Config) { c.Policy.SessionTTL = 999 * time.Millisecond })
	f("room spring: longest session: want 0 or 1s or more, got 1ns", func(c *Config) { c.Policy.SessionMax = 1 })
	f("room spring: return within: want 0 or more, got -1ns", func(c *Config) { c.Policy.ReturnWithin = -1 })
	f(`room spring: state: want auto, hold, open or closed, got "on"`, func(c *Config) { c.Policy.State = "on" })
	f("room spring: lanes: want at least one", func(c *Config) { c.Policy.Lanes = nil })
	f(`room spring: lane "a": weight: want 1 or more, got 0`, func(c *Config) { c.Policy.Lanes = []Lane{{"a", 0}} })
	f(`room spring: lane "a": there are two`, func(c *Config) { c.Policy.Lanes = []Lane{{"a", 1}, {"a", 1}} })
	if _, err := NewRoom(good); err != nil {
		t.Error(err)
	}
}
