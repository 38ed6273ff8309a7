// Package batch is a SQLite file with one writer at a time, which commits
// together what was waiting for it: one flush to disk for many writes.
package batch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver
)

// groupMax bounds the writes of one commit, and so how long each waits.
const groupMax = 512

// readers bounds the connections that read at once: opening one takes longer
// than waiting for one.
const readers = 8

// Options say how a file is opened.
type Options struct {
	// Schema is run at every Open: it creates what is not there.
	Schema string

	// Exclusive refuses the file to any other process and to Reads.
	Exclusive bool
}

// DB is a SQLite file. It is safe for concurrent use.
type DB struct {
	path  string
	reads *sql.DB
	conn  *sql.Conn // the writer's
	stmts map[string]*sql.Stmt

	turn chan struct{} // held by the goroutine that commits: it alone uses conn and stmts

	mu    sync.Mutex // guards queue
	queue []*job
}

// job is a write that waits, and the answer to it.
type job struct {
	fn   func(*Tx) error
	done chan error // of one
}

// Open opens the file, which is created if there is none, and never replaced.
// What it has committed survives a crash of the process and of the machine.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	db, err := sql.Open("sqlite", source(path, o.Exclusive))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	conns := 1 + readers
	if o.Exclusive {
		conns = 1
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	d := &DB{path: path, reads: db, stmts: make(map[string]*sql.Stmt), turn: make(chan struct{}, 1)}
	if d.conn, err = db.Conn(ctx); err == nil {
		_, err = d.conn.ExecContext(ctx, "BEGIN IMMEDIATE;"+o.Schema+";COMMIT")
	}
	if err != nil {
		db.Close()
		if strings.Contains(err.Error(), "SQLITE_BUSY") {
			return nil, fmt.Errorf("%s: another process has it open: %w", path, err)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// source is the driver's name for the file, with every setting in it.
func source(path string, exclusive bool) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	if exclusive {
		q["_pragma"] = []string{"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)"}
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Close waits for the commit that runs and closes the file.
func (d *DB) Close() error {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	var errs []error
	for _, s := range d.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.conn.Close(), d.reads.Close())...)
}

// Reads returns connections that see what is committed, for queries only.
func (d *DB) Reads() *sql.DB { return d.reads }

// Do runs fn, alone, in a transaction that it may share with others, and
// returns nil once that is committed: only then does anything hold that fn
// found out. An error of fn undoes the whole transaction and is everybody's,
// so fn returns only what should never happen. When ctx ends while fn still
// waits for its turn, fn is not run.
func (d *DB) Do(ctx context.Context, fn func(*Tx) error) error {
	j := &job{fn: fn, done: make(chan error, 1)}
	d.mu.Lock()
	d.queue = append(d.queue, j)
	d.mu.Unlock()
	for {
		select {
		case err := <-j.done:
			return err
		case <-ctx.Done():
			if d.leave(j) {
				return fmt.Errorf("%s: %w", d.path, ctx.Err())
			}
			return <-j.done // it runs: what it writes to is not ours before it is done
		case d.turn <- struct{}{}:
			d.commit()
			<-d.turn
		}
	}
}

// commit runs what is queued, up to groupMax, and answers it.
func (d *DB) commit() {
	jobs := d.take()
	if len(jobs) == 0 {
		return
	}
	err := d.run(jobs)
	if err != nil {
		err = fmt.Errorf("%s: %w", d.path, err)
	}
	for _, j := range jobs {
		j.done <- err
	}
}

// take takes the next jobs off the queue.
func (d *DB) take() []*job {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(d.queue), groupMax)
	jobs := slices.Clone(d.queue[:n])
	d.queue = slices.Delete(d.queue, 0, n)
	return jobs
}

// leave takes a job off the queue, if it is still there.
func (d *DB) leave(j *job) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.queue, j)
	if i >= 0 {
		d.queue = slices.Delete(d.queue, i, i+1)
	}
	return i >= 0
}

// run runs the jobs in one transaction.
func (d *DB) run(jobs []*job) (err error) {
	t := &Tx{d}
	if err := t.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Exec("ROLLBACK"))
		}
	}()
	for _, j := range jobs {
		if err := j.fn(t); err != nil {
			return err
		}
	}
	return t.Exec("COMMIT")
}

// Tx is what a write does its work with. It is of no use after.
type Tx struct{ d *DB }

// Exec runs a statement, which it keeps prepared.
func (t *Tx) Exec(query string, args ...any) error {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	_, err = s.Exec(args...)
	return err
}

// Row runs a query, which it keeps prepared, for its first row, into dest. It
// reports false if there is none.
func (t *Tx) Row(query string, args, dest []any) (bool, error) {
	s, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRow(args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Rows runs a query, which it keeps prepared, and calls each for every row.
// The rows are read before anything else may be run.
func (t *Tx) Rows(query string, args []any, each func(scan func(dest ...any) error) error) error {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *Tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := t.d.stmts[query]; ok {
		return s, nil
	}
	s, err := t.d.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.d.stmts[query] = s
	return s, nil
}
