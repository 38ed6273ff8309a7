package token

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Bounds of the parts of a token, in bytes, and of its numbers.
const (
	maxIssuer  = 128
	maxName    = 64
	maxRoom    = 32
	maxPayload = 1024
	maxNumber  = 1<<53 - 1 // what every JSON reader holds exactly
)

// encoding refuses padding and spare bits, but passes over line ends: callers look for these.
var encoding = base64.RawURLEncoding.Strict()

// plain reports whether s can stand between the quotes of a JSON string as it
// is: printable ASCII without space, quote and backslash.
func plain(s string, atMost int) bool {
	if len(s) > atMost {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// fault returns what is wrong with the claims, "" if nothing.
func (c *Claims) fault() string {
	life := MaxTicketLife
	if c.Kind == Pass {
		life = MaxPassLife
	}
	switch {
	case c.Kind != Ticket && c.Kind != Pass:
		return "kind"
	case c.Room == "" || !plain(c.Room, maxRoom):
		return "room"
	case !plain(c.Lane, maxName):
		return "lane"
	case c.Epoch < 0 || c.Epoch > maxNumber:
		return "epoch"
	case c.Place < 1 || c.Place > maxNumber:
		return "place"
	case c.Head < 0 || c.Head > maxNumber:
		return "head"
	case c.IssuedAt < 0 || c.IssuedAt > maxNumber || c.Expires > maxNumber:
		return "time"
	case c.Expires <= c.IssuedAt || c.Expires-c.IssuedAt > int64(life/time.Second):
		return "lifetime"
	}
	return ""
}

// check says whether the claims hold for the kind and room at now.
func (c *Claims) check(kind Kind, room string, now time.Time) error {
	if c.Kind != kind {
		return errKind
	}
	if c.Room != room {
		return errRoom
	}
	leeway := int64(0)
	if kind == Ticket {
		leeway = int64(TicketLeeway / time.Second)
	}
	at := now.Unix()
	if at >= c.Expires+leeway {
		return ErrExpired
	}
	if at < c.IssuedAt-leeway {
		return errEarly
	}
	return nil
}

// audience is the start of the aud claim; the room follows.
func (k Kind) audience() string { return k.String() + ":" }

// appendPayload appends the one JSON text of valid claims.
func appendPayload(dst []byte, issuer string, c *Claims) []byte {
	dst = append(dst, `{"iss":"`...)
	dst = append(dst, issuer...)
	dst = append(dst, `","aud":"`...)
	dst = append(dst, c.Kind.audience()...)
	dst = append(dst, c.Room...)
	dst = append(dst, `","lane":"`...)
	dst = append(dst, c.Lane...)
	dst = append(dst, `","epoch":`...)
	dst = strconv.AppendInt(dst, c.Epoch, 10)
	dst = append(dst, `,"place":`...)
	dst = strconv.AppendInt(dst, c.Place, 10)
	if c.Head > 0 {
		dst = append(dst, `,"head":`...)
		dst = strconv.AppendInt(dst, c.Head, 10)
	}
	if c.Provisional {
		dst = append(dst, `,"provisional":true`...)
	}
	dst = append(dst, `,"iat":`...)
	dst = strconv.AppendInt(dst, c.IssuedAt, 10)
	dst = append(dst, `,"exp":`...)
	dst = strconv.AppendInt(dst, c.Expires, 10)
	return append(dst, '}')
}

// parsePayload reads what appendPayload wrote, and nothing else: names in
// another case or order, names twice, spaces, escapes, fractions and every
// other freedom of JSON are faults, so that claims have one spelling.
func parsePayload(src []byte, issuer string, kind Kind) (c Claims, ok bool) {
	r := reader{rest: string(src), ok: true}
	r.want(`{"iss":"`)
	r.want(issuer)
	r.want(`","aud":"`)
	r.want(kind.audience())
	c.Kind = kind
	c.Room = r.text()
	r.want(`,"lane":"`)
	c.Lane = r.text()
	r.want(`,"epoch":`)
	c.Epoch = r.number()
	r.want(`,"place":`)
	c.Place = r.number()
	if r.skip(`,"head":`) {
		c.Head = r.number()
		r.ok = r.ok && c.Head > 0
	}
	c.Provisional = r.skip(`,"provisional":true`)
	r.want(`,"iat":`)
	c.IssuedAt = r.number()
	r.want(`,"exp":`)
	c.Expires = r.number()
	r.want(`}`)
	return c, r.ok && r.rest == "" && c.fault() == ""
}

// A reader takes a text apart from the front. Once something is missing ok is
// false for good.
type reader struct {
	rest string
	ok   bool
}

func (r *reader) skip(s string) bool {
	rest, found := strings.CutPrefix(r.rest, s)
	r.rest = rest
	return found
}

func (r *reader) want(s string) { r.ok = r.skip(s) && r.ok }

// text reads up to the closing quote and over it.
func (r *reader) text() string {
	s, rest, found := strings.Cut(r.rest, `"`)
	r.rest, r.ok = rest, r.ok && found
	return s
}

// number reads a whole number of up to 16 digits: no sign, no leading zero.
func (r *reader) number() int64 {
	n, i := int64(0), 0
	for ; i < len(r.rest) && i < 16 && r.rest[i]-'0' <= 9; i++ {
		n = n*10 + int64(r.rest[i]-'0')
	}
	if i == 0 || i > 1 && r.rest[0] == '0' {
		r.ok = false
	}
	r.rest = r.rest[i:]
	return n
}
