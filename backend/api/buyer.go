package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/dealgate/dealgate/backend"
)

// buyers knows buyers by the cookie it gave them: a random id, signed, so
// that nobody takes another's by guessing, or makes ids up.
type buyers struct{ secret []byte }

// cookieLife is how long a buyer can come back to its orders, in seconds: a year.
const cookieLife = 365 * 24 * 3600

// of returns the buyer of a request; who comes without a cookie of ours
// becomes a new one, and the answer sets its cookie.
func (b buyers) of(w http.ResponseWriter, r *http.Request) string {
	secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	name := "shop-buyer"
	if secure {
		name = "__Host-shop-buyer" // no other host can set it
	}
	if c, err := r.Cookie(name); err == nil {
		if id, ok := b.check(c.Value); ok {
			return id
		}
	}
	id := backend.NewID()
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: id + "." + b.sign(id), Path: "/", MaxAge: cookieLife,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
	return id
}

// check returns the id in a cookie that we signed.
func (b buyers) check(value string) (id string, ok bool) {
	id, mac, _ := strings.Cut(value, ".")
	return id, len(value) <= 128 && hmac.Equal([]byte(mac), []byte(b.sign(id)))
}

func (b buyers) sign(id string) string {
	m := hmac.New(sha256.New, b.secret)
	m.Write([]byte("shop buyer\x00" + id))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}
