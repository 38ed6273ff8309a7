// Package embedded keeps the stock of deals in one SQLite file of this process.
//
// Every decision is a transaction, many of which are committed together: what
// was answered survives a crash. The clock is this machine's.
package embedded

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/store/batch"
)

//go:embed schema.sql
var schema string

// Ledger is a [backend.Ledger] in a file.
type Ledger struct {
	db *batch.DB
}

var _ backend.Ledger = (*Ledger)(nil)

// Open opens the file, which is created if there is none, never replaced, and
// refused to any other process until Close.
func Open(ctx context.Context, path string) (*Ledger, error) {
	db, err := batch.Open(ctx, path, batch.Options{Schema: schema, Exclusive: true})
	if err != nil {
		return nil, err
	}
	return &Ledger{db}, nil
}

// Close closes the file.
func (l *Ledger) Close() error { return l.db.Close() }

// decide runs one decision in a transaction. Its refusal holds, like its
// result, only once the transaction is committed.
func (l *Ledger) decide(ctx context.Context, decide func(*batch.Tx, int64) (refusal, failure error)) error {
	var refusal error
	err := l.db.Do(ctx, func(t *batch.Tx) (err error) {
		refusal, err = decide(t, time.Now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", backend.ErrAway, err)
	}
	return refusal
}

// Put implements [backend.Ledger].
func (l *Ledger) Put(ctx context.Context, terms backend.Terms) (levels backend.Levels, err error) {
	err = l.decide(ctx, func(t *batch.Tx, now int64) (error, error) {
		d, found, err := read(t, terms.Deal)
		if err != nil {
			return nil, err
		}
		if !found {
			d = deal{sold: terms.Sold, total: terms.Sold, available: 0}
		}
		lower := found && terms.Total < d.total
		more := max(terms.Sold-d.sold, 0)
		d.sold += more
		d.available += terms.Total - d.total - more
		d.total = terms.Total
		if d.total < d.sold || lower && d.available < 0 {
			return backend.ErrBelowSold, nil
		}
		levels = d.levels(terms.Deal, now)
		return nil, t.Exec(`INSERT INTO deals (id, total, available, reserved, sold, per_buyer, opens, closes) VALUES (?,?,?,?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET total = excluded.total, available = excluded.available, sold = excluded.sold,
				per_buyer = excluded.per_buyer, opens = excluded.opens, closes = excluded.closes`,
			terms.Deal, d.total, d.available, d.reserved, d.sold, terms.PerBuyer, orZero(terms.OpensAt), orZero(terms.ClosesAt))
	})
	return levels, err
}

// Reserve implements [backend.Ledger].
func (l *Ledger) Reserve(ctx context.Context, r backend.Reserve) (h backend.Hold, err error) {
	err = l.decide(ctx, func(t *batch.Tx, now int64) (error, error) {
		h = backend.Hold{}
		var print string
		var created, expires int64
		found, err := t.Row(`SELECT k.print, k.hold, k.created, k.expires, h.id IS NULL FROM keys k LEFT JOIN holds h ON h.id = k.hold
			WHERE k.deal = ? AND k.buyer = ? AND k.key = ? AND k.created > ?`,
			[]any{r.Deal, r.Buyer, r.Key, now - backend.KeyLife.Milliseconds()}, []any{&print, &h.Order, &created, &expires, &h.Gone})
		if err != nil {
			return nil, err
		}
		if found && print != r.Print {
			return backend.ErrKeyReused, nil
		}
		if found {
			h.Created, h.Expires, h.Replayed = at(created), at(expires), true
			return nil, nil
		}
		d, found, err := read(t, r.Deal)
		if err != nil {
			return nil, err
		}
		if !found {
			return backend.ErrNoDeal, nil
		}
		if refusal, err := d.refusal(t, r, now); refusal != nil || err != nil {
			return refusal, err
		}
		expires = now + r.Hold.Milliseconds()
		h = backend.Hold{Order: r.Order, Created: at(now), Expires: at(expires)}
		return nil, errors.Join(
			t.Exec(`UPDATE deals SET available = available - ?, reserved = reserved + ? WHERE id = ?`, r.Units, r.Units, r.Deal),
			t.Exec(`INSERT INTO holds (id, deal, buyer, units, expires) VALUES (?,?,?,?,?)`, r.Order, r.Deal, r.Buyer, r.Units, expires),
			t.Exec(`INSERT OR REPLACE INTO keys (deal, buyer, key, print, hold, created, expires) VALUES (?,?,?,?,?,?,?)`,
				r.Deal, r.Buyer, r.Key, r.Print, r.Order, now, expires),
		)
	})
	return h, err
}

// Confirm implements [backend.Ledger].
func (l *Ledger) Confirm(ctx context.Context, deal, order string) error {
	return l.decide(ctx, func(t *batch.Tx, now int64) (error, error) {
		h, found, err := held(t, deal, order)
		switch {
		case err != nil:
			return nil, err
		case !found:
			return backend.ErrLapsed, nil
		case h.sold():
			return nil, nil
		case now >= *h.expires:
			return backend.ErrLapsed, giveBack(t, deal, order, h.units)
		}
		d, _, err := read(t, deal)
		if err != nil {
			return nil, err
		}
		if d.sold+h.units > d.total {
			return backend.ErrLapsed, giveBack(t, deal, order, h.units)
		}
		return nil, errors.Join(
			t.Exec(`UPDATE deals SET reserved = reserved - ?, sold = sold + ? WHERE id = ?`, h.units, h.units, deal),
			t.Exec(`UPDATE holds SET expires = NULL WHERE id = ?`, order),
		)
	})
}

// Release implements [backend.Ledger].
func (l *Ledger) Release(ctx context.Context, deal, order string) (sold bool, err error) {
	err = l.decide(ctx, func(t *batch.Tx, _ int64) (error, error) {
		h, found, err := held(t, deal, order)
		sold = found && h.sold()
		if err != nil || !found || sold {
			return nil, err
		}
		return nil, giveBack(t, deal, order, h.units)
	})
	return sold, err
}

// Sweep implements [backend.Ledger].
func (l *Ledger) Sweep(ctx context.Context, deal string) (levels backend.Levels, err error) {
	err = l.decide(ctx, func(t *batch.Tx, now int64) (error, error) {
		d, found, err := read(t, deal)
		if err != nil {
			return nil, err
		}
		if !found {
			return backend.ErrNoDeal, nil
		}
		n, err := lapse(t, deal, now)
		d.available += n
		d.reserved -= n
		levels = d.levels(deal, now)
		return nil, errors.Join(err, forget(t, now))
	})
	return levels, err
}
