package proxy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealgate/dealgate/proxy/rawtest"
	"github.com/dealgate/dealgate/queue"
)

func TestStates(t *testing.T) {
	g := newGate(t, nil)
	tk := g.ticket(3)
	g.change(func(s *script) { s.tail = 5 })
	f := func(state queue.State, want string, joins bool) {
		t.Helper()
		g.change(func(s *script) { s.view.State = state })
		g.script.mu.Lock()
		before := g.script.joined
		g.script.mu.Unlock()
		if a := g.ask("GET", "/deals/1"); a.Status != 429 || object(t, a)["state"] != want {
			t.Errorf("%s, newcomer: %s%s", state, a.Head, a.Body)
		}
		g.script.mu.Lock()
		if joined := g.script.joined > before; joined != joins {
			t.Errorf("%s: joined %v", state, joined)
		}
		g.script.mu.Unlock()
		for _, target := range []string{"/deals/1", "/.dealgate/rooms/spring/ticket"} {
			if a := g.ask("GET", target, ticketCookie(tk)); object(t, a)["state"] != want {
				t.Errorf("%s, %s with a ticket: %s%s", state, target, a.Head, a.Body)
			}
		}
		if a := g.ask("GET", "/deals/1", passCookie(g.pass(2))); a.Status != 200 {
			t.Errorf("%s, with a pass: %s", state, a.Head)
		}
	}
	f(queue.Auto, "waiting", true)
	f(queue.Hold, "paused", true)
	f(queue.Closed, "closed", false)
}

func TestSoldOut(t *testing.T) {
	g := newGate(t, func(c *Config) { c.Rooms[0].Stock = stock{0} })
	if a := g.ask("GET", "/deals/1"); a.Status != 429 || object(t, a)["state"] != "sold_out" {
		t.Errorf("newcomer: %s%s", a.Head, a.Body)
	}
	if a := g.ask("POST", "/.dealgate/rooms/spring/tickets"); a.Status != 429 || object(t, a)["state"] != "sold_out" {
		t.Errorf("joining: %s%s", a.Head, a.Body)
	}
	g.change(func(s *script) {
		s.tail, s.head = 5, 3
		s.outcomes[2] = queue.Outcome{Standing: queue.Called}
		s.outcomes[3] = queue.Outcome{Standing: queue.Claimed, Ends: time.Now().Add(time.Minute)}
	})
	for _, place := range []int64{2, 4} {
		if a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(place))); a.Status != 429 || object(t, a)["state"] != "sold_out" {
			t.Errorf("place %d: %s%s", place, a.Head, a.Body)
		}
	}
	g.script.mu.Lock()
	if g.script.claimed+g.script.joined > 0 {
		t.Errorf("%d claimed, %d joined", g.script.claimed, g.script.joined)
	}
	g.script.mu.Unlock()
	if a := g.ask("GET", "/deals/1", ticketCookie(g.ticket(3))); a.Status != 200 || a.Body != "origin" {
		t.Errorf("whose session runs: %s%s", a.Head, a.Body)
	}
	if o := object(t, g.ask("GET", "/.dealgate/rooms/spring")); o["state"] != "sold_out" {
		t.Errorf("the room: %v", o)
	}
}

func TestOpenForwardsEveryone(t *testing.T) {
	g := newGate(t, nil)
	g.change(func(s *script) { s.view.State, s.enters = queue.Open, true })
	a := g.ask("GET", "/deals/1")
	if p, _ := cookie(a, "dealgate-pass-spring"); a.Status != 200 || a.Body != "origin" || p == "" {
		t.Errorf("with an engine that answers: %s%s", a.Head, a.Body)
	}
	if a = g.ask("GET", "/deals/1", "Sec-Fetch-Dest: image"); a.Status != 200 || len(a.Fields("Set-Cookie")) > 0 {
		t.Errorf("an image: %s", a.Head)
	}
	g.script.mu.Lock()
	g.script.away = true
	g.script.mu.Unlock()
	if a = g.ask("GET", "/deals/1"); a.Status != 200 || a.Body != "origin" {
		t.Errorf("with an engine that does not: %s%s", a.Head, a.Body)
	}
}

func TestStoreAway(t *testing.T) {
	for mode, want := range map[string]struct {
		status int
		state  string
	}{"hold": {429, "paused"}, "open": {200, ""}, "closed": {429, "closed"}} {
		g := newGate(t, func(c *Config) { c.Rooms[0].OnStoreFailure = mode })
		g.change(func(s *script) { s.tail, s.head, s.outcomes[1] = 5, 1, queue.Outcome{Standing: queue.Called} })
		g.script.mu.Lock()
		g.script.away = true
		g.script.mu.Unlock()
		a := g.ask("GET", "/deals/1")
		if a.Status != want.status || want.state != "" && (object(t, a)["state"] != want.state || object(t, a)["reason"] != "store_away") {
			t.Errorf("%s, newcomer: %s%s", mode, a.Head, a.Body)
		}
		if a = g.ask("GET", "/deals/1", ticketCookie(g.ticket(1))); a.Status != want.status {
			t.Errorf("%s, called: %s%s", mode, a.Head, a.Body)
		}
		if a = g.ask("GET", "/deals/1", passCookie(g.pass(1))); a.Status != 200 {
			t.Errorf("%s, with a pass: %s", mode, a.Head)
		}
		if a = g.ask("GET", "/.dealgate/rooms/spring/ticket", ticketCookie(g.ticket(3))); a.Status != 200 || object(t, a)["place"] != 3.0 {
			t.Errorf("%s, poll: %s%s", mode, a.Head, a.Body)
		}
	}
}

// TestFailingOpenOpensNothingThatIsShut: on_store_failure: open is for visitors who
// would have been let in, not for a room its operator has closed.
func TestFailingOpenOpensNothingThatIsShut(t *testing.T) {
	f := func(want string, state queue.State, left Stock) {
		t.Helper()
		g := newGate(t, func(c *Config) { c.Rooms[0].OnStoreFailure, c.Rooms[0].Stock = "open", left })
		g.change(func(s *script) {
			s.view.State = state
			s.tail, s.head, s.outcomes[1] = 5, 1, queue.Outcome{Standing: queue.Called}
		})
		g.script.mu.Lock()
		g.script.away = true
		g.script.mu.Unlock()
		for name, a := range map[string]*rawtest.Answer{
			"newcomer": g.ask("GET", "/deals/1"), "called": g.ask("GET", "/deals/1", ticketCookie(g.ticket(1))),
		} {
			if a.Status != 429 || object(t, a)["state"] != want {
				t.Errorf("%s, %s: %s%s", want, name, a.Head, a.Body)
			}
		}
		if strings.Contains(g.seen(), "/deals/1") {
			t.Errorf("%s: the origin was asked", want)
		}
	}
	f("closed", queue.Closed, nil)
	f("paused", queue.Hold, nil)
	f("sold_out", queue.Auto, stock{0})
}

func TestOriginEndsTheSession(t *testing.T) {
	g := newGate(t, nil)
	g.answer = "x-dealgate-command: end\r\nContent-Length: 4\r\n\r\nthx!"
	for _, path := range []string{"/deals/thanks", "/thanks"} { // inside of the room, and outside
		a := g.ask("GET", path, passCookie(g.pass(4)))
		value, at := cookie(a, "dealgate-pass-spring")
		if a.Status != 200 || a.Body != "thx!" || value != "" || !strings.Contains(at, "Max-Age=0") {
			t.Errorf("%s: %s%s", path, a.Head, a.Body)
		}
		if len(a.Fields("X-Dealgate-Command")) > 0 {
			t.Errorf("%s: the command went on to the visitor", path)
		}
	}
	g.script.mu.Lock()
	defer g.script.mu.Unlock()
	if want := (queue.Ticket{Lane: "public", Epoch: epoch, Place: 4}); !slices.Contains(g.script.ended, want) {
		t.Errorf("ended: %v", g.script.ended)
	}
}

// TestNobodyPassesBeforeTheEngineTellsTheTime: a node that has just started
// knows only its own clock, which may be wrong by minutes.
func TestNobodyPassesBeforeTheEngineTellsTheTime(t *testing.T) {
	g := newGate(t, nil)
	quiet := &script{away: true}
	room, err := queue.NewRoom(queue.Config{Name: "spring", Engine: quiet, SyncEvery: 5 * time.Millisecond, Policy: g.room.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	t.Cleanup(func() { end(); running.Wait() })
	next := g.cfg
	next.Rooms = slices.Clone(next.Rooms)
	next.Rooms[0].Queue = room
	if err := g.handler.Reload(next); err != nil {
		t.Fatal(err)
	}
	pass := passCookie(g.pass(1))
	if a := g.ask("GET", "/deals/1", pass); a.Status != 429 || object(t, a)["reason"] != "store_away" {
		t.Errorf("%s%s", a.Head, a.Body)
	}
	if a := g.ask("GET", ticketPath, pass); a.Status != 503 || len(a.Fields("Retry-After")) == 0 {
		t.Errorf("%s%s", a.Head, a.Body)
	}
	quiet.mu.Lock()
	quiet.away = false
	quiet.mu.Unlock()
	if a := g.ask("GET", "/deals/1", pass); a.Status != 200 {
		t.Errorf("once it has: %s", a.Head)
	}
}

func TestReloadIsAtomic(t *testing.T) {
	g := newGate(t, nil)
	bad := g.cfg
	bad.Routes = []Route{{Match: []Match{{Path: "/*"}}}}
	if err := g.handler.Reload(bad); err == nil {
		t.Error("a route without an upstream was taken")
	}
	if a := g.ask("GET", "/deals/1"); a.Status != 429 {
		t.Errorf("after a faulty reload: %s", a.Head)
	}
	next := g.cfg
	next.Rooms = nil
	if err := g.handler.Reload(next); err != nil {
		t.Fatal(err)
	}
	if a := g.ask("GET", "/deals/1"); a.Status != 200 {
		t.Errorf("after the room went: %s", a.Head)
	}
}
