package upstream

import (
	"bytes"
	"strings"
)

// strip removes from the head what was meant for this hop: it moves what goes on
// to the end of b and returns where that now starts.
func (r *response) strip(b []byte) (start int, err error) {
	at := bytes.IndexByte(b, '\n') + 1
	for at < len(b)-2 {
		next := at + bytes.IndexByte(b[at:], '\n') + 1
		if line := b[at : next-2]; r.strips(line[:bytes.IndexByte(line, ':')]) {
			if !printable(line) { // nobody looks at it after us
				return 0, broken("control byte in %.40q", line)
			}
			copy(b[start+next-at:next], b[start:at])
			start += next - at
		}
		at = next
	}
	return start, nil
}

// wellFormed reports whether line is a header line: a name, a colon, a value.
func wellFormed(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !printable(line) {
		return false
	}
	for _, c := range line[:colon] {
		if c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// printable reports whether a header line is free of control bytes but TAB.
func printable(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func (r *response) strips(name []byte) bool {
	if hop(name) {
		return true
	}
	if r.codings > 0 && same(name, "content-length") {
		return true
	}
	for list := r.named; len(list) > 0; {
		var t []byte
		if t, list = token(list); bytes.EqualFold(t, name) {
			return true
		}
	}
	return false
}
