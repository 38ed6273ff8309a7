package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var now = time.Unix(1763640000, 0)

// ring returns a keyring of issuer "dealgate".
func ring(t testing.TB, keys ...Key) *Keyring {
	t.Helper()
	k, err := NewKeyring("dealgate", keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func hs256(id string) Key {
	return Key{ID: id, Alg: "HS256", Secret: []byte(id + " is the secret of nothing but the tests of this package")}
}

// pair returns a fresh private key and the same as a public key.
func pair(t testing.TB, id, alg string) (private, public Key) {
	t.Helper()
	var key, half any
	if alg == "ES256" {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, half = k, k.Public()
	} else {
		k, p, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, half = p, k
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(half)
	if err != nil {
		t.Fatal(err)
	}
	return Key{ID: id, Alg: alg, Secret: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
		Key{ID: id, Alg: alg, Secret: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open})}
}

// waiting returns the claims of a ticket, admitted those of a pass.
func waiting() Claims {
	return Claims{Kind: Ticket, Room: "spring", Lane: "public", Epoch: 1763000000, Place: 35146, Head: 1200,
		IssuedAt: now.Unix(), Expires: now.Add(24 * time.Hour).Unix()}
}

func admitted() Claims {
	return Claims{Kind: Pass, Room: "spring", Lane: "public", Epoch: 1763000000, Place: 35146, Provisional: true,
		IssuedAt: now.Unix(), Expires: now.Add(10 * time.Minute).Unix()}
}

func sign(t testing.TB, k *Keyring, c Claims) []byte {
	t.Helper()
	raw, err := k.Append(nil, &c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// algs runs f with a keyring of each algorithm.
func algs(t *testing.T, f func(t *testing.T, k *Keyring)) {
	for _, alg := range []string{"HS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			key := hs256("k1")
			if alg != "HS256" {
				key, _ = pair(t, "k1", alg)
			}
			f(t, ring(t, key))
		})
	}
}

func TestSaysWhatWasSigned(t *testing.T) {
	algs(t, func(t *testing.T, k *Keyring) {
		for _, want := range []Claims{waiting(), admitted(), {Kind: Ticket, Room: "r", Place: 1, Expires: now.Unix(), IssuedAt: now.Unix() - 1}} {
			raw := sign(t, k, want)
			for _, from := range []string{"cache", "signature"} {
				got, err := k.Parse(raw, want.Kind, want.Room, time.Unix(want.IssuedAt, 0))
				if err != nil || *got != want {
					t.Errorf("from the %s: %+v, %v; want %+v", from, got, err, want)
				}
				k.cache = newCache(cacheBuckets)
			}
		}
	})
}

func TestAppendKeepsWhatWasThere(t *testing.T) {
	k := ring(t, hs256("k1"))
	c := waiting()
	raw, err := k.Append([]byte("ticket="), &c)
	if err != nil || !bytes.HasPrefix(raw, []byte("ticket=ey")) {
		t.Fatalf("%q, %v", raw, err)
	}
	if _, err := k.Parse(raw[len("ticket="):], Ticket, "spring", now); err != nil {
		t.Error(err)
	}
	c.Place = 0
	if raw, err = k.Append([]byte("ticket="), &c); string(raw) != "ticket=" || !errors.Is(err, ErrInvalid) {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestDoesNotKeepTheBuffer(t *testing.T) {
	k := ring(t, hs256("k1"))
	raw := sign(t, k, waiting())
	k.cache = newCache(cacheBuckets)
	buffer := bytes.Clone(raw)
	got, err := k.Parse(buffer, Ticket, "spring", now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range buffer {
		buffer[i] = 'x'
	}
	if *got != waiting() {
		t.Errorf("the claims changed with the buffer: %+v", got)
	}
	if got, err = k.Parse(raw, Ticket, "spring", now); err != nil || *got != waiting() {
		t.Errorf("the cache changed with the buffer: %+v, %v", got, err)
	}
}

// Other programs read our tokens: golang-jwt's own parser, at its strictest, does.
func TestOthersCanVerify(t *testing.T) {
	algs(t, func(t *testing.T, k *Keyring) {
		p := jwt.NewParser(jwt.WithValidMethods([]string{k.first.method.Alg()}), jwt.WithStrictDecoding(),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer("dealgate"), jwt.WithAudience("pass:spring"),
			jwt.WithTimeFunc(func() time.Time { return now }))
		got, err := p.Parse(string(sign(t, k, admitted())), func(t *jwt.Token) (any, error) { return k.first.public, nil })
		if err != nil {
			t.Fatal(err)
		}
		if got.Header["kid"] != "k1" || got.Header["typ"] != "pass+jwt" || len(got.Header) != 3 {
			t.Errorf("header %v", got.Header)
		}
		if claims := got.Claims.(jwt.MapClaims); claims["place"] != 35146.0 || claims["provisional"] != true {
			t.Errorf("claims %v", claims)
		}
	})
}

func TestTicketsHaveLeewayAndPassesNone(t *testing.T) {
	k := ring(t, hs256("k1"))
	f := func(c Claims, at time.Time, want error) {
		t.Helper()
		raw := sign(t, k, c)
		for range 2 {
			if _, err := k.Parse(raw, c.Kind, c.Room, at); !errors.Is(err, want) {
				t.Errorf("at %v: %v, want %v", at.Sub(now), err, want)
			}
			k.cache = newCache(cacheBuckets)
		}
	}
	end := time.Unix(waiting().Expires, 0)
	f(waiting(), now, nil)
	f(waiting(), end.Add(30*time.Second-1), nil)
	f(waiting(), end.Add(30*time.Second), ErrExpired)
	f(waiting(), now.Add(-30*time.Second), nil)
	f(waiting(), now.Add(-30*time.Second-1), ErrInvalid)
	end = time.Unix(admitted().Expires, 0)
	f(admitted(), now, nil)
	f(admitted(), end.Add(-1), nil)
	f(admitted(), end, ErrExpired) // the last instant is already late
	f(admitted(), now.Add(-1), ErrInvalid)
}

func TestAppendRefusesClaimsOutOfBounds(t *testing.T) {
	k := ring(t, hs256("k1"))
	f := func(change func(*Claims)) {
		t.Helper()
		c := waiting()
		change(&c)
		if raw, err := k.Append(nil, &c); !errors.Is(err, ErrInvalid) || raw != nil {
			t.Errorf("%+v was signed: %v", c, err)
		}
	}
	f(func(c *Claims) { c.Kind = 0 })
	f(func(c *Claims) { c.Kind = 3 })
	f(func(c *Claims) { c.Room = "" })
	f(func(c *Claims) { c.Room = `a"b` })
	f(func(c *Claims) { c.Room = strings.Repeat("r", 33) })
	f(func(c *Claims) { c.Lane = "a b" })
	f(func(c *Claims) { c.Lane = strings.Repeat("l", 65) })
	f(func(c *Claims) { c.Epoch = -1 })
	f(func(c *Claims) { c.Place = 0 })
	f(func(c *Claims) { c.Place = 1 << 53 })
	f(func(c *Claims) { c.Head = -1 })
	f(func(c *Claims) { c.IssuedAt = -1 })
	f(func(c *Claims) { c.Expires = c.IssuedAt })
	f(func(c *Claims) { c.Expires = 1 << 62 })
	f(func(c *Claims) { c.Expires = c.IssuedAt + int64(MaxTicketLife/time.Second) + 1 })
	f(func(c *Claims) { c.Kind = Pass; c.Expires = c.IssuedAt + int64(MaxPassLife/time.Second) + 1 })
}

// The longest of all: it must fit a cookie of 1 KiB and our own bounds.
func TestLongestTokenFits(t *testing.T) {
	key, _ := pair(t, strings.Repeat("k", maxName), "ES256")
	k, err := NewKeyring(strings.Repeat("i", maxIssuer), []Key{key})
	if err != nil {
		t.Fatal(err)
	}
	c := Claims{Kind: Ticket, Room: strings.Repeat("r", maxRoom), Lane: strings.Repeat("l", maxName), Epoch: maxNumber, Place: maxNumber,
		Head: maxNumber, Provisional: true, IssuedAt: maxNumber - 1, Expires: maxNumber}
	raw := sign(t, k, c)
	if len(raw) > 1000 {
		t.Errorf("%d bytes", len(raw))
	}
	if got, err := k.Parse(raw, Ticket, c.Room, time.Unix(maxNumber-1, 0)); err != nil || *got != c {
		t.Errorf("%+v, %v", got, err)
	}
}

// parts returns the three parts of a token, decoded.
func parts(t testing.TB, raw []byte) (header, payload, signature string) {
	t.Helper()
	var out [3]string
	for i, part := range strings.SplitN(string(raw), ".", 3) {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = string(b)
	}
	return out[0], out[1], out[2]
}
