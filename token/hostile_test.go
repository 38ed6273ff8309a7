package token

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// refused fails the test if any spelling gets in as either kind, and checks
// that the error tells nothing of the token.
func refused(t *testing.T, k *Keyring, raw []byte, what string) {
	t.Helper()
	for _, kind := range []Kind{Ticket, Pass} {
		c, err := k.Parse(raw, kind, "spring", now)
		if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired) || c != nil {
			t.Errorf("%s: taken as a %v: %+v, %v", what, kind, c, err)
		}
		if err != nil && len(raw) > 20 && strings.Contains(err.Error(), string(raw[len(raw)-20:])) {
			t.Errorf("%s: the error shows the token", what)
		}
	}
}

// forge returns a token of the given header and payload, signed by the key.
func forge(t testing.TB, s *signer, header, payload string) []byte {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := s.sign(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text + "." + base64.RawURLEncoding.EncodeToString(signature))
}

// T1: the algorithm is the key's, never the token's.
func TestRefusesForeignAlgorithms(t *testing.T) {
	private, public := pair(t, "es", "ES256")
	edPrivate, _ := pair(t, "ed", "EdDSA")
	k := ring(t, hs256("k1"), private, edPrivate)
	_, payload, _ := parts(t, sign(t, k, waiting()))

	for _, alg := range []string{"none", "None", "nONE", "", "HS512", "HS384", "RS256", "PS256", "ES256", "EdDSA", "hs256"} {
		header := fmt.Sprintf(`{"alg":"%s","typ":"ticket+jwt","kid":"k1"}`, alg)
		refused(t, k, forge(t, k.first, header, payload), "alg "+alg)
		text, _, _ := bytes.Cut(forge(t, k.first, header, payload), []byte("."))
		refused(t, k, fmt.Appendf(nil, "%s.%s.", text, base64.RawURLEncoding.EncodeToString([]byte(payload))), "unsigned, alg "+alg)
	}
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		s := *k.first
		s.method = method
		refused(t, k, forge(t, &s, `{"alg":"`+method.Alg()+`","typ":"ticket+jwt","kid":"k1"}`, payload), method.Alg())
		refused(t, k, forge(t, &s, `{"alg":"HS256","typ":"ticket+jwt","kid":"k1"}`, payload), method.Alg()+" as HS256")
	}
	// An HMAC made with what everybody knows, the public key.
	for _, secret := range [][]byte{public.Secret, bytes.TrimSpace(public.Secret), k.JWKS()} {
		s := signer{method: jwt.SigningMethodHS256, private: secret}
		refused(t, k, forge(t, &s, `{"alg":"HS256","typ":"ticket+jwt","kid":"es"}`, payload), "HMAC by public key")
		refused(t, k, forge(t, &s, `{"alg":"ES256","typ":"ticket+jwt","kid":"es"}`, payload), "HMAC by public key as ES256")
	}
}

// T1: a token brings no key of its own, and nothing is fetched for it.
func TestRefusesEmbeddedKeys(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{})
	go func() {
		if _, err := ln.Accept(); err == nil {
			close(called)
		}
	}()
	k := ring(t, hs256("k1"))
	_, payload, _ := parts(t, sign(t, k, waiting()))
	for _, name := range []string{"jku", "x5u", "jwk", "x5c", "x5t", "crit", "b64", "zip", "cty"} {
		for _, value := range []string{`"http://` + ln.Addr().String() + `/jwks.json"`, `{"kty":"oct","k":"AAAA"}`, `["exp"]`, `false`} {
			refused(t, k, forge(t, k.first, `{"alg":"HS256","typ":"ticket+jwt","kid":"k1","`+name+`":`+value+`}`, payload), name)
			refused(t, k, forge(t, k.first, `{"`+name+`":`+value+`,"alg":"HS256","typ":"ticket+jwt","kid":"k1"}`, payload), name)
		}
	}
	ln.Close()
	select {
	case <-called:
		t.Error("a token made us call its address")
	default:
	}
}

var mutations = flag.Int("mutations", 100_000, "random mutations of a token to try")

// T2: no change of a token leaves it good.
func TestRefusesEveryMutation(t *testing.T) {
	algs(t, func(t *testing.T, k *Keyring) {
		raw := sign(t, k, waiting())
		for i := range len(raw) * 8 {
			bad := bytes.Clone(raw)
			bad[i/8] ^= 1 << (i % 8)
			refused(t, k, bad, fmt.Sprintf("bit %d", i))
		}
		for i := range raw {
			refused(t, k, raw[:i], fmt.Sprintf("the first %d bytes", i))
			refused(t, k, raw[i+1:], fmt.Sprintf("without the first %d bytes", i+1))
		}
		if k.first.method != jwt.SigningMethodHS256 {
			return // the others spend 100 µs on each, and decode with the same code
		}
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		for range *mutations {
			bad := bytes.Clone(raw)
			for range 1 + random.IntN(4) {
				i, j := random.IntN(len(bad)), random.IntN(len(bad))
				switch random.IntN(4) {
				case 0:
					bad[i] = byte(random.Uint32())
				case 1:
					bad[i], bad[j] = bad[j], bad[i]
				case 2:
					bad = append(bad[:i], bad[min(i+1, len(bad)-1):]...)
				case 3:
					bad = append(bad[:i:i], append([]byte{bad[j]}, bad[i:]...)...)
				}
			}
			if bytes.Equal(bad, raw) {
				continue
			}
			if _, err := k.Parse(bad, Ticket, "spring", now); err == nil {
				t.Fatalf("seed %d: taken: %q", seed, bad)
			}
		}
	})
}

// T3: one spelling of each token.
func TestRefusesOtherSpellings(t *testing.T) {
	algs(t, func(t *testing.T, k *Keyring) {
		raw := string(sign(t, k, waiting()))
		f := func(bad string) {
			t.Helper()
			if bad != raw {
				refused(t, k, []byte(bad), bad)
			}
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
		ends := []int{strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.'), len(raw)}
		for _, end := range ends {
			for _, c := range alphabet {
				f(raw[:end-1] + string(c) + raw[end:]) // the last character of a part has spare bits
			}
			for _, pad := range []string{"=", "==", "\r", "\n", "\r\n", " ", "\t", "\x00", "%3d", "A", "."} {
				f(raw[:end] + pad + raw[end:])
				f(raw[:end-3] + pad + raw[end-3:])
			}
		}
		f(`"` + raw + `"`)
		f(" " + raw)
		f("Bearer " + raw)
		f(strings.ReplaceAll(raw, ".", "%2e"))
		f(strings.NewReplacer("-", "+", "_", "/").Replace(raw) + "=")
		f(strings.ToUpper(raw))
	})
}

// T3: of an ECDSA signature (r, s) anybody can make (r, n-s), which is as good.
func TestRefusesTheOtherSignature(t *testing.T) {
	key, _ := pair(t, "es", "ES256")
	k := ring(t, key)
	for range 20 { // without our care half of all signatures would be high
		raw := sign(t, k, waiting())
		dot := bytes.LastIndexByte(raw, '.')
		signature, err := base64.RawURLEncoding.DecodeString(string(raw[dot+1:]))
		if err != nil {
			t.Fatal(err)
		}
		s := new(big.Int).SetBytes(signature[32:])
		s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
		if jwt.SigningMethodES256.Verify(string(raw[:dot]), signature, k.first.public) != nil {
			t.Fatal("the other signature is not good either")
		}
		refused(t, k, fmt.Appendf(nil, "%s.%s", raw[:dot], base64.RawURLEncoding.EncodeToString(signature)), "high s")
		k.cache = newCache(cacheBuckets)
		if _, err := k.Parse(raw, Ticket, "spring", now); err != nil {
			t.Error(err)
		}
	}
}
