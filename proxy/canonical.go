package proxy

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// spelled is what a path means for the decision, whatever its spelling.
type spelled struct {
	// path is lower case, begins with a slash and ends with none, but for "/".
	path []byte
	// loose says that an origin may read only the beginning of path: an encoded
	// slash need not divide it, a parameter or an encoded ? may end it. Rules for one path
	// then match what is below it, too.
	loose bool
	// doubtful says that origins may well disagree on what the path names: it
	// counts as protected.
	doubtful bool
}

// canonical decodes raw, a target's path, until nothing is left to decode,
// takes \ for /, resolves dot segments, drops empty ones, cuts parameters and
// trailing spaces and dots of each segment, and folds the case. It appends to
// dst[:0]; the result is valid as long as dst.
//
// Where one origin may decode once and another twice, or one resolve dots that
// another takes for names, no single canonical form is right: such paths are
// doubtful.
func canonical(dst, raw []byte) spelled {
	if plain(raw) {
		return spelled{path: lower(dst[:0], raw)}
	}
	c := canon{in: decode(dst[:0], raw)}
	if len(c.in) == 0 || !slash(c.in[0]) {
		return spelled{path: append(dst[:0], '/'), doubtful: true}
	}
	// Some take what follows two slashes for a host.
	c.doubtful = len(c.in) > 1 && slash(c.in[1])
	divided := bytes.Count(c.in, []byte{'/'}) != bytes.Count(raw, []byte{'/'}) || bytes.IndexByte(c.in, '\\') >= 0
	parameter := bytes.IndexByte(c.in, ';') >= 0
	loose := divided || parameter || bytes.ContainsAny(c.in, "?#")
	// A parameter may reach beyond a slash that is not taken for one, and end names with it.
	c.doubtful = c.doubtful || divided && parameter
	// What is written never overtakes what is read: the output shares the input's memory.
	c.out = c.in[:0]
	for at := 0; at < len(c.in); {
		end := at
		for end < len(c.in) && !slash(c.in[end]) {
			end++
		}
		c.segment(c.in[at:end])
		at = end + 1
	}
	c.doubtful = c.doubtful || !steady(c.out)
	if len(c.out) == 0 {
		c.out = append(c.out, '/')
	}
	return spelled{path: foldCase(c.out), loose: loose, doubtful: c.doubtful}
}

// plain reports whether p can only be read in one way: no escapes, no dots or
// spaces but inside of names, no empty segments, no end slash.
func plain(p []byte) bool {
	if len(p) == 0 || p[0] != '/' {
		return false
	}
	last := byte(0)
	for i, c := range p {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.':
			if last == '/' || i+1 == len(p) || p[i+1] == '/' {
				return false
			}
		case c == '/':
			if last == '/' {
				return false
			}
		default:
			return false
		}
		last = c
	}
	return last != '/' || len(p) == 1
}

func lower(dst, p []byte) []byte {
	for _, c := range p {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// decode appends p with its escapes decoded until none is left. Escapes never
// overlap, so the order of decoding does not matter: each byte written may
// complete one more.
func decode(dst, p []byte) []byte {
	for _, c := range p {
		dst = append(dst, c)
		for {
			n := len(dst) - 3
			if n < 0 || dst[n] != '%' {
				break
			}
			hi, lo := unhex(dst[n+1]), unhex(dst[n+2])
			if hi > 15 || lo > 15 {
				break
			}
			dst = append(dst[:n], hi<<4|lo)
		}
	}
	return dst
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func slash(c byte) bool { return c == '/' || c == '\\' }

// canon is the state of canonical.
type canon struct {
	in, out  []byte
	doubtful bool
}

// segment takes the next segment in.
func (c *canon) segment(s []byte) {
	whole := s
	if i := bytes.IndexAny(s, ";?#"); i >= 0 {
		s = s[:i]
	}
	name := bytes.TrimRight(s, " .")
	switch {
	case len(name) > 0:
		c.out = append(c.out, '/')
		c.out = append(c.out, name...)
	case bytes.Count(s, []byte{'.'}) > 1:
		// Up one level. But an origin that does not see the dots stays below what
		// was named before them.
		c.doubtful = true
		c.out = c.out[:max(bytes.LastIndexByte(c.out, '/'), 0)]
	case len(c.out) == 0 && len(whole) > 0 && string(whole) != ".":
		c.doubtful = true // cut to nothing, it leaves two slashes at the start
	}
}

// steady reports whether every origin reads p's bytes alike: no control
// characters, valid UTF-8, no escape of another kind, and none of the letters that some systems take for
// other letters (full width, combining, the Kelvin sign).
func steady(p []byte) bool {
	for len(p) > 0 {
		if c := p[0]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f || c == '%' {
				return false
			}
			p = p[1:]
			continue
		}
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError || !steadyRune(r) {
			return false
		}
		p = p[n:]
	}
	return true
}

func steadyRune(r rune) bool {
	switch {
	case r >= 0xac00 && r <= 0xd7a3, // Hangul syllables
		r >= 0x4e00 && r <= 0x9fff, // Han
		r >= 0x3041 && r <= 0x30fa: // Kana
		return true
	case r >= 0xc0 && r <= 0x24f: // Latin; some fold to ASCII
		return unicode.IsLetter(r) && r != 0x130 && r != 0x131 && r != 0x17f
	case r >= 0x370 && r <= 0x6ff, r >= 0x900 && r <= 0x97f, r >= 0xe00 && r <= 0xe7f:
		return unicode.IsLetter(r)
	}
	return false
}

// foldCase folds in place where it can: no steady letter's fold is longer in UTF-8.
func foldCase(p []byte) []byte {
	ascii := true
	for i, c := range p {
		if c >= 'A' && c <= 'Z' {
			p[i] = c + 'a' - 'A'
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return p
	}
	return bytes.Map(foldRune, p)
}

// foldRune returns the least of the runes that differ from r only in case.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
