package backend

import (
	"context"
	"time"
)

// A Store keeps orders, and the deals that sellers made. What it has answered
// is durable. It is safe for concurrent use.
type Store interface {
	Orders
	Catalog
}

// Orders is the book of orders.
type Orders interface {
	// AddOrder writes a new order, which is Reserved, and returns it as it is
	// kept: an order with its id that is already there stays as it is. It
	// returns ErrKeyReused if another order of the buyer made within KeyLife
	// before o.CreatedAt has the key.
	AddOrder(ctx context.Context, o Order) (Order, error)

	// Order returns an order, or ErrNoOrder.
	Order(ctx context.Context, id string) (Order, error)

	// OrderByKey returns the latest order of the buyer with the key made
	// after since, or ErrNoOrder.
	OrderByKey(ctx context.Context, buyer, key string, since time.Time) (Order, error)

	// UpdateOrder changes an order and returns it as it is then kept. The
	// status of an order that is not Reserved does not change any more.
	UpdateOrder(ctx context.Context, id string, c Change) (Order, error)

	// Pending returns up to limit orders that need the sweep: Reserved past
	// their PayBefore at now, or Cancelled or Expired while Charged.
	Pending(ctx context.Context, now time.Time, limit int) ([]Order, error)

	// Sold returns the units of the deal in paid orders.
	Sold(ctx context.Context, deal string) (int64, error)
}

// Catalog keeps the deals that were not configured.
type Catalog interface {
	// AddDeal writes a deal, or returns ErrDealExists if its id is taken.
	AddDeal(ctx context.Context, d Deal) error

	// Deals returns all deals in the order they were added.
	Deals(ctx context.Context) ([]Deal, error)
}

// Change is what UpdateOrder changes; zero fields change nothing.
type Change struct {
	Status  Status
	Charged *bool
}
