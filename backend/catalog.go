package backend

import (
	"fmt"
	"sync/atomic"
	"time"
)

// trusted is how old the stock in memory may be and still be told to anyone.
const trusted = 2 * time.Second

// soldOutFor is how long a deal known to be sold out is not asked for again.
const soldOutFor = time.Second

// catalog is what is on sale. It never changes: a change is a new catalog
// that shares the entries.
type catalog struct {
	byID map[string]*entry
	list []*entry
}

// entry is a deal on sale and what this process knows of its stock.
type entry struct {
	Deal
	known   atomic.Pointer[known]
	soldOut atomic.Int64 // when the ledger was asked that had nothing available, Unix ns; 0: it had
	unsure  atomic.Int64 // until when somebody may hold a unit without having been told, Unix ns
	unput   atomic.Bool  // the ledger may have other terms
}

// known is an answer of the ledger and when it was asked for it.
type known struct {
	Levels
	asked time.Time
}

// Listing is a deal as it is shown.
type Listing struct {
	Deal
	Levels
	Known bool // the levels are at most 2 s old
	State State
}

// State says whether a deal is on sale, as this process's clock sees it.
type State string

// The states of a deal.
const (
	Scheduled State = "scheduled"
	Live      State = "live"
	SoldOut   State = "sold_out" // nothing available now; what is reserved may come back
	Ended     State = "ended"
)

// Deals returns what is on sale, configured deals first.
func (s *Shop) Deals() []Listing {
	c := s.catalog.Load()
	now := time.Now()
	out := make([]Listing, len(c.list))
	for i, e := range c.list {
		out[i] = e.listing(now)
	}
	return out
}

// Deal returns one deal, or ErrNoDeal.
func (s *Shop) Deal(id string) (Listing, error) {
	e, ok := s.catalog.Load().byID[id]
	if !ok {
		return Listing{}, fmt.Errorf("deal %s: %w", id, ErrNoDeal)
	}
	return e.listing(time.Now()), nil
}

// Left returns the units of the deals that are available or reserved, from
// memory, at most 1 s old while the ledger answers. It returns false if one of
// the deals is not known, or the ledger has not answered for 2 s.
func (s *Shop) Left(deals []string) (int64, bool) {
	c := s.catalog.Load()
	var left int64
	for _, id := range deals {
		e, ok := c.byID[id]
		if !ok {
			return 0, false
		}
		k := e.known.Load()
		if k == nil || time.Since(k.asked) > trusted {
			return 0, false
		}
		left += k.Available + k.Reserved
	}
	return left, true
}

func (e *entry) learn(l Levels, asked time.Time) {
	if k := e.known.Load(); k != nil && k.asked.After(asked) {
		return
	}
	e.known.Store(&known{l, asked})
	if l.Available == 0 {
		e.soldOut.Store(asked.UnixNano())
	} else {
		e.soldOut.Store(0)
	}
}

// isSoldOut reports whether the ledger, asked less than a second ago, had
// nothing available, also for those who may hold a unit and ask again.
func (e *entry) isSoldOut(now time.Time) bool {
	at := e.soldOut.Load()
	return at != 0 && now.UnixNano()-at < int64(soldOutFor) && now.UnixNano() >= e.unsure.Load()
}

func (e *entry) listing(now time.Time) Listing {
	l := Listing{Deal: e.Deal, State: Live}
	if k := e.known.Load(); k != nil {
		l.Levels, l.Known = k.Levels, now.Sub(k.asked) <= trusted
	}
	switch {
	case now.Before(e.OpensAt):
		l.State = Scheduled
	case !e.ClosesAt.IsZero() && !now.Before(e.ClosesAt):
		l.State = Ended
	case l.Known && l.Available == 0:
		l.State = SoldOut
	}
	return l
}

func (d *Deal) same(o Deal) bool {
	a, b := *d, o
	a.OpensAt, a.ClosesAt, b.OpensAt, b.ClosesAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return a == b && d.OpensAt.Equal(o.OpensAt) && d.ClosesAt.Equal(o.ClosesAt)
}
