package embedded

import (
	"errors"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/store/batch"
)

// deal is a row of deals.
type deal struct {
	total, available, reserved, sold int64
	perBuyer, opens, closes          int64
}

func read(t *batch.Tx, id string) (d deal, found bool, err error) {
	found, err = t.Row(`SELECT total, available, reserved, sold, per_buyer, opens, closes FROM deals WHERE id = ?`,
		[]any{id}, []any{&d.total, &d.available, &d.reserved, &d.sold, &d.perBuyer, &d.opens, &d.closes})
	return d, found, err
}

// refusal says why the deal does not sell, in the order the contract gives.
func (d *deal) refusal(t *batch.Tx, r backend.Reserve, now int64) (refusal, failure error) {
	if now < d.opens {
		return backend.ErrNotOpen, nil
	}
	if d.closes != 0 && now >= d.closes {
		return backend.ErrEnded, nil
	}
	if d.perBuyer > 0 {
		var has int64
		if _, err := t.Row(`SELECT coalesce(sum(units), 0) FROM holds WHERE deal = ? AND buyer = ?`,
			[]any{r.Deal, r.Buyer}, []any{&has}); err != nil {
			return nil, err
		}
		if has+r.Units > d.perBuyer {
			return backend.ErrLimit, nil
		}
	}
	switch {
	case d.available <= 0:
		return backend.ErrSoldOut, nil
	case d.available < r.Units:
		return backend.ErrNotEnough, nil
	}
	return nil, nil
}

func (d *deal) levels(id string, now int64) backend.Levels {
	l := backend.Levels{Deal: id, Total: d.total, Available: max(d.available, 0), Sold: d.sold, Now: at(now)}
	l.Reserved = l.Total - l.Available - l.Sold
	return l
}

// hold is a row of holds.
type hold struct {
	units   int64
	expires *int64
}

func (h *hold) sold() bool { return h.expires == nil }

func held(t *batch.Tx, deal, order string) (h hold, found bool, err error) {
	found, err = t.Row(`SELECT units, expires FROM holds WHERE id = ? AND deal = ?`, []any{order, deal}, []any{&h.units, &h.expires})
	return h, found, err
}

// giveBack returns the units of a live hold to what is available.
func giveBack(t *batch.Tx, deal, order string, units int64) error {
	return errors.Join(
		t.Exec(`DELETE FROM holds WHERE id = ?`, order),
		t.Exec(`UPDATE deals SET available = available + ?, reserved = reserved - ? WHERE id = ?`, units, units, deal),
	)
}

// lapse gives back the holds of a deal whose time is over and returns their units.
func lapse(t *batch.Tx, deal string, now int64) (n int64, err error) {
	const due = ` FROM holds WHERE deal = ? AND expires <= ? ORDER BY expires LIMIT ?`
	args := []any{deal, now, backend.SweepMax}
	type lapsed struct {
		order string
		units int64
	}
	var all []lapsed
	err = t.Rows(`SELECT id, units`+due, args, func(scan func(...any) error) error {
		var l lapsed
		err := scan(&l.order, &l.units)
		all = append(all, l)
		return err
	})
	for _, l := range all {
		n += l.units
		err = errors.Join(err, giveBack(t, deal, l.order, l.units))
	}
	return n, err
}

// forget deletes keys past their life, a few at a time.
func forget(t *batch.Tx, now int64) error {
	return t.Exec(`DELETE FROM keys WHERE (deal, buyer, key) IN
		(SELECT deal, buyer, key FROM keys WHERE created <= ? ORDER BY created LIMIT 1000)`, now-backend.KeyLife.Milliseconds())
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func orZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
