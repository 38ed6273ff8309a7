package batch_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dealgate/dealgate/backend/store/batch"
)

func open(t testing.TB, path string) *batch.DB {
	t.Helper()
	db, err := batch.Open(t.Context(), path, batch.Options{Schema: "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func count(t *testing.T, db *batch.DB) (n int) {
	t.Helper()
	if err := db.Reads().QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(n int) func(*batch.Tx) error {
	return func(tx *batch.Tx) error { return tx.Exec("INSERT INTO t VALUES (?)", n) }
}

func TestWhatWasAnsweredIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d.db") // the path is a path, not a URL
	db := open(t, path)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			if err := db.Do(t.Context(), insert(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != 1000 {
		t.Errorf("%d rows", n)
	}
	db.Close()
	if n := count(t, open(t, path)); n != 1000 {
		t.Errorf("%d rows after opening the file again", n)
	}
}

// TestOneFailureUndoesItsGroup has writers that fail among writers that do
// not: what was answered nil is there, what was not is not.
func TestOneFailureUndoesItsGroup(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	bad := errors.New("bad")
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for i := range 300 {
		wg.Go(func() {
			err := db.Do(t.Context(), func(tx *batch.Tx) error {
				if err := insert(i)(tx); err != nil {
					return err
				}
				if i%50 == 0 {
					return bad
				}
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				good++
			} else if !errors.Is(err, bad) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != good {
		t.Errorf("%d rows, %d were answered", n, good)
	}
	if err := db.Do(t.Context(), insert(1000)); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

// TestWhoIsGoneIsNotRun holds the writer while another gives up waiting.
func TestWhoIsGoneIsNotRun(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	started, finish := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		db.Do(t.Context(), func(*batch.Tx) error {
			close(started)
			<-finish
			return nil
		})
	})
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Do(ctx, insert(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v", err)
	}
	close(finish)
	wg.Wait()
	if err := db.Do(t.Context(), insert(2)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestWhoRunsIsWaitedFor has writers whose context ends at any moment: what
// their functions wrote to is theirs again when Do returns (for the race
// detector), and what failed with the context is not there.
func TestWhoRunsIsWaitedFor(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	var wg sync.WaitGroup
	var done atomic.Int64
	for i := range 500 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			ran := 0
			err := db.Do(ctx, func(tx *batch.Tx) error {
				ran++
				return insert(i)(tx)
			})
			if err == nil {
				done.Add(1)
			}
			if (err == nil) != (ran == 1) {
				t.Errorf("ran %d times, answered %v", ran, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); int64(n) != done.Load() {
		t.Errorf("%d rows, %d were answered", n, done.Load())
	}
}

func BenchmarkDo(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "x.db"))
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := db.Do(b.Context(), func(tx *batch.Tx) error { return tx.Exec("INSERT INTO t DEFAULT VALUES") }); err != nil {
				b.Error(err)
			}
		}
	})
}
