package backend

import (
	"crypto/rand"
	"strings"
	"time"
)

// Status says how far an order is: Reserved, and then one of the others for good.
type Status string

// The statuses of an order.
const (
	Reserved  Status = "reserved"
	Paid      Status = "paid"
	Cancelled Status = "cancelled"
	Expired   Status = "expired"
)

// Order is units of one deal that a buyer has, or had, reserved.
type Order struct {
	ID        string // of 128 random bits
	Deal      string
	SKU       string
	Title     string // as it was when the order was made
	Buyer     string
	Key       string // the buyer's idempotency key
	Print     string // of what was ordered
	Units     int64
	Price     Money // of one unit
	Status    Status
	CreatedAt time.Time // by the ledger's clock, as PayBefore
	PayBefore time.Time // first instant at which it can no longer be paid

	// Charged says that the buyer's money may be with us: it is set before a
	// payment is asked for, and cleared only once the money is known to be
	// back. A paid order keeps it.
	Charged bool
}

// Total is what the buyer pays.
func (o Order) Total() Money {
	return Money{Minor: o.Price.Minor * o.Units, Currency: o.Price.Currency}
}

// asMade returns the order as it was when it was made: what a repeated
// purchase is answered with.
func (o Order) asMade() Order {
	o.Status, o.Charged = Reserved, false
	return o
}

// NewID returns an id of 128 random bits: 26 letters and digits in lower case.
func NewID() string { return strings.ToLower(rand.Text()) }
