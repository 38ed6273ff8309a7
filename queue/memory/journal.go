package memory

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver of the journal
)

//go:embed schema.sql
var schema string

// The journal's file says whose it is by these two numbers.
const (
	applicationID = 0x64676174 // "dgat"
	version       = 1
)

const (
	placeTaken       = "taken"
	placeProvisional = "provisional"
	placeOver        = "over"
	placeLeft        = "left"
)

// statement is one of those the journal writes with.
type statement int

const (
	putRoom statement = iota
	putLane
	putPlace
	putPassed
	putCalls
	cutPlaces
	cutPassed
	cutCalls
)

var statements = [...]string{
	putRoom:   `INSERT OR REPLACE INTO rooms VALUES (?, ?)`,
	putLane:   `INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
	putPlace:  `INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?)`,
	putPassed: `INSERT OR REPLACE INTO passed VALUES (?, ?, ?, ?, ?)`,
	putCalls:  `INSERT OR REPLACE INTO calls (room, lane, epoch, at, head, places) VALUES (?, ?, ?, ?, ?, ?)`,
	cutPlaces: `DELETE FROM places WHERE room = ? AND lane = ? AND ends < ? AND (epoch, place) <= (?, ?)`,
	cutPassed: `DELETE FROM passed WHERE room = ? AND lane = ? AND (epoch, at) < (?, ?)`,
	cutCalls:  `DELETE FROM calls WHERE room = ? AND lane = ? AND at < ?`,
}

// journal is the folder of an engine: a lock that ends with the process, and a
// database that survives its death at any instant.
type journal struct {
	path string // of the database
	lock *os.File
	db   *sql.DB
	do   [len(statements)]*sql.Stmt

	full   bool      // the last commit, and so all before it, is on the disk itself
	synced time.Time // when one was
}

// openJournal takes the folder for this process. What is there and is not a
// journal is left as it is.
func openJournal(folder string) (*journal, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s: %w", folder, err)
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, err
	}
	j := &journal{path: filepath.Join(folder, "queue.db"), lock: lock}
	if err := j.open(); err != nil {
		j.close()
		return nil, fmt.Errorf("%s: %w", j.path, err)
	}
	return j, nil
}

// lockFolder takes the folder's lock. The kernel frees it when the process ends, however it ends.
func lockFolder(folder string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(folder, "queue.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be written: %w", folder, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return lock, nil
	}
	lock.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data folder %s is in use by another process", folder)
	}
	return nil, fmt.Errorf("the data folder %s cannot be locked: %w", folder, err)
}

// open opens the database, and makes it if there is none.
func (j *journal) open() error {
	fresh, err := inspect(j.path)
	if err != nil {
		return err
	}
	if j.db, err = sql.Open("sqlite", dsn(j.path, "rw")); err != nil {
		return err
	}
	j.db.SetMaxOpenConns(1) // the pragmas are the connection's
	if fresh {
		setup := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, version)
		if _, err := j.db.Exec("BEGIN IMMEDIATE;" + schema + setup + "COMMIT"); err != nil {
			return err
		}
	}
	// NORMAL: a commit survives the death of the process without waiting for the disk, see wait.
	if _, err := j.db.Exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000`); err != nil {
		return err
	}
	for i, text := range statements {
		if j.do[i], err = j.db.Prepare(text); err != nil {
			return err
		}
	}
	return nil
}

// inspect looks at the file without changing it: fresh if there is none yet, an error if
// it is no sound journal of this version.
func inspect(path string) (fresh bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size() == 0 { // made, and killed before the first commit
		return true, nil
	}
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return false, err
	}
	defer db.Close()
	var check string
	if err := db.QueryRow(`PRAGMA quick_check(1)`).Scan(&check); err != nil {
		return false, fmt.Errorf("not a sound journal, left as it is: %w", err)
	}
	if check != "ok" {
		return false, fmt.Errorf("not a sound journal, left as it is: %s", check)
	}
	var id, v int
	if err := db.QueryRow(`SELECT application_id, user_version FROM pragma_application_id, pragma_user_version`).Scan(&id, &v); err != nil {
		return false, err
	}
	if id != applicationID {
		return false, errors.New("a database, but not a journal of dealgate: left as it is")
	}
	if v != version {
		return false, fmt.Errorf("a journal of version %d, this program writes version %d: left as it is", v, version)
	}
	return false, nil
}

func dsn(path, mode string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if mode == "rw" {
		mode = "rwc"
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode}
	return u.String()
}

// syncEvery bounds what the loss of power costs.
const syncEvery = time.Second

// write commits all of the writes, or none. A commit survives the death of the
// process. The loss of power takes back those of the last second (claims, renewals, ends
// and heads; of ten seconds where little is written), but none that moved a mark or began
// an epoch: it gives no place twice.
func (j *journal) write(writes []write) error {
	full := time.Since(j.synced) >= syncEvery || slices.ContainsFunc(writes, func(w write) bool { return w.sync })
	if err := j.wait(full); err != nil {
		return err
	}
	if err := j.commit(writes); err != nil {
		return err
	}
	if full {
		j.synced = time.Now()
	}
	return nil
}

// wait has commits wait for the disk, or not.
func (j *journal) wait(full bool) error {
	if full == j.full {
		return nil
	}
	set := `PRAGMA synchronous = NORMAL`
	if full {
		set = `PRAGMA synchronous = FULL`
	}
	_, err := j.db.Exec(set)
	if err == nil {
		j.full = full
	}
	return err
}

func (j *journal) commit(writes []write) error {
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	for _, w := range writes {
		if _, err := tx.StmtContext(context.Background(), j.do[w.what]).Exec(w.args...); err != nil {
			tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// close frees the folder.
func (j *journal) close() error {
	var err error
	if j.db != nil {
		err = j.db.Close()
	}
	return errors.Join(err, j.lock.Close())
}
