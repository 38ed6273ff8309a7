package proxy

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// heads are the header fields the decision looks at. Of fields that came more
// than once it has the last, but for cookies.
type heads struct {
	cookies  [4][]byte
	ncookies int

	accept, language       []byte
	dest, site             []byte // Sec-Fetch-*
	origin, referer        []byte
	auth, expect           []byte
	proto                  []byte // X-Forwarded-Proto
	upgrade, overridden    bool
	length, coded, faulted bool
}

// scan reads a header block as it came. Lines that are not exactly one field
// each are refused.
func (hs *heads) scan(raw []byte) fault {
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return fault{fasthttp.StatusBadRequest, "header"}
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || line[0] == ' ' || line[0] == '\t' || line[colon-1] == ' ' || line[colon-1] == '\t' {
			return fault{fasthttp.StatusBadRequest, "header"}
		}
		hs.field(line[:colon], line[colon+1:])
	}
	if hs.length && hs.coded || hs.faulted {
		return fault{fasthttp.StatusBadRequest, "framing"}
	}
	return fault{}
}

// field notes one field. The length of the name sorts nearly all of them out.
func (hs *heads) field(name, value []byte) {
	switch len(name) {
	case 6:
		switch {
		case is(name, "cookie"):
			if hs.ncookies < len(hs.cookies) {
				hs.cookies[hs.ncookies] = trim(value)
				hs.ncookies++
			}
		case is(name, "accept"):
			hs.accept = trim(value)
		case is(name, "origin"):
			hs.origin = trim(value)
		case is(name, "expect"):
			hs.expect = trim(value)
		}
	case 7:
		if is(name, "referer") {
			hs.referer = trim(value)
		} else if is(name, "upgrade") {
			hs.upgrade = true
		}
	case 13:
		hs.auth = keep(hs.auth, is(name, "authorization"), value)
		hs.overridden = hs.overridden || is(name, "x-http-method")
	case 14:
		switch {
		case is(name, "sec-fetch-dest"):
			hs.dest = trim(value)
		case is(name, "sec-fetch-site"):
			hs.site = trim(value)
		case is(name, "content-length"):
			hs.faulted = hs.faulted || len(trim(value)) > 1 && trim(value)[0] == '0'
			hs.length = true
		}
	case 15:
		hs.language = keep(hs.language, is(name, "accept-language"), value)
	case 17:
		hs.proto = keep(hs.proto, is(name, "x-forwarded-proto"), value)
		if is(name, "transfer-encoding") {
			hs.coded = true
			hs.faulted = hs.faulted || !fold(trim(value), "chunked")
		}
		hs.overridden = hs.overridden || is(name, "x-method-override")
	case 22:
		hs.overridden = hs.overridden || is(name, "x-http-method-override")
	}
}

func keep(old []byte, wanted bool, value []byte) []byte {
	if wanted {
		return trim(value)
	}
	return old
}

// is compares a field name with a lower case one of the same length.
func is(name []byte, lower string) bool {
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func trim(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}
