package crowd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Report is what a crowd lived through.
type Report struct {
	Start    time.Time
	Took     time.Duration
	Counts   Counts
	Visitors []Visitor
	Codes    map[Kind]map[int]int64 // answers by status code
	Times    map[Kind]*hdrhistogram.Histogram
	Failures []string // in words, with how often
}

func (c *Crowd) report() *Report {
	r := &Report{Start: c.start, Took: c.since(), Counts: c.Counts(), Visitors: c.lasting,
		Codes: make(map[Kind]map[int]int64), Times: make(map[Kind]*hdrhistogram.Histogram), Failures: c.tape.failures()}
	for k := range kinds {
		r.Times[k] = c.tape.times(k)
		r.Codes[k] = make(map[int]int64)
		for code := range c.tape.codes[k] {
			if n := c.tape.codes[k][code].Load(); n > 0 {
				r.Codes[k][code] = n
			}
		}
	}
	return r
}

// Duplicates returns the places that two visitors were given.
func (r *Report) Duplicates() (places []Place) {
	type id struct {
		lane         string
		epoch, place int64
	}
	owner := make(map[id]int)
	for i := range r.Visitors {
		for _, p := range r.Visitors[i].Places {
			key := id{p.Lane, p.Epoch, p.Place}
			if other, ok := owner[key]; ok && other != i {
				places = append(places, p)
			}
			owner[key] = i
		}
	}
	return places
}

// Moved returns the visitors whose place changed.
func (r *Report) Moved() (moved []*Visitor) {
	for i := range r.Visitors {
		if len(r.Visitors[i].Places) > 1 {
			moved = append(moved, &r.Visitors[i])
		}
	}
	return moved
}

// Inversions returns the visitors that asked and were told to wait, more than slack
// after a visitor with a later place in the same lane and epoch had been told
// that it was called. Only the first places count, and nobody's in a background
// tab. Visitors in Plain mode are not told: of these only Overtaken knows.
func (r *Report) Inversions(slack time.Duration) []*Visitor {
	return r.overtaken(func(v *Visitor) (called, waited time.Duration) { return v.Called, v.LastWaiting - slack })
}

// Overtaken returns the visitors that were let in more than slack after a
// visitor with a later place, by the times of their answers.
func (r *Report) Overtaken(slack time.Duration) []*Visitor {
	return r.overtaken(func(v *Visitor) (called, waited time.Duration) { return v.Admitted, v.Admitted - slack })
}

// overtaken returns those that still waited when one behind them was called.
func (r *Report) overtaken(times func(*Visitor) (called, waited time.Duration)) (out []*Visitor) {
	var line []*Visitor
	for i := range r.Visitors {
		if v := &r.Visitors[i]; len(v.Places) > 0 && !v.Background {
			line = append(line, v)
		}
	}
	slices.SortFunc(line, func(a, b *Visitor) int { return b.Places[0].compare(a.Places[0]) })
	var soonest time.Duration // at which one behind was called; 0: none
	for i, v := range line {
		if i > 0 && (v.Places[0].Epoch != line[i-1].Places[0].Epoch || v.Places[0].Lane != line[i-1].Places[0].Lane) {
			soonest = 0
		}
		called, waited := times(v)
		if soonest > 0 && waited > soonest {
			out = append(out, v)
		}
		if called > 0 && (soonest == 0 || called < soonest) {
			soonest = called
		}
	}
	return out
}

// compare orders places by lane, epoch and number.
func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Lane, q.Lane), cmp.Compare(p.Epoch, q.Epoch), cmp.Compare(p.Place, q.Place))
}

// Admissions returns the number of visitors let in during [from, to).
func (r *Report) Admissions(from, to time.Duration) (n int) {
	for i := range r.Visitors {
		if at := r.Visitors[i].Admitted; at > 0 && at >= from && at < to {
			n++
		}
	}
	return n
}

// Busiest returns the most visitors let in during any window of that length.
func (r *Report) Busiest(window time.Duration) (most int) {
	var at []time.Duration
	for i := range r.Visitors {
		if t := r.Visitors[i].Admitted; t > 0 {
			at = append(at, t)
		}
	}
	slices.Sort(at)
	first := 0
	for i, t := range at {
		for t-at[first] >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// MostInside returns the most passes that were good at one instant.
func (r *Report) MostInside() (most int) {
	type step struct {
		at time.Duration
		by int
	}
	var steps []step
	for i := range r.Visitors {
		for _, s := range r.Visitors[i].Passes {
			if s.Until > s.From {
				steps = append(steps, step{s.From, 1}, step{s.Until, -1})
			}
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	now := 0
	for _, s := range steps {
		now += s.by
		most = max(most, now)
	}
	return most
}

// String is the report in a few lines.
func (r *Report) String() string {
	b := &strings.Builder{}
	n := r.Counts
	fmt.Fprintf(b, "%d visitors in %.1f s: %d came, %d held a place or a pass, %d were let in, %d errors, %d stale connections\n",
		len(r.Visitors), r.Took.Seconds(), n.Arrived, n.Holding, n.Admitted, n.Errors, n.Stale)
	for k := range kinds {
		if t := r.Times[k]; t.TotalCount() > 0 {
			fmt.Fprintf(b, "  %-6s %8d  p50 %s  p99 %s  max %s  %v\n", k, t.TotalCount(),
				micros(t.ValueAtQuantile(50)), micros(t.ValueAtQuantile(99)), micros(t.Max()), r.Codes[k])
		}
	}
	for _, f := range r.Failures {
		fmt.Fprintf(b, "  %s\n", f)
	}
	return b.String()
}

func micros(us int64) time.Duration {
	return (time.Duration(us) * time.Microsecond).Round(10 * time.Microsecond)
}
