package configs

import (
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// speakable is a key that may be repeated in a fault. Anything else may be a
// secret that lost its key.
var speakable = regexp.MustCompile(`^[A-Za-z_<][A-Za-z0-9_.<-]{0,23}$`)

// unknown reports a key that the mapping of type t, at key, does not have.
func (d *decoder) unknown(t reflect.Type, name *yaml.Node, key string) {
	if len(d.faults) == maxFaults {
		d.more++ // what it may stand for is not looked up for nothing
		return
	}
	said := name.Value
	if before, _, found := strings.Cut(said, ":"); found && speakable.MatchString(before) {
		d.addf(name.Line, join(key, before), "a space is missing after the colon")
		return
	}
	if name.Kind != yaml.ScalarNode || !speakable.MatchString(said) {
		d.addf(name.Line, key, "has something that is no key; known are %s", strings.Join(keysOf(t), ", "))
		return
	}
	if guess := suggest(t, said); guess != "" {
		d.addf(name.Line, join(key, said), "unknown key; did you mean %s?", guess)
		return
	}
	d.addf(name.Line, join(key, said), "unknown key; known are %s", strings.Join(keysOf(t), ", "))
}

func join(key, name string) string { return strings.TrimPrefix(key+"."+name, ".") }

// suggest returns the key of t that name may stand for, or one of the mappings
// in it, as admit.rate; or "".
func suggest(t reflect.Type, name string) string {
	if best := closest(keysOf(t), name); best != "" {
		return best
	}
	for i, key := range keysOf(t) {
		sub := t.Field(i).Type
		if sub.Kind() == reflect.Struct && !isScalar(sub) && fieldOf(sub, name) >= 0 {
			return key + "." + name
		}
	}
	return ""
}

// closest returns the word nearest to name, or "" if none is near: more than
// two slips, or more than a third of the word.
func closest(words []string, name string) string {
	best, slips := "", 3
	for _, w := range words {
		if n := distance(w, strings.ToLower(name)); n < slips && n <= max(1, len(w)/3) {
			best, slips = w, n
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func distance(a, b string) int {
	var older, old, row []int
	for i := range len(a) + 1 {
		older, old, row = old, row, make([]int, len(b)+1)
		for j := range row {
			switch {
			case i == 0 || j == 0:
				row[j] = i + j
				continue
			case a[i-1] == b[j-1]:
				row[j] = old[j-1]
				continue
			}
			row[j] = 1 + min(old[j], row[j-1], old[j-1])
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], 1+older[j-2])
			}
		}
	}
	return row[len(b)]
}
