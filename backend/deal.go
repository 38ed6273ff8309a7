package backend

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Deal is a time-limited sale of one SKU.
type Deal struct {
	ID        string // [a-z0-9-]{1,64}
	Title     string
	SKU       string
	Stock     int64 // units in all, also those sold; at most MaxStock
	Price     int64 // minor units of Currency
	ListPrice int64 // what it costs elsewhere; 0: not said
	Currency  string
	PerBuyer  int64     // most units one buyer may have; 0: any
	OpensAt   time.Time // zero: at once
	ClosesAt  time.Time // first instant at which it is over; zero: never
}

// Bounds of a deal.
const (
	MaxStock = 1_000_000_000
	MaxPrice = 1_000_000_000_000 // minor units; MaxPrice * MaxUnits fits in an int64
	MaxUnits = 1_000_000         // in one order
)

// Validate returns every fault of the deal, joined, or nil.
func (d *Deal) Validate() error {
	var faults []error
	f := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	f(name(d.ID, "abcdefghijklmnopqrstuvwxyz0123456789-"), "id: want 1 to 64 of a-z, 0-9 and -, got %q", d.ID)
	f(text(d.Title), "title: want 1 to 200 printable characters")
	f(name(d.SKU, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
		"sku: want 1 to 64 letters, digits, -, _ and ., got %q", d.SKU)
	f(d.Stock >= 0 && d.Stock <= MaxStock, "stock: want 0 to %d, got %d", int64(MaxStock), d.Stock)
	f(d.Price >= 0 && d.Price <= MaxPrice, "price: want 0 to %d minor units, got %d", int64(MaxPrice), d.Price)
	f(d.ListPrice == 0 || d.ListPrice >= d.Price && d.ListPrice <= MaxPrice,
		"list_price: want 0 or at least the price, at most %d, got %d", int64(MaxPrice), d.ListPrice)
	f(len(d.Currency) == 3 && strings.Trim(d.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "",
		"currency: want three capital letters as of ISO 4217, got %q", d.Currency)
	f(d.PerBuyer >= 0 && d.PerBuyer <= MaxUnits, "per_buyer: want 0 to %d, got %d", int64(MaxUnits), d.PerBuyer)
	f(d.OpensAt.IsZero() || d.ClosesAt.IsZero() || d.OpensAt.Before(d.ClosesAt), "closes_at: want a time after opens_at")
	return errors.Join(faults...)
}

// Off returns the discount from the list price in whole percent, 0 if none.
func (d *Deal) Off() int64 {
	if d.ListPrice <= d.Price {
		return 0
	}
	return (d.ListPrice - d.Price) * 100 / d.ListPrice
}

func (d *Deal) terms(sold int64) Terms {
	return Terms{Deal: d.ID, Total: d.Stock, Sold: sold, PerBuyer: d.PerBuyer, OpensAt: d.OpensAt, ClosesAt: d.ClosesAt}
}

func name(s, of string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, of) == ""
}

func text(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 200
}
