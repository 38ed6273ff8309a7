package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a file.
type Fault struct {
	File string
	Line int    // from 1
	Key  string // such as rooms[0].admit.rate; "" for the file as a whole
	Text string // what is wrong and what is allowed
}

// String is file:line: key: text.
func (f Fault) String() string {
	if f.Key == "" {
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Key, f.Text)
}

// Faults is all that is wrong with a file, in the order of its lines; at least
// one. Its Error is one line for each.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// maxFaults bounds what is said about one file.
const maxFaults = 100

// report collects the faults of a file and knows the line of each key in it.
type report struct {
	file   string
	last   int               // line of the file: the parser puts what is empty at the end behind it
	lines  map[string]int    // of the keys and elements that the file has
	shown  map[string]string // scalars, as a fault may show them
	broken map[string]bool   // keys whose value could not be read: nothing more is said about them
	faults Faults
	more   int // faults beyond maxFaults
}

func newReport(file string) *report {
	return &report{file: file, last: 1, lines: map[string]int{"": 1}, shown: map[string]string{}, broken: map[string]bool{}}
}

func (r *report) addf(line int, key, format string, args ...any) {
	if len(r.faults) == maxFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, Fault{r.file, min(line, r.last), key, fmt.Sprintf(format, args...)})
}

// unreadf reports a value that could not be read.
func (r *report) unreadf(line int, key, format string, args ...any) {
	r.broken[key] = true
	r.addf(line, key, format, args...)
}

// wrongf reports a value that was read and is not allowed. Where the value, or
// what it is part of, was unreadable, that was said already.
func (r *report) wrongf(key, format string, args ...any) {
	for k := key; !r.broken[k]; k = parent(k) {
		if k == "" {
			r.addf(r.line(key), key, format, args...)
			return
		}
	}
}

// also reports what others find wrong with the value of key, unless something
// is wrong with it, or beside it, already.
func (r *report) also(key, text string) {
	beside := parent(key)
	for _, f := range r.faults {
		if f.Key == beside || strings.HasPrefix(f.Key, beside+".") || strings.HasPrefix(f.Key, beside+"[") {
			return
		}
	}
	r.wrongf(key, "%s", text)
}

// brokenIn says whether something in key could not be read: then it is not
// known what is missing in it.
func (r *report) brokenIn(key string) bool {
	for k := range r.broken {
		if strings.HasPrefix(k, key) {
			return true
		}
	}
	return false
}

// has says whether the file gives key a value.
func (r *report) has(key string) bool { return r.lines[key] > 0 }

// line is the line of key, or of what should hold it.
func (r *report) line(key string) int {
	for r.lines[key] == 0 {
		key = parent(key)
	}
	return r.lines[key]
}

// parent is the key of what holds key; "" is the file.
func parent(key string) string {
	return key[:max(0, strings.LastIndexAny(key, ".["))]
}

func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	if r.more > 0 {
		last := r.faults[len(r.faults)-1].Line
		r.faults = append(r.faults, Fault{r.file, last, "", fmt.Sprintf("and %d more faults", r.more)})
	}
	return r.faults
}
