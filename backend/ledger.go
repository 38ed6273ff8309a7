package backend

import (
	"context"
	"time"
)

// A Ledger holds the stock of deals. Each method is one atomic step, safe for
// concurrent use by any number of processes. Its clock is the only clock:
// windows and holds are judged by it, in whole milliseconds, and no request
// carries a time. For every deal, at every instant,
//
//	Available + Reserved + Sold = Total, none of them negative.
//
// A hold is live until it is confirmed, released, or its time is over; then
// it is sold or gone, and stays so. With an error that is not one of this
// package's refusals nothing is known to have happened: repeat the call.
type Ledger interface {
	// Put makes the terms those of the deal. A deal it does not know begins
	// with t.Sold units sold and the rest available; of a deal it knows, the
	// total changes by the difference. What is sold never falls below t.Sold:
	// a ledger that went back to an older state takes what it lacks from what
	// is available, and then from what is reserved. Putting the same terms
	// again changes nothing. It returns ErrBelowSold, and changes nothing, when
	// the total would be less than is sold, or is lowered below what is sold
	// and reserved.
	Put(ctx context.Context, t Terms) (Levels, error)

	// Reserve holds r.Units for r.Order, if the deal is open, the buyer keeps
	// its limit, and the units are there: else it returns ErrNoDeal,
	// ErrNotOpen, ErrEnded, ErrLimit, ErrSoldOut or ErrNotEnough, judged in
	// this order, and remembers nothing. A buyer's key seen in the 24 h before
	// is answered with the hold it made (Replayed), whatever became of the
	// deal since, or with ErrKeyReused if r.Print is another.
	Reserve(ctx context.Context, r Reserve) (Hold, error)

	// Confirm sells what the order holds. Repeating it changes nothing. It
	// returns ErrLapsed, and the units are back, from Hold.Expires on, when
	// Put has since found them sold to others, and for an order that holds
	// nothing.
	Confirm(ctx context.Context, deal, order string) error

	// Release gives back what the order holds and says what the order has in
	// the end: true if its units are sold, and then nothing changes; false if
	// it holds nothing, now or already.
	Release(ctx context.Context, deal, order string) (sold bool, err error)

	// Sweep gives back what the holds of the deal whose time is over still
	// keep, at most SweepMax of them, and returns what is left. It returns
	// ErrNoDeal for a deal it does not know.
	Sweep(ctx context.Context, deal string) (Levels, error)
}

// KeyLife is how long an idempotency key is remembered.
const KeyLife = 24 * time.Hour

// SweepMax bounds the holds that one Sweep gives back.
const SweepMax = 1000

// Terms are the part of a deal that decides a sale.
type Terms struct {
	Deal     string
	Total    int64 // units, at least 0
	Sold     int64 // units known to be sold
	PerBuyer int64 // most units one buyer may hold and have bought; 0: any
	OpensAt  time.Time
	ClosesAt time.Time // first instant at which nothing is sold any more; zero times leave that side open
}

// Reserve asks to hold units of a deal.
type Reserve struct {
	Deal  string
	Order string // the id the order will have
	Buyer string
	Key   string // the buyer's idempotency key
	Print string // of what is ordered: the same key with another print is refused
	Units int64  // at least 1
	Hold  time.Duration
}

// Hold is what Reserve made, now or when it saw the key first.
type Hold struct {
	Order    string
	Created  time.Time
	Expires  time.Time // first instant at which it cannot be confirmed
	Replayed bool
	Gone     bool // with Replayed: it was given back
}

// Levels are the stock of a deal, in units, at an instant of the ledger's clock.
type Levels struct {
	Deal                             string
	Total, Available, Reserved, Sold int64
	Now                              time.Time
}
