package memory

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Call is an invitation, as the journal has it.
type Call struct {
	Room, Lane string
	Epoch      int64
	Place      int64
	At         time.Time // by the engine's clock
}

// Calls reads the invitations of a folder's journal in the order in which they
// were made, as far as they are kept: for return_within and a minute. It changes
// nothing, and may be used while an engine runs on the folder, in any process.
func Calls(folder string) ([]Call, error) {
	path := filepath.Join(folder, "queue.db")
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer db.Close()
	j := journal{path: path, db: db}
	var out []Call
	err = j.each(`SELECT room, lane, epoch, at, places FROM calls ORDER BY at, head`, func(row *sql.Rows) error {
		var c Call
		var at int64
		var places []byte
		if err := row.Scan(&c.Room, &c.Lane, &c.Epoch, &at, &places); err != nil {
			return err
		}
		c.At = time.Unix(0, at).UTC()
		for len(places) > 0 {
			step, n := binary.Uvarint(places)
			if n <= 0 {
				return fmt.Errorf("the calls of %v: not a list of places", c.At)
			}
			c.Place += int64(step)
			out, places = append(out, c), places[n:]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}
