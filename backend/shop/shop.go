// Package shop draws the storefront: one page, rendered on the server, with
// everything in it. It runs no script and asks no third party for anything;
// buying, paying and cancelling are forms.
package shop

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"hash/fnv"
	"html/template"
	"io"
	"strconv"
	"time"

	"github.com/dealgate/dealgate/backend"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	page = template.Must(template.New("page").Parse(pageHTML))
)

// Page is what is shown: an order, else a deal, else the list of deals; and
// above it what went wrong, if anything.
type Page struct {
	Lang  string // of [Language]
	Now   time.Time
	Deals []backend.Listing
	Deal  *backend.Listing
	Order *backend.Order
	Key   string // the idempotency key of the deal's form
	Wrong string // the type of a problem, without its prefix
}

// Write writes the page.
func Write(w io.Writer, p *Page) error { return page.Execute(w, p) }

// Policy is the Content-Security-Policy the page works under: nothing but its
// own style, and forms to the shop itself.
func Policy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// CSS is the page's style, which Policy allows.
func (p *Page) CSS() template.CSS { return template.CSS(pageCSS) }

// Single reports whether the page is about one thing, or nothing.
func (p *Page) Single() bool { return p.Deals == nil }

// Title is the document's.
func (p *Page) Title() string {
	switch {
	case p.Order != nil:
		return p.Order.Title + " · " + p.T("status_"+string(p.Order.Status))
	case p.Deal != nil && p.Deal.ID != "":
		return p.Deal.Title
	case p.Deals == nil:
		return p.WrongTitle()
	}
	return p.T("deals")
}

// WrongTitle says what went wrong.
func (p *Page) WrongTitle() string { return p.T("wrong_" + p.Wrong) }

// Card is a deal as it is drawn.
func (p *Page) Card(l *backend.Listing) Card { return Card{p, l} }

// Cards are the deals as they are drawn: what is on sale first.
func (p *Page) Cards() (cards []Card) {
	for _, states := range [][]backend.State{{backend.Live}, {backend.Scheduled}, {backend.SoldOut, backend.Ended}} {
		for i := range p.Deals {
			for _, s := range states {
				if p.Deals[i].State == s {
					cards = append(cards, Card{p, &p.Deals[i]})
				}
			}
		}
	}
	return cards
}

// Card draws one deal.
type Card struct {
	P *Page
	*backend.Listing
}

// Cost and Was are the price and the list price; Was is "" if there is none.
func (c Card) Cost() string { return backend.Money{Minor: c.Price, Currency: c.Currency}.String() }

// Was is the list price, "" if the deal is no cheaper.
func (c Card) Was() string {
	if c.Off() == 0 {
		return ""
	}
	return backend.Money{Minor: c.ListPrice, Currency: c.Currency}.String()
}

// Saved is how much less than elsewhere.
func (c Card) Saved() string {
	return backend.Money{Minor: c.ListPrice - c.Price, Currency: c.Currency}.String()
}

// Hue is one of twelve colours, always the same for a deal.
func (c Card) Hue() string {
	h := fnv.New32a()
	h.Write([]byte(c.ID))
	return "h" + strconv.Itoa(int(h.Sum32()%12))
}

// Letter stands where a picture would.
func (c Card) Letter() string {
	for _, r := range c.Deal.Title {
		return string(r)
	}
	return ""
}

// Open reports whether it can be bought now.
func (c Card) Open() bool { return c.State == backend.Live }

// Low reports whether little is left.
func (c Card) Low() bool { return c.Known && c.Open() && c.Available*5 <= c.Total }

// When says when the deal opens or ends, "" if neither.
func (c Card) When() string {
	switch {
	case c.State == backend.Scheduled:
		return c.P.T("opens_in", c.P.Duration(c.OpensAt.Sub(c.P.Now)))
	case c.State != backend.Ended && !c.ClosesAt.IsZero():
		return c.P.T("ends_in", c.P.Duration(c.ClosesAt.Sub(c.P.Now)))
	}
	return ""
}

// Left says how much is left, "" if it is not known.
func (c Card) Left() string {
	switch {
	case !c.Known || c.State == backend.Ended:
		return ""
	case c.State == backend.SoldOut && c.Reserved > 0:
		return c.P.T("all_reserved")
	case c.State == backend.SoldOut:
		return c.P.T("none_left")
	}
	return c.P.T("left_of", c.P.Number(c.Available), c.P.Number(c.Total))
}

// Choices are the quantities to choose from.
func (c Card) Choices() (n []int64) {
	most := int64(10)
	if c.PerBuyer > 0 {
		most = min(most, c.PerBuyer)
	}
	if c.Known {
		most = min(most, max(1, c.Available))
	}
	for i := int64(1); i <= most; i++ {
		n = append(n, i)
	}
	return n
}

// Total is what the order costs.
func (p *Page) Total() string { return p.Order.Total().String() }

// PayIn says how long the order can still be paid.
func (p *Page) PayIn() string { return p.Duration(p.Order.PayBefore.Sub(p.Now)) }

// Stamp writes an instant for the datetime attribute.
func (p *Page) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
