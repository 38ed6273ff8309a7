package memory

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// full has the disk take nothing, or all again.
func (e *Engine) full(t *testing.T, full bool) {
	t.Helper()
	set := "PRAGMA query_only = OFF"
	if full {
		set = "PRAGMA query_only = ON"
	}
	if _, err := e.journal.db.Exec(set); err != nil {
		t.Fatal(err)
	}
}

// TestNothingHappensWhileNothingCanBeWritten: no time passes either, however long it
// takes and however often the engine is asked, and nothing piles up.
func TestNothingHappensWhileNothingCanBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, t.TempDir())
		p := policy()
		p.Rate, p.Burst, p.Capacity = 5, 5, 0
		join(t, e, p, 2000)
		before := syncRoom(t, e, p)
		e.full(t, true)
		for range 4 * 60 * 25 {
			time.Sleep(250 * time.Millisecond)
			s := &queue.Sync{Room: "spring", Policy: p, Presence: 1000 * time.Hour}
			if _, err := e.Sync(t.Context(), s); !errors.Is(err, queue.ErrAway) {
				t.Fatalf("a full disk: %v", err)
			}
		}
		if n := len(e.notes.writes); n > 20 {
			t.Errorf("%d statements wait", n)
		}
		e.full(t, false)
		after := syncRoom(t, e, p)
		b, a := before.Lanes[0], after.Lanes[0]
		if after.Presence > before.Presence+2*time.Second || a.Present < b.Present-50 || a.Head > b.Head+50 {
			t.Errorf("25 minutes without a disk moved presence by %v, %d present to %d, head %d to %d",
				after.Presence-before.Presence, b.Present, a.Present, b.Head, a.Head)
		}
		if clock := e.rooms["spring"].returns; clock > 3*time.Second {
			t.Errorf("they moved the return clock by %v", clock)
		}
	})
}

// TestAFullDiskTakesNobodysPlace: with the true Room, and everybody polling as told.
func TestAFullDiskTakesNobodysPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, t.TempDir())
		p := policy()
		p.Rate, p.Burst, p.Capacity = 5, 5, 0
		r, err := queue.NewRoom(queue.Config{Name: "spring", Policy: p, Engine: e})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { r.Run(ctx) })
		time.Sleep(time.Second)
		c := crowd{Room: r}
		for range 500 {
			all.Go(func() { c.visit(t, ctx) })
		}
		time.Sleep(20 * time.Second)
		e.full(t, true)
		time.Sleep(15 * time.Minute)
		e.full(t, false)
		time.Sleep(70 * time.Second)
		cancel()
		all.Wait()
		if c.expired > 0 || len(c.order) < 430 {
			t.Errorf("%d places expired, %d visitors entered in 90 s at 5/s", c.expired, len(c.order))
		}
		behind, last := 0, int64(0)
		for _, place := range c.order {
			if place < last-60 {
				behind++
			}
			last = max(last, place)
		}
		// Those who were called when the disk failed come as returners: 3 s worth.
		if most := 3 * 5 / 0.3; float64(behind) > most {
			t.Errorf("%d of %d entered behind one who was 60 places behind them, want at most %.0f", behind, len(c.order), most)
		}
	})
}

// crowd are visitors of a room who poll as told until they enter.
type crowd struct {
	*queue.Room
	mu      sync.Mutex // guards all below
	order   []int64    // who entered
	expired int
}

func (c *crowd) visit(t *testing.T, ctx context.Context) {
	x, err := c.Join(ctx, "public")
	if err != nil {
		t.Error(err)
		return
	}
	o := queue.Outcome{Standing: queue.Waiting, Ends: x.Ends}
	for ctx.Err() == nil && o.Ends.IsZero() && o.Standing != queue.Expired {
		after := queue.PollCalled
		if o, err = c.Look(ctx, x.Ticket); err == nil && o.Standing == queue.Waiting {
			after = c.PollAfter(c.Estimate(x.Ticket))
			c.Promise(x.Ticket, after)
		} else if err == nil && o.Standing != queue.Expired {
			o, _ = c.Claim(ctx, x.Ticket)
		}
		if !o.Ends.IsZero() {
			break
		}
		select {
		case <-time.After(after):
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !o.Ends.IsZero():
		c.order = append(c.order, x.Ticket.Place)
	case o.Standing == queue.Expired && ctx.Err() == nil:
		c.expired++
	}
}

// TestAHangingDiskKeepsNobodyWaiting: a caller's time ends, and the write goes on.
func TestAHangingDiskKeepsNobodyWaiting(t *testing.T) {
	e := open(t, t.TempDir())
	p := policy()
	join(t, e, p, 1)
	tx, err := e.journal.db.Begin() // the only connection is taken: a write waits
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := e.Step(ctx, &queue.Step{Room: "spring", Policy: p, Joins: []queue.Join{{Lane: "public", N: 100}}})
		cancel()
		if !errors.Is(err, queue.ErrAway) {
			t.Fatalf("a hanging disk: %v", err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if j := join(t, e, p, 1); j.First != 102 {
		t.Errorf("place %d, want 102: what waited was done, what came later was not", j.First)
	}
}

// TestThePowerFails: what is surely on the disk suffices that no place is given twice.
func TestThePowerFails(t *testing.T) {
	folder, disk := t.TempDir(), t.TempDir()
	e := open(t, folder)
	p := policy()
	var last queue.Joined
	synced := 0
	for i := range 200 {
		n := 1 + i%7*40
		if i == 150 {
			c := &queue.Control{Room: "spring", Policy: p, Reset: true}
			if _, err := e.Control(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		written := e.written.Load()
		last = join(t, e, p, n)
		last.First += int64(n - 1)
		if e.written.Load() > written && e.journal.full { // all commits until now were waited for
			synced++
			for _, name := range []string{"queue.db", "queue.db-wal"} {
				data, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(disk, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	j := join(t, open(t, disk), p, 1)
	t.Logf("%d of 200 joins waited for the disk", synced)
	if j.Epoch < last.Epoch || j.Epoch == last.Epoch && j.First <= last.First {
		t.Errorf("place %d of epoch %d is given, and %d of epoch %d was", j.First, j.Epoch, last.First, last.Epoch)
	}
	if synced > 100 {
		t.Errorf("%d of 200 joins waited for the disk", synced)
	}
}
