// Package sqlite keeps orders and deals in one SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/store/batch"
)

//go:embed schema.sql
var schema string

// Store is a [backend.Store] in a file.
type Store struct {
	db *batch.DB
}

var _ backend.Store = (*Store)(nil)

// Open opens the file, which is created if there is none, and never replaced.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := batch.Open(ctx, path, batch.Options{Schema: schema})
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

const columns = `id, deal, sku, title, buyer, key, print, units, price, currency, status, created, pay_before, charged`

// AddOrder implements [backend.Orders].
func (s *Store) AddOrder(ctx context.Context, o backend.Order) (kept backend.Order, err error) {
	var refused error
	err = s.db.Do(ctx, func(t *batch.Tx) error {
		refused = nil
		found, err := row(t, &kept, `SELECT `+columns+` FROM orders WHERE id = ?`, o.ID)
		if err != nil || found {
			return err
		}
		found, err = row(t, &kept, `SELECT `+columns+` FROM orders WHERE buyer = ? AND key = ? AND created > ? LIMIT 1`,
			o.Buyer, o.Key, ms(o.CreatedAt.Add(-backend.KeyLife)))
		if err != nil {
			return err
		}
		if found {
			refused = backend.ErrKeyReused
			return nil
		}
		kept = o
		return t.Exec(`INSERT INTO orders (`+columns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			o.ID, o.Deal, o.SKU, o.Title, o.Buyer, o.Key, o.Print, o.Units, o.Price.Minor, o.Price.Currency,
			string(o.Status), ms(o.CreatedAt), ms(o.PayBefore), o.Charged)
	})
	return kept, away(cmpErr(err, refused))
}

// Order implements [backend.Orders].
func (s *Store) Order(ctx context.Context, id string) (backend.Order, error) {
	return s.one(ctx, `SELECT `+columns+` FROM orders WHERE id = ?`, id)
}

// OrderByKey implements [backend.Orders].
func (s *Store) OrderByKey(ctx context.Context, buyer, key string, since time.Time) (backend.Order, error) {
	return s.one(ctx, `SELECT `+columns+` FROM orders WHERE buyer = ? AND key = ? AND created > ? ORDER BY created DESC LIMIT 1`,
		buyer, key, ms(since))
}

// UpdateOrder implements [backend.Orders].
func (s *Store) UpdateOrder(ctx context.Context, id string, c backend.Change) (kept backend.Order, err error) {
	var refused error
	err = s.db.Do(ctx, func(t *batch.Tx) error {
		refused = nil
		found, err := row(t, &kept, `SELECT `+columns+` FROM orders WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if !found {
			refused = backend.ErrNoOrder
			return nil
		}
		if c.Status != "" && kept.Status == backend.Reserved {
			kept.Status = c.Status
		}
		if c.Charged != nil {
			kept.Charged = *c.Charged
		}
		return t.Exec(`UPDATE orders SET status = ?, charged = ? WHERE id = ?`, string(kept.Status), kept.Charged, id)
	})
	return kept, away(cmpErr(err, refused))
}

// Pending implements [backend.Orders].
func (s *Store) Pending(ctx context.Context, now time.Time, limit int) ([]backend.Order, error) {
	rows, err := s.db.Reads().QueryContext(ctx, `
		SELECT `+columns+` FROM orders WHERE status = 'reserved' AND pay_before <= ?
		UNION ALL
		SELECT `+columns+` FROM orders WHERE charged AND status IN ('cancelled', 'expired')
		LIMIT ?`, ms(now), limit)
	if err != nil {
		return nil, away(err)
	}
	defer rows.Close()
	var orders []backend.Order
	for rows.Next() {
		var o backend.Order
		if err := scan(&o, rows.Scan); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, away(rows.Err())
}

// Sold implements [backend.Orders].
func (s *Store) Sold(ctx context.Context, deal string) (n int64, err error) {
	err = s.db.Reads().QueryRowContext(ctx,
		`SELECT coalesce(sum(units), 0) FROM orders WHERE deal = ? AND status = 'paid'`, deal).Scan(&n)
	return n, away(err)
}

func (s *Store) one(ctx context.Context, query string, args ...any) (o backend.Order, err error) {
	err = scan(&o, s.db.Reads().QueryRowContext(ctx, query, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return o, backend.ErrNoOrder
	}
	return o, away(err)
}

// row reads the order that the query finds inside a transaction.
func row(t *batch.Tx, o *backend.Order, query string, args ...any) (found bool, err error) {
	err = t.Rows(query, args, func(s func(...any) error) error {
		found = true
		return scan(o, s)
	})
	return found, err
}

func scan(o *backend.Order, scan func(...any) error) error {
	var created, before int64
	err := scan(&o.ID, &o.Deal, &o.SKU, &o.Title, &o.Buyer, &o.Key, &o.Print, &o.Units, &o.Price.Minor, &o.Price.Currency,
		&o.Status, &created, &before, &o.Charged)
	o.CreatedAt, o.PayBefore = time.UnixMilli(created).UTC(), time.UnixMilli(before).UTC()
	return err
}

func ms(t time.Time) int64 { return t.UnixMilli() }

// away says of an error that is not a refusal that the store could not be reached.
func away(err error) error {
	if err == nil || errors.Is(err, backend.ErrNoOrder) || errors.Is(err, backend.ErrKeyReused) || errors.Is(err, backend.ErrDealExists) {
		return err
	}
	return fmt.Errorf("%w: %w", backend.ErrAway, err)
}

// cmpErr returns the failure, or else the refusal.
func cmpErr(failed, refused error) error {
	if failed != nil {
		return failed
	}
	return refused
}
