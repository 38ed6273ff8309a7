package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// engine is a scripted [queue.Engine]: it keeps overrides and shows a line of 5,000.
type engine struct {
	mu     sync.Mutex // guards what follows
	o      queue.Overrides
	resets int
	err    error
}

func (e *engine) Step(context.Context, *queue.Step) (*queue.StepReply, error) {
	return nil, queue.ErrAway
}

func (e *engine) Sync(_ context.Context, s *queue.Sync) (*queue.View, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return nil, e.err
	}
	return &queue.View{
		Now: time.Now(), Run: "run", State: queue.Auto, Rate: s.Policy.Rate, Capacity: s.Policy.Capacity, Overrides: e.o,
		Sessions: 70, Entered: 49.5, Begun: 1200, Abandoned: 30, Yield: 1, MeanSession: 90 * time.Second,
		Lanes: []queue.LaneView{{
			Lane: "public", Epoch: 1, Head: 1000, Tail: 6000, From: 1000, To: 6000, Present: 4700, First: 1,
			Blocks: []uint16{20, 1000, 1000, 1000, 1000, 680},
		}},
	}, nil
}

func (e *engine) Control(_ context.Context, c *queue.Control) (queue.Overrides, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return queue.Overrides{}, e.err
	}
	merge(&e.o.State, c.State)
	merge(&e.o.Rate, c.Rate)
	merge(&e.o.Capacity, c.Capacity)
	merge(&e.o.Message, c.Message)
	if c.Reset {
		e.resets++
	}
	return e.o, nil
}

func merge[T any](to **T, c queue.Change[T]) {
	if c.Set {
		*to = c.To
	}
}

func (e *engine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// node is a handler over the rooms "spring" and "autumn" of one scripted engine.
type node struct {
	t      *testing.T
	engine *engine
	http.Handler
	log bytes.Buffer
}

// on runs f with a node whose rooms have synced, on a fake clock.
func on(t *testing.T, cfg Config, f func(n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &node{t: t, engine: &engine{}}
		ctx, stop := context.WithCancel(t.Context())
		var rooms []*queue.Room
		var parts sync.WaitGroup
		for _, name := range []string{"spring", "autumn"} {
			room, err := queue.NewRoom(queue.Config{Name: name, Engine: n.engine, Policy: queue.Policy{
				Rate: 50, Burst: 50, Capacity: 5000, State: queue.Auto, SessionTTL: time.Minute, ReturnWithin: time.Minute,
				Lanes: []queue.Lane{{Name: "public", Weight: 1}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			rooms = append(rooms, room)
			parts.Go(func() { room.Run(ctx) })
		}
		cfg.Rooms = func() []*queue.Room { return rooms }
		cfg.Log = slog.New(slog.NewTextHandler(&n.log, nil))
		n.Handler = New(cfg)
		synctest.Wait()
		f(n)
		stop()
		parts.Wait()
	})
}

// ask sends a request to localhost; each header is "Name: value".
func (n *node) ask(method, path, body string, headers ...string) *http.Response {
	n.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost:9090"
	if body != "" || method == "POST" || method == "PATCH" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	w := httptest.NewRecorder()
	n.ServeHTTP(w, r)
	synctest.Wait()
	return w.Result()
}

// as decodes the body of an answer of the given status.
func as[T any](n *node, resp *http.Response, status int) (to T) {
	n.t.Helper()
	var body bytes.Buffer
	body.ReadFrom(resp.Body)
	if resp.StatusCode != status {
		n.t.Fatalf("status %d, want %d: %s", resp.StatusCode, status, body.String())
	}
	dec := json.NewDecoder(&body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&to); err != nil {
		n.t.Fatal(err)
	}
	return to
}

func TestRoomsAreShown(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		all := as[struct{ Rooms []roomState }](n, n.ask("GET", "/admin/api/rooms", ""), 200)
		if len(all.Rooms) != 2 || all.Rooms[0].Name != "spring" || all.Rooms[1].Name != "autumn" {
			t.Fatalf("%+v", all)
		}
		s := as[roomState](n, n.ask("GET", "/admin/api/rooms/spring", ""), 200)
		if s.State != "auto" || s.Rate != 50 || s.Capacity != 5000 || s.Sessions != 70 || s.Begun != 1200 || s.Waiting < 4000 ||
			s.Stay != 90 || s.Configured != (limits{"auto", 50, 50, 5000}) || s.Overrides != (overrides{}) || s.StoreAway || s.AsOf == nil {
			t.Errorf("%+v", s)
		}
		if l := s.Lanes[0]; l.Lane != "public" || l.Head != 1000 || l.Tail != 6000 || l.Wait == nil || *l.Wait < 60 {
			t.Errorf("%+v", l)
		}
		if p := as[problem](n, n.ask("GET", "/admin/api/rooms/summer", ""), 404); p.Type != "urn:dealgate:problem:unknown-room" {
			t.Errorf("%+v", p)
		}
	})
}

// TestAPatchMergesIntoTheOverrides: RFC 7396, null clears and what is absent stays.
func TestAPatchMergesIntoTheOverrides(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		f := func(patch string, state queue.State, rate float64, capacity int, message string, overridden string) {
			t.Helper()
			s := as[roomState](n, n.ask("PATCH", "/admin/api/rooms/spring", patch), 200)
			if s.State != state || s.Rate != rate || s.Capacity != capacity || s.Message != message {
				t.Errorf("%s: in force %v %v %v %q", patch, s.State, s.Rate, s.Capacity, s.Message)
			}
			if o, err := json.Marshal(s.Overrides); err != nil || string(o) != overridden {
				t.Errorf("%s: overridden %s, want %s", patch, o, overridden)
			}
			if again := as[roomState](n, n.ask("GET", "/admin/api/rooms/spring", ""), 200); again.Rate != rate || again.State != state {
				t.Errorf("%s: then %+v", patch, again)
			}
		}
		f(`{}`, "auto", 50, 5000, "", `{}`)
		f(`{"rate":"200/s"}`, "auto", 200, 5000, "", `{"rate":200}`)
		f(`{"state":"hold","message":"Back at 10:15"}`, "hold", 200, 5000, "Back at 10:15", `{"state":"hold","rate":200,"message":"Back at 10:15"}`)
		f(`{"rate":null,"capacity":10}`, "hold", 50, 10, "Back at 10:15", `{"state":"hold","capacity":10,"message":"Back at 10:15"}`)
		f(`{"state":null,"capacity":0,"message":null}`, "auto", 50, 0, "", `{"capacity":0}`)
		f(`{"rate":12.5}`, "auto", 12.5, 0, "", `{"rate":12.5,"capacity":0}`)
		f(` { "rate" : "90/m" } `, "auto", 1.5, 0, "", `{"rate":1.5,"capacity":0}`)
		f(`{"rate":"7200/h"}`, "auto", 2, 0, "", `{"rate":2,"capacity":0}`)
		f(`{"rate":1e3}`, "auto", 1000, 0, "", `{"rate":1000,"capacity":0}`)
		if got := n.log.String(); strings.Count(got, "room changed by an operator") != 9 || !strings.Contains(got, "rate=200") || !strings.Contains(got, "rate_before=50") {
			t.Error(got)
		}
	})
}

func TestAWrongPatchNamesTheFieldAndChangesNothing(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		f := func(patch, field, allowed string) {
			t.Helper()
			resp := n.ask("PATCH", "/admin/api/rooms/spring", patch)
			if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("%s: %s", patch, ct)
			}
			p := as[problem](n, resp, 400)
			if p.Type != "urn:dealgate:problem:invalid-change" || p.Status != 400 || len(p.Errors) == 0 ||
				p.Errors[0].Field != field || !strings.Contains(p.Errors[0].Detail, allowed) || !strings.Contains(p.Detail, allowed) {
				t.Errorf("%s: %+v", patch, p)
			}
		}
		for _, bad := range []string{`"paused"`, `"Auto"`, `""`, `1`, `["auto"]`, `{}`, `true`} {
			f(`{"state":`+bad+`}`, "state", `"auto", "hold", "open" or "closed"`)
		}
		for _, bad := range []string{`0`, `-1`, `"0/s"`, `"50"`, `"50/d"`, `"1e3/s"`, `1e300`, `1000001`, `"-5/s"`, `[50]`, `true`, `"NaN/s"`, `"50/s "`, `1e-300`, `"0.000000001/h"`, `"0.04/h"`} {
			f(`{"rate":`+bad+`}`, "rate", `at least one a day`)
		}
		for _, bad := range []string{`-1`, `-0`, `1.5`, `1e3`, `"10"`, `10000001`, `99999999999999999999`, `true`, `{}`} {
			f(`{"capacity":`+bad+`}`, "capacity", "whole number")
		}
		for _, bad := range []string{`1`, `["a"]`, `"a\nb"`, `"a\u0000"`, `"\u001b[31m"`, `"\u202etxt"`, `"\u2028"`, `"\ud800"`, `"` + strings.Repeat("가", 501) + `"`} {
			f(`{"message":`+bad+`}`, "message", "at most 500 characters without control characters")
		}
		f(`{"rte":1}`, "rte", "want state, rate, capacity or message")
		f(`{"Rate":1}`, "Rate", "unknown field")
		f(`{"rate":60,"rate":70}`, "rate", "twice")
		f(`{"x\u0000y":1}`, "x y", "unknown field")
		for _, bad := range []string{``, `[]`, `null`, `50`, `{`, `{"rate"`, `{"rate":`, `{"rate":60`, `{"rate":60}}`, `{"rate":60}{}`, `{"rate":60,}`, `{rate:60}`, "{\"message\":\"\xff\"}", `{"message":"a` + "\n" + `b"}`} {
			f(bad, "", "")
		}
		both := as[problem](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"state":"x","rate":0,"y":1}`), 400)
		if len(both.Errors) != 3 {
			t.Errorf("want all faults at once, got %+v", both.Errors)
		}
		if n.engine.o != (queue.Overrides{}) || n.engine.resets != 0 || strings.Contains(n.log.String(), "changed") {
			t.Errorf("something changed: %+v, %s", n.engine.o, &n.log)
		}
		f(`{"message":"`+strings.Repeat("가", 501)+`"}`, "message", "500")
		as[roomState](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"message":"`+strings.Repeat("가", 500)+`"}`), 200)
		if p := as[problem](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"message":"`+strings.Repeat("a", maxBody)+`"}`), 413); p.Type != "urn:dealgate:problem:too-large" {
			t.Errorf("%+v", p)
		}
	})
}

// TestARoomKeepsALimit: no operator takes the last one away by accident.
func TestARoomKeepsALimit(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		room := n.engine
		zero := 0.0
		room.mu.Lock()
		room.o.Rate = &zero // as a room without a configured rate has it
		room.mu.Unlock()
		time.Sleep(time.Second)
		p := as[problem](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"capacity":0}`), 400)
		if len(p.Errors) != 1 || p.Errors[0].Field != "capacity" {
			t.Errorf("%+v", p)
		}
	})
}

func TestResetBeginsTheNextEpoch(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		as[roomState](n, n.ask("POST", "/admin/api/rooms/spring/reset", ""), 200)
		as[roomState](n, n.ask("POST", "/admin/api/rooms/spring/reset", " {}\n"), 200)
		as[problem](n, n.ask("POST", "/admin/api/rooms/spring/reset", `{"epoch":7}`), 400)
		as[problem](n, n.ask("POST", "/admin/api/rooms/summer/reset", ""), 404)
		if n.engine.resets != 2 || !strings.Contains(n.log.String(), "reset=true") {
			t.Errorf("%d resets, %s", n.engine.resets, &n.log)
		}
	})
}

func TestAStoreThatIsAwayIsSaid(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		n.engine.fail(fmt.Errorf("dial redis://user:opensesame@10.0.0.1: %w", queue.ErrAway))
		time.Sleep(5 * time.Second)
		resp := n.ask("PATCH", "/admin/api/rooms/spring", `{"rate":60}`)
		if p := as[problem](n, resp, 503); p.Type != "urn:dealgate:problem:store-away" || strings.Contains(p.Detail, "opensesame") || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("%+v", p)
		}
		if s := as[roomState](n, n.ask("GET", "/admin/api/rooms/spring", ""), 200); !s.StoreAway || s.Sessions != 70 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMethodsAndAddresses(t *testing.T) {
	on(t, Config{Loopback: true, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "dealgate_up 1") })}, func(n *node) {
		f := func(method, path string, status int) {
			t.Helper()
			if resp := n.ask(method, path, ""); resp.StatusCode != status {
				t.Errorf("%s %s: %d, want %d", method, path, resp.StatusCode, status)
			}
		}
		f("GET", "/metrics", 200)
		f("HEAD", "/admin/api/rooms", 200)
		for _, path := range []string{"/nothing", "/admin", "/admin/api", "/admin/api/rooms/", "/admin/api/rooms/spring/x", "/admin/assets/", "/admin/assets/dashboard.html", "/debug/pprof/"} {
			f("GET", path, 404)
		}
		for _, call := range []string{"POST /metrics", "DELETE /admin/api/rooms/spring", "PUT /admin/api/rooms/spring", "GET /admin/api/rooms/spring/reset", "POST /admin/api/rooms", "POST /", "POST /healthz"} {
			method, path, _ := strings.Cut(call, " ")
			resp := n.ask(method, path, "")
			if p := as[problem](n, resp, 405); p.Type != "urn:dealgate:problem:method-not-allowed" || resp.Header.Get("Allow") == "" {
				t.Errorf("%s: %+v", call, p)
			}
		}
	})
}

func TestHealth(t *testing.T) {
	var why error
	on(t, Config{Token: "0123456789abcdef", Ready: func() error { return why }}, func(n *node) {
		f := func(path string, status int, body string) {
			t.Helper()
			resp := n.ask("GET", path, "", "Host: 10.0.0.7:9090") // as a kubelet asks, without a token
			var b bytes.Buffer
			b.ReadFrom(resp.Body)
			if resp.StatusCode != status || b.String() != body+"\n" {
				t.Errorf("%s: %d %q", path, resp.StatusCode, b.String())
			}
		}
		f("/healthz", 200, "ok")
		f("/readyz", 200, "ready")
		why = errors.New("room spring: the store\nis away")
		f("/healthz", 200, "ok")
		f("/readyz", 503, "room spring: the store is away")
	})
}

// TestTheEngineMayRefuse: what the API let through, the engine judges under its lock.
func TestTheEngineMayRefuse(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		n.engine.fail(fmt.Errorf("room spring: %w: want a rate or a capacity", queue.ErrRefused))
		p := as[problem](n, n.ask("PATCH", "/admin/api/rooms/spring", `{"rate":60}`), 400)
		if p.Type != "urn:dealgate:problem:invalid-change" || !strings.Contains(p.Detail, "want a rate or a capacity") {
			t.Errorf("%+v", p)
		}
	})
}
