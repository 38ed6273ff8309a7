package proxy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/dealgate/dealgate/token"
)

// cookieNames are the names of a visitor's cookies, as they stand before a value.
type cookieNames struct {
	ticket, pass string // with "="
}

// roomCookies are the names over plain HTTP, where browsers refuse __Host-
// cookies, and over TLS. Neither connection takes the other's: a plain one
// could set what the other believes.
func roomCookies(room string) [2]cookieNames {
	plain := cookieNames{"dealgate-ticket-" + room + "=", "dealgate-pass-" + room + "="}
	return [2]cookieNames{plain, {"__Host-" + plain.ticket, "__Host-" + plain.pass}}
}

func (r *request) cookieNames() *cookieNames {
	if r.https {
		return &r.room.cookies[1]
	}
	return &r.room.cookies[0]
}

// maxSame is how many cookies of one name are tried. A browser sends more
// than one only where somebody else planted the rest.
const maxSame = 4

// cookie calls try with the values of the cookies of that name, until it
// answers true.
func (hs *heads) cookie(name string, try func(value []byte) bool) {
	tried := 0
	for _, line := range hs.cookies[:hs.ncookies] {
		for tried < maxSame {
			at := bytes.Index(line, []byte(name))
			if at < 0 {
				break
			}
			value := line[at+len(name):]
			starts := at == 0 || line[at-1] == ' ' || line[at-1] == ';'
			if line = value; !starts {
				continue
			}
			if end := bytes.IndexByte(value, ';'); end >= 0 {
				value = value[:end]
			}
			tried++
			if try(trim(value)) {
				return
			}
		}
	}
}

// held is what a visitor brings.
type held struct {
	claims *token.Claims
	bearer bool // from Authorization: it goes back in the answer's body
}

// find returns the visitor's valid token of that kind for the request's room.
func (r *request) find(kind token.Kind) held {
	names := r.cookieNames()
	name := names.ticket
	if kind == token.Pass {
		name = names.pass
	}
	var got held
	try := func(value []byte) bool {
		c, err := r.table.keys.Parse(value, kind, r.room.name, now(r.room))
		if err != nil {
			r.rejected(kind, err)
			return false
		}
		got.claims = c
		return true
	}
	r.heads.cookie(name, try)
	if got.claims == nil {
		if scheme, value, ok := bytes.Cut(r.heads.auth, []byte{' '}); ok && bytes.EqualFold(scheme, []byte("bearer")) {
			got.bearer = try(trim(value))
		}
	}
	return got
}

// bearsOurs reports whether Authorization holds a token that we gave, for any room
// and valid or not any more: it is of no concern to an origin, which would
// write it to its log.
func (r *request) bearsOurs() bool {
	scheme, value, ok := bytes.Cut(r.heads.auth, []byte{' '})
	if !ok || !bytes.EqualFold(scheme, []byte("bearer")) {
		return false
	}
	value = trim(value)
	kind, room := r.claimed(value)
	if room == nil {
		return false
	}
	_, err := r.table.keys.Parse(value, kind, room.name, now(room))
	return err == nil || errors.Is(err, token.ErrExpired)
}

// claimed returns what a token says that it is, unverified: one look at a
// signature, with the right room, is enough then. room is nil where it names none.
func (r *request) claimed(raw []byte) (kind token.Kind, room *room) {
	parts := bytes.SplitN(raw, []byte{'.'}, 3)
	if len(parts) < 3 || len(raw) > token.MaxSize {
		return 0, nil
	}
	payload, err := base64.RawURLEncoding.AppendDecode(nil, parts[1])
	if err != nil {
		return 0, nil
	}
	_, audience, _ := bytes.Cut(payload, []byte(`"aud":"`))
	audience, _, _ = bytes.Cut(audience, []byte{'"'})
	what, name, _ := bytes.Cut(audience, []byte{':'})
	kind = token.Ticket
	if string(what) == token.Pass.String() {
		kind = token.Pass
	}
	return kind, r.table.byName[string(name)]
}

// setCookie makes a token the visitor's. It lives in the browser as long as it is valid.
func (r *request) setCookie(kind token.Kind, value []byte, c *token.Claims) {
	left := max(c.Expires-now(r.room).Unix(), 1)
	r.writeCookie(kind, value, time.Duration(left)*time.Second)
}

func (r *request) clearCookie(kind token.Kind) { r.writeCookie(kind, nil, 0) }

func (r *request) writeCookie(kind token.Kind, value []byte, age time.Duration) {
	names := r.cookieNames()
	b := r.line[:0]
	if kind == token.Pass {
		b = append(b, names.pass...)
	} else {
		b = append(b, names.ticket...)
	}
	b = append(b, value...)
	b = append(b, "; Path=/; Max-Age="...)
	b = strconv.AppendInt(b, int64(age/time.Second), 10)
	b = append(b, "; HttpOnly; SameSite=Lax"...)
	if r.https {
		b = append(b, "; Secure"...)
	}
	r.ctx.Response.Header.AddBytesV("Set-Cookie", b)
	r.line = b
}
