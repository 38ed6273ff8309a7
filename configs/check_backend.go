package configs

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// Bounds of a deal, those of the shop.
const (
	maxStock    = 1_000_000_000
	maxPrice    = 1_000_000_000_000
	maxPerBuyer = 1_000_000
	maxTitle    = 200 // characters
)

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func (c *checker) backend() {
	b := c.cfg.Backend
	if b.Database != "sqlite" {
		// What stands here may be a DSN with its password.
		c.wrongf("backend.database", "want sqlite; MySQL and MariaDB come with a later release")
	}
	c.lasts("backend.pay_within", b.PayWithin, time.Second, 24*time.Hour, false)
	if key := string(b.SellerKey); key != "" && guessable(key) {
		c.wrongf("backend.seller_key", tokenForm)
	}
	ids := seen{}
	for i, d := range b.Deals {
		at := item("backend.deals", i)
		c.word(at+".id", d.ID, lower+digits+"-", "want 1 to 64 of a-z, 0-9 and -")
		c.unique(ids, d.ID, at+".id")
		c.word(at+".sku", d.SKU, upper+lower+digits+"-_.", "want 1 to 64 letters, digits, -, _ and .")
		c.deal(at, d)
	}
}

func (c *checker) deal(at string, d Deal) {
	if c.required(at+".title", d.Title) && (len([]rune(d.Title)) > maxTitle || strings.ContainsFunc(d.Title, unprintable)) {
		c.wrongf(at+".title", "want 1 to %d printable characters", maxTitle)
	}
	c.given(at+".stock", "want the units for sale")
	c.between(at+".stock", d.Stock, 0, maxStock)
	c.given(at+".price", "want minor units of the currency, such as 2400 for 24.00 EUR")
	c.between(at+".price", d.Price, 0, maxPrice)
	c.between(at+".list_price", d.ListPrice, 0, maxPrice)
	if d.ListPrice != 0 && d.ListPrice < d.Price {
		c.wrongf(at+".list_price", "want 0 for none, or at least the price, got %s", c.said(at+".list_price"))
	}
	if c.required(at+".currency", d.Currency) && (len(d.Currency) != 3 || strings.Trim(d.Currency, upper) != "") {
		c.wrongf(at+".currency", "want three capital letters, such as EUR or KRW, got %s", c.said(at+".currency"))
	}
	c.between(at+".per_buyer", d.PerBuyer, 0, maxPerBuyer)
	if !d.OpensAt.IsZero() && !d.ClosesAt.IsZero() && !d.OpensAt.Before(d.ClosesAt) {
		c.wrongf(at+".closes_at", "want a time after opens_at, got %s", c.said(at+".closes_at"))
	}
}

// dealsOf checks the deals a room names.
func (c *checker) dealsOf(key string, ids []string) {
	if len(ids) > 0 && c.cfg.Backend == nil {
		if !c.has("backend") {
			c.wrongf(key, "needs the bundled shop: give backend")
		}
		return
	}
	seen := seen{}
	for i, id := range ids {
		at := item(key, i)
		c.unique(seen, id, at)
		if !c.brokenIn("backend.deals") && !slices.ContainsFunc(c.cfg.Backend.Deals, func(d Deal) bool { return d.ID == id }) {
			c.wrongf(at, "backend.deals has no deal %s", c.said(at))
		}
	}
}

// given reports a key that has no default and is absent.
func (c *checker) given(key, want string) {
	if !c.has(key) {
		c.wrongf(key, "is missing: %s", want)
	}
}

func (c *checker) word(key, s, of, want string) {
	if c.required(key, s) && (len(s) > 64 || strings.Trim(s, of) != "") {
		c.wrongf(key, "%s, got %s", want, c.said(key))
	}
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
