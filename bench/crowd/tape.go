package crowd

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Kind is what a request was for.
type Kind uint8

// The kinds of requests.
const (
	Join   Kind = iota // the first
	Poll               // while waiting
	Enter              // when called
	Browse             // inside
	Leave              // the farewell
	kinds
)

// String returns the name of the kind.
func (k Kind) String() string { return [...]string{"join", "poll", "enter", "browse", "leave"}[k] }

// tapes is the number of histograms that share the recording of a kind.
const tapes = 8

// slowest is the longest time that is told apart from longer ones.
const slowest = 10 * time.Minute

// A tape records times and codes of answers, and some failures in words.
type tape struct {
	parts  [tapes]part
	codes  [kinds][600]atomic.Int64
	mu     sync.Mutex // guards what follows
	notes  []string
	noted  map[string]int
	strong map[string]string // names of cookies, each once
}

type part struct {
	mu    sync.Mutex
	times [kinds]*hdrhistogram.Histogram
}

func (t *tape) init() {
	t.noted, t.strong = make(map[string]int), make(map[string]string)
	for i := range t.parts {
		for k := range t.parts[i].times {
			t.parts[i].times[k] = hdrhistogram.New(1, slowest.Microseconds(), 3)
		}
	}
}

// record notes the time and code of an answer.
func (t *tape) record(kind Kind, code int, took time.Duration) {
	t.codes[kind][min(code, 599)].Add(1)
	p := &t.parts[uint64(took)/1000%tapes]
	p.mu.Lock()
	// Rounding can put an answer before its due time; longer than the longest is as long.
	_ = p.times[kind].RecordValue(min(max(took.Microseconds(), 1), slowest.Microseconds()))
	p.mu.Unlock()
}

// note keeps a failure in words: the first twenty sorts, each counted.
func (t *tape) note(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noted[what] == 0 {
		if len(t.notes) == 20 {
			return
		}
		t.notes = append(t.notes, what)
	}
	t.noted[what]++
}

// name returns the name as a string that all visitors share.
func (t *tape) name(name []byte) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.strong[string(name)]
	if !ok {
		s = string(name)
		t.strong[s] = s
	}
	return s
}

// times returns the times of the answers to a kind of requests, in µs.
func (t *tape) times(kind Kind) *hdrhistogram.Histogram {
	all := hdrhistogram.New(1, slowest.Microseconds(), 3)
	for i := range t.parts {
		t.parts[i].mu.Lock()
		all.Merge(t.parts[i].times[kind])
		t.parts[i].mu.Unlock()
	}
	return all
}

// failures returns what was noted, with how often.
func (t *tape) failures() (out []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, what := range t.notes {
		out = append(out, fmt.Sprintf("%d× %s", t.noted[what], what))
	}
	return out
}
