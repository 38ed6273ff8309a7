package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // reads the engine's journal

	"github.com/dealgate/dealgate/bench/crowd"
	"github.com/dealgate/dealgate/queue/memory"
)

// surge lets a crowd come to the room spring of a running gate.
func surge(t *testing.T, p *process, cfg crowd.Config) *crowd.Report {
	t.Helper()
	cfg.URL, cfg.Room = p.gate+"/deals/42", "spring"
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	report, err := crowd.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v", report)
	return report
}

// placesOnce requires that no place was given twice, and that nobody's place changed.
func placesOnce(t *testing.T, r *crowd.Report) {
	t.Helper()
	if twice := r.Duplicates(); len(twice) > 0 {
		t.Errorf("%d places were given twice: %v", len(twice), twice[:min(len(twice), 5)])
	}
	if moved := r.Moved(); len(moved) > 0 {
		t.Errorf("%d visitors lost their place, such as %v", len(moved), moved[0].Places)
	}
}

// paced requires that the sessions begun in [from, to) since the first are
// those allowed, within 1 %: by the engine's clock, as its journal has them.
func paced(t *testing.T, dir string, rate float64, from, to time.Duration) {
	t.Helper()
	var got, want = 0.0, rate * (to - from).Seconds()
	var first int64
	for at := range journal(t, dir, `SELECT started FROM places WHERE room = 'spring' AND state <> 'left' ORDER BY started`) {
		if first == 0 {
			first = at.(int64)
		}
		if since := time.Duration(at.(int64) - first); since >= from && since < to {
			got++
		}
	}
	t.Logf("%.0f sessions began from %v to %v; %.0f are allowed: %+.2f %%", got, from, to, want, 100*(got/want-1))
	if got < want*0.99 || got > want*1.01 {
		t.Errorf("%.0f sessions began from %v to %v, want %.0f ± 1 %%", got, from, to, want)
	}
}

// journal yields the one column of a query of the engine's journal.
func journal(t *testing.T, dir, query string) iter.Seq[any] {
	t.Helper()
	return func(yield func(any) bool) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "queue.db")+"?mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var value any
			if err := rows.Scan(&value); err != nil {
				t.Fatal(err)
			}
			if !yield(value) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// invitations are the places of the one lane in the order the engine called them.
func invitations(t *testing.T, dir string) (places []int64) {
	t.Helper()
	calls, err := memory.Calls(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		places = append(places, c.Place)
	}
	return places
}

// inOrder requires that the engine called places in order and passed over
// nobody who polled as told.
func inOrder(t *testing.T, r *crowd.Report, places []int64) {
	t.Helper()
	called := map[int64]bool{}
	for i, place := range places {
		called[place] = true
		if i > 0 && place <= places[i-1] {
			t.Errorf("place %d was called after %d", place, places[i-1])
		}
	}
	if len(places) == 0 {
		t.Fatal("the journal has no invitations")
	}
	skipped := 0
	for i := range r.Visitors {
		v := &r.Visitors[i]
		if len(v.Places) == 1 && v.Admitted > 0 && !v.Background && v.Places[0].Place >= places[0] && !called[v.Places[0].Place] {
			skipped++
		}
	}
	if skipped > 0 {
		t.Errorf("%d visitors were present and passed over", skipped)
	}
	// By what they were told, nobody waited more than one poll longer than somebody behind.
	if late := r.Inversions(pollInterval); len(late) > 0 {
		t.Errorf("%d visitors were told to wait more than %v after one behind them was called", len(late), pollInterval)
	}
}

// pollInterval is the longest a visitor of these tests is told to stay away.
const pollInterval = 36 * time.Second

func TestLiveOrderAndRate(t *testing.T) {
	together(t)
	f := func(name string, visitors int, rate, leave float64, minute bool) {
		t.Run(name, func(t *testing.T) {
			together(t)
			dir := t.TempDir()
			p := serveYAML(t, dir, shopYAML(newOrigin(t).URL, fmt.Sprintf(`{rate: "%.0f/s"}`, rate)))
			r := surge(t, p, crowd.Config{
				Visitors: visitors, Over: time.Second, Seed: 7, Leave: leave, Patience: 30 * time.Second, Farewell: 0.5,
			})
			placesOnce(t, r)
			inOrder(t, r, invitations(t, dir))
			if minute { // from when the first burst, and what it left of the allowance, is spent
				paced(t, dir, rate, 5*time.Second, 65*time.Second)
			}
			if most := r.Busiest(time.Second); float64(most) > 2*rate+1 {
				t.Errorf("%d sessions began within a second, want at most rate + burst = %.0f", most, 2*rate)
			}
		})
	}
	rate := float64(size(200, 30))
	f("all stay", int(rate*70), rate, 0, true)
	f("half leave", int(rate*140), rate, 0.5, true)
	if *soak {
		f("5000 all stay", 5000, 200, 0, false)
		f("5000 half leave", 5000, 200, 0.5, false)
	}
}

func TestLiveCapacity(t *testing.T) {
	together(t)
	visitors, capacity := size(1000, 300), size(100, 40)
	dir := t.TempDir()
	yaml := strings.Replace(shopYAML(newOrigin(t).URL, fmt.Sprintf(`{capacity: %d}`, capacity)), "ttl: 30s", "ttl: 5s", 1)
	p := serveYAML(t, dir, yaml)
	r := surge(t, p, crowd.Config{Visitors: visitors, Over: time.Second, Seed: 3, Stay: 3 * time.Second, Every: time.Second, Farewell: 0.7})
	placesOnce(t, r)
	if r.Counts.Admitted < int64(visitors) {
		t.Errorf("%d of %d got in", r.Counts.Admitted, visitors)
	}
	if most := r.MostInside(); most > capacity {
		t.Errorf("%d live passes at an instant, want at most %d", most, capacity)
	} else {
		t.Logf("at most %d live passes at an instant, capacity %d", most, capacity)
	}
}

// TestLiveKillInMidSurge: kill -9 three times; every visitor keeps its place,
// sessions go on, no place is given twice.
func TestLiveKillInMidSurge(t *testing.T) {
	together(t)
	visitors, rate := size(5000, 800), size(100, 40)
	dir := t.TempDir()
	yaml := shopYAML(newOrigin(t).URL, fmt.Sprintf(`{rate: "%d/s"}`, rate))
	gate, admin := freeAddr(t), freeAddr(t)
	p := serveYAMLOn(t, dir, yaml, gate, admin)
	c, err := crowd.New(crowd.Config{
		URL: p.gate + "/deals/42", Room: "spring", Visitors: visitors, Over: 6 * time.Second, Seed: 5,
		Stay: 8 * time.Second, Every: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan *crowd.Report, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	go func() {
		r, err := c.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		ended <- r
	}()
	for kills := 1; kills <= 3; kills++ {
		eventually(t, "the surge goes on", func() error {
			if n := c.Counts(); n.Holding < int64(visitors*kills/4) || n.Admitted < int64(kills*rate) {
				return fmt.Errorf("%+v", n)
			}
			return nil
		})
		p.kill()
		p = serveYAMLOn(t, dir, yaml, gate, admin)
	}
	r := <-ended
	t.Logf("%v", r)
	placesOnce(t, r)
	if r.Counts.Admitted < int64(visitors) {
		t.Errorf("%d of %d got in", r.Counts.Admitted, visitors)
	}
	for i := range r.Visitors {
		if v := &r.Visitors[i]; len(v.Passes) > 1 {
			t.Fatalf("a session did not go on: visitor %d had %v", i, v.Passes)
		}
	}
}

// TestLiveTuningInASurge: the rate is edited in the file while the line waits.
func TestLiveTuningInASurge(t *testing.T) {
	together(t)
	dir := t.TempDir()
	yaml := shopYAML(newOrigin(t).URL, `{rate: "50/s", burst: 50}`)
	p := serveYAML(t, dir, yaml)
	c, err := crowd.New(crowd.Config{URL: p.gate + "/deals/42", Room: "spring", Visitors: 1500, Over: time.Second, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan *crowd.Report, 1)
	go func() {
		r, err := c.Run(t.Context())
		if err != nil {
			t.Error(err)
		}
		ended <- r
	}()
	eventually(t, "the line is there", func() error {
		if n := c.Counts(); n.Holding < 1500 {
			return fmt.Errorf("%+v", n)
		}
		return nil
	})
	file := filepath.Join(dir, "dealgate.yaml")
	text := strings.NewReplacer("{{gate}}", strings.TrimPrefix(p.gate, "http://"), "{{admin}}", strings.TrimPrefix(p.admin, "http://"), "{{dir}}", dir, "50/s", "200/s").Replace(yaml)
	edited := time.Now()
	writeFile(t, file, text)
	eventually(t, "200/s is in force", func() error {
		if _, body := get(t, http.DefaultClient, p.admin+"/admin/api/rooms/spring"); numberOf(body, "rate") != "200" {
			return fmt.Errorf("%s", body)
		}
		return nil
	})
	t.Logf("in force after %v", time.Since(edited))
	placesOnce(t, <-ended)
}
