package page

import (
	"strings"
	"unicode/utf8"
)

// appendText appends s so that it is text in an element and within a quoted
// attribute. What no text may hold – control characters, broken UTF-8 – becomes
// U+FFFD; tabs and line ends stay.
func appendText(dst []byte, s string) []byte {
	clean := 0 // s[clean:i] needs no escape
	for i := 0; i < len(s); {
		c, size := s[i], 1
		var to string
		switch {
		case c == '<':
			to = "&lt;"
		case c == '>':
			to = "&gt;"
		case c == '&':
			to = "&amp;"
		case c == '"':
			to = "&#34;"
		case c == '\'':
			to = "&#39;"
		case c < ' ' && c != '\n' && c != '\t', c == 0x7f:
			to = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size == 1 || r <= 0x9f {
				to = "\uFFFD"
			}
		}
		if to != "" {
			dst = append(dst, s[clean:i]...)
			dst = append(dst, to...)
			clean = i + size
		}
		i += size
	}
	return append(dst, s[clean:]...)
}

// appendQuery appends s as a value of a query, and safe in a header.
func appendQuery(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// appendLocation appends u, an address to lead to, and safe in a header. The
// caller has checked where it leads; what is neither a path nor http(s) is not
// an address to lead to, and becomes the root.
func appendLocation(dst []byte, u string) []byte {
	const hex = "0123456789ABCDEF"
	u = location(u)
	for i := range len(u) {
		if c := u[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\`, c) >= 0 {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// location answers u, or the root where u would run as a script or lead to
// another host than it seems to.
func location(u string) string {
	path := strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "//") && !strings.HasPrefix(u, `/\`)
	if !path && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return "/"
	}
	for i := range len(u) {
		if u[i] < ' ' { // browsers drop tabs and line ends: /\t/evil is //evil
			return "/"
		}
	}
	return u
}
