package ledgertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// model is the contract of one deal written as plainly as can be: it
// remembers everything and counts anew each time.
type model struct {
	terms backend.Terms
	lost  int64 // sold units that Put told it of
	holds []*modelHold
}

type modelHold struct {
	backend.Reserve
	created, expires time.Time
	state            string // live, sold, gone
}

// levels also returns the units of live holds, which are more than Reserved
// when some of them are known to be sold to others.
func (m *model) levels() (l backend.Levels, held int64) {
	l.Total, l.Sold = m.terms.Total, m.lost
	for _, h := range m.holds {
		switch h.state {
		case "live":
			held += h.Units
		case "sold":
			l.Sold += h.Units
		}
	}
	l.Available = max(l.Total-held-l.Sold, 0)
	l.Reserved = l.Total - l.Available - l.Sold
	return l, held
}

func (m *model) put(t backend.Terms) error {
	l, held := m.levels()
	sold := max(l.Sold, t.Sold)
	if t.Total < sold || t.Total < m.terms.Total && t.Total < held+sold {
		return backend.ErrBelowSold
	}
	m.terms = t
	m.lost += sold - l.Sold
	return nil
}

func (m *model) reserve(r backend.Reserve, now time.Time) (h *modelHold, replayed bool, err error) {
	var has int64
	for _, h := range m.holds {
		if h.Buyer == r.Buyer && h.Key == r.Key && now.Sub(h.created) < backend.KeyLife {
			if h.Print != r.Print {
				return nil, false, backend.ErrKeyReused
			}
			return h, true, nil
		}
		if h.Buyer == r.Buyer && h.state != "gone" {
			has += h.Units
		}
	}
	l, _ := m.levels()
	switch {
	case now.Before(m.terms.OpensAt):
		return nil, false, backend.ErrNotOpen
	case !m.terms.ClosesAt.IsZero() && !now.Before(m.terms.ClosesAt):
		return nil, false, backend.ErrEnded
	case m.terms.PerBuyer > 0 && has+r.Units > m.terms.PerBuyer:
		return nil, false, backend.ErrLimit
	case l.Available == 0:
		return nil, false, backend.ErrSoldOut
	case l.Available < r.Units:
		return nil, false, backend.ErrNotEnough
	}
	h = &modelHold{Reserve: r, created: now, expires: now.Add(r.Hold), state: "live"}
	m.holds = append(m.holds, h)
	return h, false, nil
}

func (m *model) find(order string) *modelHold {
	for _, h := range m.holds {
		if h.Order == order && h.state != "gone" {
			return h
		}
	}
	return &modelHold{state: "gone"}
}

func (m *model) confirm(order string, now time.Time) error {
	h := m.find(order)
	if l, _ := m.levels(); h.state == "live" && (!now.Before(h.expires) || l.Sold+h.Units > l.Total) {
		h.state = "gone"
	}
	if h.state == "gone" {
		return backend.ErrLapsed
	}
	h.state = "sold"
	return nil
}

func (m *model) release(order string) (sold bool) {
	h := m.find(order)
	if h.state == "live" {
		h.state = "gone"
	}
	return h.state == "sold"
}

func (m *model) sweep(now time.Time) backend.Levels {
	for _, h := range m.holds {
		if h.state == "live" && !now.Before(h.expires) {
			h.state = "gone"
		}
	}
	l, _ := m.levels()
	return l
}

// history plays random histories on the ledger and on the model, and compares
// every answer.
func history(s *sale) {
	for range 6 {
		seed := rand.Uint64()
		p := &play{sale: s, rnd: rand.New(rand.NewPCG(seed, 0))}
		s.deal = dealID()
		p.m.terms.Total = 5
		s.put(p.m.terms)
		for i := range 400 {
			if what, err := p.step(); err != nil {
				s.Fatalf("seed %d, step %d: %s: %v", seed, i, what, err)
			}
		}
	}
}

// play is a random history under way.
type play struct {
	*sale
	m      model
	rnd    *rand.Rand
	orders []string
}

func (p *play) step() (what string, err error) {
	now := time.Now().Truncate(time.Millisecond)
	switch p.rnd.IntN(12) {
	case 0:
		d := []time.Duration{time.Millisecond, time.Second, 10 * time.Second, 23 * time.Hour}[p.rnd.IntN(4)]
		time.Sleep(d)
		return "sleep", nil
	case 1:
		return p.stepPut(now)
	case 2, 3:
		order := p.anOrder()
		got, want := p.Confirm(p.Context(), p.deal, order), p.m.confirm(order, now)
		if !errors.Is(got, want) {
			err = fmt.Errorf("answered %v, want %v", got, want)
		}
		return "confirm " + order, err
	case 4:
		order := p.anOrder()
		got, err := p.Release(p.Context(), p.deal, order)
		if want := p.m.release(order); got != want {
			err = errors.Join(err, fmt.Errorf("answered %v, want %v", got, want))
		}
		return "release " + order, err
	case 5, 6:
		got, err := p.Sweep(p.Context(), p.deal)
		want := p.m.sweep(now)
		want.Deal, want.Now = p.deal, now.UTC()
		if got != want {
			err = errors.Join(err, fmt.Errorf("answered %+v, want %+v", got, want))
		}
		return "sweep", err
	}
	return p.stepReserve(now)
}

func (p *play) stepPut(now time.Time) (string, error) {
	t := backend.Terms{Deal: p.deal, Total: p.rnd.Int64N(12), PerBuyer: p.rnd.Int64N(4)}
	switch p.rnd.IntN(6) {
	case 0:
		t.OpensAt = now.Add(time.Duration(p.rnd.Int64N(20)-10) * time.Second)
	case 1:
		l, _ := p.m.levels()
		t.Sold = l.Sold + p.rnd.Int64N(2)
	case 2:
		t.ClosesAt = now.Add(time.Duration(p.rnd.Int64N(20)-10) * time.Second)
	}
	_, got := p.Put(p.Context(), t)
	if want := p.m.put(t); !errors.Is(got, want) {
		return fmt.Sprintf("put %+v", t), fmt.Errorf("answered %v, want %v", got, want)
	}
	return "put", nil
}

func (p *play) stepReserve(now time.Time) (string, error) {
	r := backend.Reserve{
		Deal: p.deal, Order: "o" + backend.NewID(), Buyer: fmt.Sprint("b", p.rnd.IntN(4)), Key: fmt.Sprint("k", p.rnd.IntN(60)),
		Units: 1 + p.rnd.Int64N(3), Hold: time.Duration(1+p.rnd.Int64N(20)) * time.Second,
	}
	r.Print = fmt.Sprint(r.Units)
	what := fmt.Sprintf("reserve %+v", r)
	got, err := p.Reserve(p.Context(), r)
	h, replayed, refused := p.m.reserve(r, now)
	if !errors.Is(err, refused) {
		return what, fmt.Errorf("answered %v, want %v", err, refused)
	}
	if refused != nil {
		return what, nil
	}
	p.orders = append(p.orders, h.Order)
	want := backend.Hold{
		Order: h.Order, Created: h.created.UTC(), Expires: h.expires.UTC(), Replayed: replayed, Gone: h.state == "gone",
	}
	if got != want {
		return what, fmt.Errorf("answered %+v, want %+v", got, want)
	}
	return what, nil
}

func (p *play) anOrder() string {
	if len(p.orders) == 0 {
		return "nobody"
	}
	return p.orders[max(0, len(p.orders)-1-p.rnd.IntN(8))]
}
