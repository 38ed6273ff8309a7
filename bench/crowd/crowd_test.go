package crowd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// to makes a configuration one for the gate.
func to(g *gate, cfg Config) Config {
	cfg.URL, cfg.Room, cfg.Dial = "http://shop.example/deals/42", "spring", g.dial
	return cfg
}

// run lets a crowd come until all are gone or a minute is over.
func run(t *testing.T, g *gate, cfg Config) *Report {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	r, err := Run(ctx, to(g, cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	return r
}

func TestEveryModeGetsIn(t *testing.T) {
	for name, cfg := range map[string]Config{
		"API": {}, "Bearer": {Bearer: true}, "Page": {Mode: Page}, "Plain": {Mode: Plain},
	} {
		g := &gate{perSecond: 10, before: 20, poll: 1200, life: time.Minute}
		t.Run(name, func(t *testing.T) {
			bubble(t, g, func(t *testing.T) {
				cfg.Visitors, cfg.Conns, cfg.Over = 100, 16, time.Second
				allGetIn(t, run(t, g, cfg))
			})
		})
	}
}

func allGetIn(t *testing.T, r *Report) {
	n := r.Counts
	if n.Arrived != 100 || n.Holding != 100 || n.Admitted != 100 || n.Gone != 100 || n.Errors != 0 || n.Waiting != 0 || n.Inside != 0 {
		t.Errorf("%+v", n)
	}
	if len(r.Duplicates()) != 0 || len(r.Moved()) != 0 || len(r.Inversions(0)) != 0 {
		t.Errorf("%v %v %v", r.Duplicates(), r.Moved(), r.Inversions(0))
	}
	seen := make(map[int64]bool)
	for i := range r.Visitors {
		v := &r.Visitors[i]
		if len(v.Places) != 1 || len(v.Passes) != 1 || v.Places[0].Epoch != 7 || v.Places[0].Lane != "public" || v.Passes[0].Place != v.Places[0].Place {
			t.Fatalf("%+v", v)
		}
		seen[v.Places[0].Place] = true
		if v.Called == 0 && i > 0 || v.Admitted < v.Called || v.Gone < v.Admitted || v.Admitted > 11*time.Second {
			t.Errorf("%+v", v)
		}
		if life := v.Passes[0].Until - v.Passes[0].From; life < 59*time.Second || life > time.Minute {
			t.Errorf("a pass of %v", life)
		}
	}
	if len(seen) != 100 || r.Admissions(0, time.Hour) < 99 {
		t.Errorf("%d places, %d admissions", len(seen), r.Admissions(0, time.Hour))
	}
}

// They come at their times and ask when told, whatever the number of connections.
func TestAsksWhenTold(t *testing.T) {
	g := &gate{before: -1, poll: 2500}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 200, Conns: 4, Over: 4 * time.Second})
		for i := range r.Visitors {
			v := &r.Visitors[i]
			if v.Arrived != time.Duration(i)*20*time.Millisecond || v.Places[0].Given != v.Arrived {
				t.Errorf("visitor %d: meant to come at %v, came at %v", i, v.Arrived, v.Places[0].Given)
			}
		}
		if len(g.asked) != 200 {
			t.Errorf("%d asked", len(g.asked))
		}
		for ticket, at := range g.asked {
			for i := 1; i < len(at); i++ {
				if gap := at[i].Sub(at[i-1]); gap != 2500*time.Millisecond {
					t.Errorf("%.10s asked again after %v", ticket, gap)
				}
			}
		}
	})
}

// Those in a background tab cannot ask more than once a minute.
func TestBackgroundTabsAskOnceAMinute(t *testing.T) {
	g := &gate{before: -1, poll: 5000}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 200, Over: 10 * time.Millisecond, Background: 0.2})
		many := 0
		for i := range r.Visitors {
			if v := &r.Visitors[i]; v.Background {
				many++
				if v.Polls > 1 {
					t.Errorf("%d polls in a minute", v.Polls)
				}
			}
		}
		if many < 20 || many > 60 {
			t.Errorf("%d of 200 in the background", many)
		}
	})
}

// What a visitor waits is measured from when it meant to ask: a gate that
// stops for half a second makes half a second of it, though nobody can ask meanwhile.
func TestCountsTheWaitOfThoseWhoCouldNotAsk(t *testing.T) {
	var stopped atomic.Bool
	g := &gate{before: -1, poll: 10_000}
	bubble(t, g, func(t *testing.T) {
		g.fall()
		g.up(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if stopped.CompareAndSwap(false, true) {
				time.Sleep(500 * time.Millisecond)
			}
			g.ServeHTTP(w, r)
		}))
		r := run(t, g, Config{Visitors: 100, Conns: 1, Over: 400 * time.Millisecond, JoinOnly: true})
		if median := micros(r.Times[Join].ValueAtQuantile(50)); median < 299*time.Millisecond || median > 303*time.Millisecond {
			t.Errorf("the median wait is %v", median)
		}
	})
}

func TestSomeLeave(t *testing.T) {
	g := &gate{before: -1, poll: 300}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 200, Conns: 8, Leave: 1, Patience: 5 * time.Second, Farewell: 0.5})
		told := 0
		for i := range r.Visitors {
			v := &r.Visitors[i]
			if v.Gone == 0 || v.Gone > 5001*time.Millisecond || v.Admitted > 0 {
				t.Errorf("%+v", v)
			}
			if v.Farewell {
				told++
			}
		}
		if told < 60 || told > 140 || r.Codes[Leave][204] != int64(told) || len(g.ended) < told {
			t.Errorf("%d take leave, %v", told, r.Codes[Leave])
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	g := &gate{before: 1e6, poll: 100, life: time.Minute}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 50, Conns: 8, Over: 5 * time.Second, Stay: time.Second, Every: 200 * time.Millisecond, Farewell: 1})
		for i := range r.Visitors {
			v := &r.Visitors[i]
			if stay := v.Passes[0].Until - v.Passes[0].From; stay != time.Second {
				t.Errorf("stayed %v", stay)
			}
		}
		if most := r.MostInside(); most != 10 {
			t.Errorf("%d inside at once", most)
		}
		if r.Codes[Browse][200] != 200 {
			t.Errorf("looks: %v", r.Codes[Browse])
		}
	})
}

func TestInsideIsTheCallers(t *testing.T) {
	g := &gate{before: 1e6, poll: 100, life: time.Minute}
	bubble(t, g, func(t *testing.T) {
		var bought, admitted atomic.Int64
		r := run(t, g, Config{Visitors: 20, Conns: 4, OnAdmit: func(*Visitor) { admitted.Add(1) }, Inside: func(v *Visitor) time.Duration {
			a, err := v.Do("PUT", "/api/v1/orders", "Idempotency-Key: k1\r\n", []byte(`{"deal":"mat"}`))
			if err != nil || a.Code != 200 || string(a.Body) != "the shop" {
				t.Errorf("%+v, %v", a, err)
			}
			if bought.Add(1)%2 == 0 {
				return time.Millisecond
			}
			return -1
		}})
		if admitted.Load() != 20 || bought.Load() < 20 || r.Counts.Gone != 20 {
			t.Errorf("%d bought, %+v", bought.Load(), r.Counts)
		}
	})
}

// A session that ends by itself is seen as one, and what follows as another.
func TestSessionsThatRunOutAreNoticed(t *testing.T) {
	g := &gate{before: 1e6, poll: 100, life: 3 * time.Second}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 1, Stay: 10 * time.Second, Every: time.Second})
		if v := &r.Visitors[0]; len(v.Passes) < 3 || v.Passes[0].Until-v.Passes[0].From > 3*time.Second || v.Gone != 10*time.Second {
			t.Errorf("%+v", v)
		}
	})
}

// The report finds what is wrong with a gate that is.
func TestFindsAnUnfairGate(t *testing.T) {
	g := &gate{perSecond: 5, poll: 600, life: time.Minute, skip: true}
	bubble(t, g, func(t *testing.T) {
		r := run(t, g, Config{Visitors: 60, Conns: 8})
		if n := len(r.Inversions(0)); n < 10 {
			t.Errorf("%d inversions", n)
		}
		if n := len(r.Overtaken(0)); n < 10 {
			t.Errorf("%d overtaken", n)
		}
		if n := len(r.Inversions(5 * time.Second)); n > 0 {
			t.Errorf("%d inversions of more than 5 s", n)
		}
		r.Visitors[1].Places = append(r.Visitors[1].Places, r.Visitors[0].Places...)
		if n := len(r.Duplicates()); n != 1 {
			t.Errorf("%d duplicates", n)
		}
		if n := len(r.Moved()); n != 1 {
			t.Errorf("%d moved", n)
		}
		if most := r.Busiest(time.Second); most < 3 || most > 16 {
			t.Errorf("%d in the busiest second", most)
		}
	})
}

// A gate that dies and comes back finds its visitors where they were.
func TestComesBackAfterTheGateDied(t *testing.T) {
	g := &gate{before: -1, poll: 500, life: time.Minute}
	bubble(t, g, func(t *testing.T) {
		c, err := New(to(g, Config{Visitors: 50, Conns: 8}))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(3100 * time.Millisecond)
			if n := c.Counts(); n.Waiting != 50 {
				t.Errorf("%+v", n)
			}
			g.fall()
			time.Sleep(5 * time.Second)
			g.before = 1e6
			g.up(g)
		}()
		r, err := c.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Moved()) != 0 || r.Counts.Admitted != 50 || r.Counts.Errors < 50 || r.Took > 12*time.Second {
			t.Errorf("%d moved, %v", len(r.Moved()), r)
		}
	})
}

func TestRefusesToRunOnNothing(t *testing.T) {
	for _, cfg := range []Config{{}, {URL: "https://x/"}, {URL: "http://x/", Room: "r"}, {URL: "http://x/", Visitors: 1}, {URL: "://", Room: "r", Visitors: 1}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	refused := errors.New("nobody is there")
	_, err := Run(t.Context(), Config{URL: "http://x/", Room: "r", Visitors: 1, Dial: func() (net.Conn, error) { return nil, refused }})
	if !errors.Is(err, refused) || !strings.HasPrefix(err.Error(), "crowd: ") {
		t.Errorf("%v", err)
	}
}
