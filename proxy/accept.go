package proxy

import (
	"bytes"
)

// kind is how a request is answered while its visitor waits.
type kind uint8

const (
	program kind = iota // 429 and the status object
	browser             // the waiting page
	looking             // HEAD: the headers alone; it neither joins nor claims
	passive             // what a page loads by itself, preflights, upgrades: likewise, 429
)

// joins reports whether a request of this kind takes a place, or claims.
func (k kind) joins() bool { return k <= browser }

func (r *request) kind() kind {
	switch string(r.heads.dest) {
	case "image", "style", "script", "font":
		return passive
	}
	switch {
	case string(r.method) == "OPTIONS", r.heads.upgrade:
		return passive
	case string(r.method) == "HEAD":
		return looking
	case prefersHTML(r.heads.accept):
		return browser
	}
	return program
}

// prefersHTML reports whether an Accept header names HTML and likes it no less
// than JSON. */* alone prefers nothing: that is what programs send.
func prefersHTML(accept []byte) bool {
	html, json := -1, -1 // quality in thousandths; -1: not said
	htmlRank, jsonRank := 0, 0
	for len(accept) > 0 {
		var entry []byte
		entry, accept, _ = bytes.Cut(accept, []byte{','})
		media, params, _ := bytes.Cut(entry, []byte{';'})
		q := quality(params)
		switch media = trim(media); {
		case fold(media, "text/html"), fold(media, "application/xhtml+xml"):
			html, htmlRank = best(html, htmlRank, q, 3)
		case fold(media, "text/*"):
			html, htmlRank = best(html, htmlRank, q, 2)
		case fold(media, "application/json"):
			json, jsonRank = best(json, jsonRank, q, 3)
		case fold(media, "application/*"):
			json, jsonRank = best(json, jsonRank, q, 2)
		case fold(media, "*/*"):
			json, jsonRank = best(json, jsonRank, q, 1)
		}
	}
	return html > 0 && html >= json
}

// best keeps the quality the most specific entry gives, the higher of equals.
func best(have, rank, q, newRank int) (int, int) {
	if newRank > rank || newRank == rank && q > have {
		return q, newRank
	}
	return have, rank
}

func fold(b []byte, lower string) bool { return len(b) == len(lower) && is(b, lower) }

// quality reads the q of a media range's parameters, in thousandths.
func quality(params []byte) int {
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte{';'})
		name, value, _ := bytes.Cut(p, []byte{'='})
		if !fold(trim(name), "q") {
			continue
		}
		return thousandths(trim(value))
	}
	return 1000
}

// thousandths reads 0, 0.5, 0.125, 1 or 1.000; anything else is 0.
func thousandths(v []byte) int {
	whole, part, _ := bytes.Cut(v, []byte{'.'})
	if len(whole) != 1 || whole[0] != '0' && whole[0] != '1' || len(part) > 3 {
		return 0
	}
	n := int(whole[0]-'0') * 1000
	for i, unit := 0, 100; i < len(part); i, unit = i+1, unit/10 {
		if part[i] < '0' || part[i] > '9' {
			return 0
		}
		n += int(part[i]-'0') * unit
	}
	return min(n, 1000)
}
