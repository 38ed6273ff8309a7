package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/store/batch"
)

// AddDeal implements [backend.Catalog].
func (s *Store) AddDeal(ctx context.Context, d backend.Deal) error {
	var refused error
	err := s.db.Do(ctx, func(t *batch.Tx) error {
		refused = nil
		var n int64
		found, err := t.Row(`SELECT n FROM deals WHERE id = ?`, []any{d.ID}, []any{&n})
		if err != nil {
			return err
		}
		if found {
			refused = backend.ErrDealExists
			return nil
		}
		return t.Exec(`INSERT INTO deals (id, title, sku, stock, price, list_price, currency, per_buyer, opens, closes)
			VALUES (?,?,?,?,?,?,?,?,?,?)`,
			d.ID, d.Title, d.SKU, d.Stock, d.Price, d.ListPrice, d.Currency, d.PerBuyer, orNull(d.OpensAt), orNull(d.ClosesAt))
	})
	return away(cmpErr(err, refused))
}

// Deals implements [backend.Catalog].
func (s *Store) Deals(ctx context.Context) ([]backend.Deal, error) {
	rows, err := s.db.Reads().QueryContext(ctx,
		`SELECT id, title, sku, stock, price, list_price, currency, per_buyer, opens, closes FROM deals ORDER BY n`)
	if err != nil {
		return nil, away(err)
	}
	defer rows.Close()
	var deals []backend.Deal
	for rows.Next() {
		var d backend.Deal
		var opens, closes sql.NullInt64
		if err := rows.Scan(&d.ID, &d.Title, &d.SKU, &d.Stock, &d.Price, &d.ListPrice, &d.Currency, &d.PerBuyer, &opens, &closes); err != nil {
			return nil, away(err)
		}
		d.OpensAt, d.ClosesAt = orZero(opens), orZero(closes)
		deals = append(deals, d)
	}
	return deals, away(rows.Err())
}

func orNull(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func orZero(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64).UTC()
}
