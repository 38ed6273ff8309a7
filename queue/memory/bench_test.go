package memory

import (
	"runtime"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// waiting is an engine with n visitors in line, none of whom enters.
func waiting(tb testing.TB, folder string, n int) (*Engine, queue.Policy) {
	tb.Helper()
	e, err := New(Options{Path: folder})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { e.Close() })
	p := policy()
	p.State = queue.Hold
	for left := n; left > 0; left -= 4096 {
		join(tb, e, p, min(left, 4096))
	}
	return e, p
}

// BenchmarkStep is a Step of 160 joins: 2 ms of 80,000 a second.
func BenchmarkStep(b *testing.B) {
	for name, folder := range map[string]string{"memory": "", "folder": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			e, p := waiting(b, folder, 0)
			s := &queue.Step{Room: "spring", Policy: p, Joins: []queue.Join{{Lane: "public", N: 160}}}
			written := e.written.Load()
			for b.Loop() {
				if _, err := e.Step(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(e.written.Load()-written)/float64(b.N), "commits/op")
		})
	}
}

// BenchmarkClaims is a Step of 100 claims that begin sessions.
func BenchmarkClaims(b *testing.B) {
	for name, folder := range map[string]string{"memory": "", "folder": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			e, p := waiting(b, folder, 0)
			p.State, p.Capacity, p.Rate = queue.Open, 0, 1e6
			for b.Loop() {
				b.StopTimer()
				p.State = queue.Hold
				j := join(b, e, p, 100)
				p.State = queue.Open
				s := &queue.Step{Room: "spring", Policy: p}
				for n := range int64(100) {
					s.Claims = append(s.Claims, queue.Ticket{Lane: "public", Epoch: j.Epoch, Place: j.First + n})
				}
				b.StartTimer()
				if _, err := e.Step(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSync is a Sync with 1,400 marks while many wait, and what a
// presence window that ends costs besides.
func BenchmarkSync(b *testing.B) {
	for name, n := range map[string]int{"100k": 100_000, "1M": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			e, p := waiting(b, "", n)
			s := &queue.Sync{Room: "spring", Policy: p, Marks: []queue.Marks{{Lane: "public", Epoch: syncRoom(b, e, p).Lanes[0].Epoch}}}
			for i := range 1400 {
				s.Marks[0].Marks = append(s.Marks[0].Marks, queue.Mark{Place: int64(i*(n/1400) + 1), Window: 2})
			}
			for b.Loop() {
				if _, err := e.Sync(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/window", func(b *testing.B) {
			e, p := waiting(b, "", n)
			l := &e.rooms["spring"].lanes[0].line
			if p.State != queue.Hold || l.present != int64(n) {
				b.Fatal(l.present)
			}
			for b.Loop() {
				l.forget(100) // nobody's: it looks at every place
			}
		})
	}
}

// TestMemoryOfAWaitingVisitor: a million who wait cost a million bytes and little more.
func TestMemoryOfAWaitingVisitor(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	e, p := waiting(t, "", 1_000_000)
	perVisitor := float64(heap()-before) / 1e6
	t.Logf("%.3f bytes per waiting visitor", perVisitor)
	if perVisitor > 1.2 {
		t.Errorf("%.3f bytes per waiting visitor", perVisitor)
	}
	// The head passes all of them, and the time to return with it: nothing is left.
	p.State, p.ReturnWithin = queue.Auto, time.Nanosecond
	r := e.rooms["spring"]
	r.lanes[0].line.raise(1_000_000)
	r.returns += time.Minute
	syncRoom(t, e, p)
	r.returns += time.Minute
	syncRoom(t, e, p)
	if left := heap() - before; left > 200_000 {
		t.Errorf("%d bytes are left when nobody can return any more", left)
	}
	runtime.KeepAlive(e)
}

// TestJoinsTouchNoDisk: a mark now and then is all that a surge of joins writes.
func TestJoinsTouchNoDisk(t *testing.T) {
	e, p := waiting(t, t.TempDir(), 0)
	before := e.written.Load()
	for range 500 { // a second at 80,000/s
		join(t, e, p, 160)
	}
	if n := e.written.Load() - before; n > 16 {
		t.Errorf("80,000 joins cost %d commits", n)
	} else {
		t.Logf("80,000 joins cost %d commits", n)
	}
}
