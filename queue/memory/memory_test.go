package memory

import (
	"flag"
	"fmt"
	"testing"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/queue/queuetest"
)

// What the suite looks up.
var (
	_ = flag.Bool("soak", false, "run the heavy cases")
	_ = flag.Int("seed", 0, "play the random history of this seed alone")

	childFolder = flag.String("child", "", "the folder of the process that TestKilled kills")
)

// TestEngine runs the laws without a folder.
func TestEngine(t *testing.T) {
	queuetest.Laws(t, func(t *testing.T) queuetest.Subject {
		return queuetest.Subject{Engine: open(t, "")}
	})
}

// TestEngineWithAFolder runs the whole suite with one, restarts included.
func TestEngineWithAFolder(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Subject {
		folder := t.TempDir()
		e := open(t, folder)
		return queuetest.Subject{Engine: e, Crash: func() queue.Engine {
			e.crash(t)
			e = open(t, folder)
			return e
		}}
	})
}

func open(t *testing.T, folder string) *Engine {
	t.Helper()
	e, err := New(Options{Path: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// crash leaves what the death of the process would: whatever was written, and
// nothing that a clean end writes.
func (e *Engine) crash(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if err := e.journal.close(); err != nil {
		t.Error(err)
	}
}

// TestChild is the process that TestKilled kills: it joins and claims as fast
// as it can and says what it was told.
func TestChild(t *testing.T) {
	if *childFolder == "" {
		return // only TestKilled means it
	}
	e, err := New(Options{Path: *childFolder})
	if err != nil {
		t.Fatal(err)
	}
	p := policy()
	p.Capacity, p.Rate, p.Burst = 0, 50000, 50000
	var mine []queue.Ticket
	for {
		j := join(t, e, p, 3)
		for n := range int64(3) {
			fmt.Printf("place %d\n", j.First+n)
			mine = append(mine, queue.Ticket{Lane: "public", Epoch: j.Epoch, Place: j.First + n})
		}
		mine = mine[max(0, len(mine)-30):]
		r, err := e.Step(t.Context(), &queue.Step{Room: "spring", Policy: p, Renew: mine[:1], Claims: mine})
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range r.Claims {
			if !o.Ends.IsZero() && !o.Provisional {
				fmt.Printf("claimed %d %d\n", mine[i].Place, o.Ends.Unix())
			}
		}
		syncRoom(t, e, p)
	}
}
