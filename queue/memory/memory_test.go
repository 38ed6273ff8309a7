package memory

import (
	"flag"
	"testing"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/queue/queuetest"
)

// What the suite looks up.
var (
	_ = flag.Bool("soak", false, "run the heavy cases")
	_ = flag.Int("seed", 0, "play the random history of this seed alone")
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
