// Package backend is a small shop: deals, their stock, and orders.
//
// A [Shop] decides who buys. What is left of a deal it leaves to a [Ledger],
// whose every decision is one atomic step and whose clock is the only clock
// of a sale; who bought what it keeps in a [Store], which is durable. The two
// do not share a transaction: a unit is first reserved in the Ledger, then
// the order is written, and whatever a crash leaves between the two is
// repaired by [Shop.Run]. Nothing here knows HTTP, SQL or Redis.
package backend

import "errors"

// What a purchase, a payment or a change of a deal may be refused for.
var (
	ErrNoDeal    = errors.New("no such deal")
	ErrNotOpen   = errors.New("the deal has not opened yet")
	ErrEnded     = errors.New("the deal has ended")
	ErrSoldOut   = errors.New("sold out")
	ErrNotEnough = errors.New("fewer are left than were asked for")
	ErrLimit     = errors.New("more than one buyer may have")

	ErrKeyReused = errors.New("the idempotency key was used for another order")
	ErrLapsed    = errors.New("the reservation has lapsed")
	ErrNoOrder   = errors.New("no such order")
	ErrState     = errors.New("the order is no longer open")
	ErrBusy      = errors.New("the order is being paid")
	ErrDeclined  = errors.New("the payment was declined")

	ErrDealExists = errors.New("another deal has this id")
	ErrBelowSold  = errors.New("the stock would be less than what is sold and reserved")

	// ErrAway is wrapped by a Ledger, a Store or a Payment that cannot be
	// reached. What was asked may have happened or not: it may be repeated.
	ErrAway = errors.New("the shop's store is away")
)
