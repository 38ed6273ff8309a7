package token

import (
	"bytes"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

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
	signature, err := s.sign(text)
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

// T4 and T6: claims well signed but not as we write them.
func TestRefusesOtherClaims(t *testing.T) {
	k := ring(t, hs256("k1"))
	header, payload, _ := parts(t, sign(t, k, waiting()))
	f := func(change ...string) {
		t.Helper()
		bad := strings.NewReplacer(change...).Replace(payload)
		if bad == payload {
			t.Fatalf("%q changes nothing", change)
		}
		refused(t, k, forge(t, k.first, header, bad), bad)
	}
	if _, err := k.Parse(forge(t, k.first, header, payload), Ticket, "spring", now); err != nil {
		t.Fatal(err)
	}
	exp := fmt.Sprint(waiting().Expires)
	for _, value := range []string{`null`, `"` + exp + `"`, exp + `.0`, exp + `.5`, `1e10`, `-1`, `-0`, `0`, `1e300`, `9223372036854775808`,
		`99999999999999999999999`, `0` + exp, `+` + exp, `0x7fffffff`, ` ` + exp, exp + ` `, `[` + exp + `]`, `{}`, `true`, `NaN`, ``, exp + `0`} {
		f(`"exp":`+exp, `"exp":`+value)
	}
	iat := fmt.Sprint(waiting().IssuedAt)
	for _, value := range []string{`null`, `"` + iat + `"`, iat + `.5`, exp, exp + `0`, fmt.Sprint(now.Unix() + 31), `-1`} {
		f(`"iat":`+iat, `"iat":`+value)
	}
	f(`"iat":`+iat, `"iat":0`) // a life of decades
	f(`,"exp":`+exp, ``)
	f(`,"iat":`+iat, ``)
	f(`,"iat"`, `,"nbf":0,"iat"`)
	f(`,"iat"`, `,"nbf":9999999999,"iat"`)
	for _, name := range []string{"iss", "aud", "lane", "epoch", "place", "head", "iat", "exp"} {
		f(`"`+name+`"`, `"`+strings.ToUpper(name)+`"`)
		f(`"`+name+`"`, `"`+strings.ToUpper(name[:1])+name[1:]+`"`)
		f(`"`+name+`"`, `"\u00`+fmt.Sprintf("%02x", name[0])+name[1:]+`"`)
		f(`"`+name+`"`, `"`+name+`":1,"`+name+`"`)
		f(`"`+name+`"`, `"x":1,"`+name+`"`)
		f(`"`+name+`"`, `"`+name+` "`)
	}
	f(`"iss":"dealgate"`, `"iss":"Dealgate"`)
	f(`"iss":"dealgate"`, `"iss":["dealgate"]`)
	f(`"aud":"ticket:spring"`, `"aud":["ticket:spring"]`)
	f(`"aud":"ticket:spring"`, `"aud":"pass:spring"`)
	f(`"aud":"ticket:spring"`, `"aud":"ticket:summer"`)
	f(`"aud":"ticket:spring"`, `"aud":"ticket:"`)
	f(`"head":1200`, `"head":0`)
	f(`"place":35146`, `"place":0`)
	f(`"place":35146`, `"place":9007199254740992`)
	f(`"lane":"public"`, `"lane":"pub\u006cic"`)
	f(`"lane":"public"`, `"lane":"pub\xffic"`)
	f(`"lane":"public"`, "\"lane\":\"pub\xffic\"")
	f(`,"iat"`, `,"provisional":false,"iat"`)
	f(`{`, `{ `, `}`, ` }`)
	f(`{"iss"`, `[{"iss"`, `}`, `}]`)
	f(`}`, `}}`)
	f(`}`, `}x`)
	f(`}`, "}\n")
	f(`}`, `},{}`)
	f(`}`, `,"x":1}`)
	f(`{`, "\ufeff{")
	refused(t, k, forge(t, k.first, header, ""), "no claims")
}

// T5: a token serves one purpose.
func TestRefusesTokensMeantForOthers(t *testing.T) {
	k := ring(t, hs256("k1"))
	ticket, pass := sign(t, k, waiting()), sign(t, k, admitted())
	f := func(raw []byte, kind Kind, room string, want error) {
		t.Helper()
		for range 2 { // from the cache and anew
			if _, err := k.Parse(raw, kind, room, now); err != want {
				t.Errorf("%v, want %v", err, want)
			}
			k.cache = newCache(cacheBuckets)
		}
	}
	f(ticket, Ticket, "spring", nil)
	f(ticket, Pass, "spring", errKind)
	f(ticket, Ticket, "summer", errRoom)
	f(ticket, Ticket, "", errRoom)
	f(ticket, 0, "spring", errKind)
	f(pass, Pass, "spring", nil)
	f(pass, Ticket, "spring", errKind)

	header, payload, _ := parts(t, ticket)
	for _, typ := range []string{"JWT", "jwt", "pass+jwt", "TICKET+JWT", "draw+jwt", "application/ticket+jwt", ""} {
		refused(t, k, forge(t, k.first, strings.Replace(header, "ticket+jwt", typ, 1), payload), "typ "+typ)
	}
	refused(t, k, forge(t, k.first, strings.Replace(header, `"typ":"ticket+jwt",`, "", 1), payload), "no typ")

	// Another environment: the same id, another key; and the same key, another issuer.
	other := hs256("k1")
	other.Secret = bytes.Repeat([]byte("of the staging servers "), 3)
	refused(t, ring(t, other), ticket, "another environment's token")
	staging, err := NewKeyring("staging", []Key{hs256("k1")})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, staging, ticket, "another issuer's token")
}

// T6 and T17: however long or deep, it is refused in no time.
func TestRefusesTheHugeQuickly(t *testing.T) {
	k := ring(t, hs256("k1"))
	header, payload, _ := parts(t, sign(t, k, waiting()))
	many := &strings.Builder{}
	for i := range 10_000 {
		fmt.Fprintf(many, `,"c%d":%d`, i, i)
	}
	cases := map[string][]byte{
		"10^4 deep":        forge(t, k.first, header, strings.Repeat(`{"a":`, 10_000)),
		"10^4 claims":      forge(t, k.first, header, strings.Replace(payload, "}", many.String()+"}", 1)),
		"700 deep, signed": forge(t, k.first, header, strings.Repeat(`[`, 2800)),
		"8 KiB":            bytes.Repeat([]byte("A"), 8<<10),
		"64 KiB":           bytes.Repeat([]byte("A"), 64<<10),
		"4 KiB of dots":    bytes.Repeat([]byte("."), 4<<10),
		"10^6 dots":        bytes.Repeat([]byte("."), 1_000_000),
		"signature 3 KiB":  append(sign(t, k, waiting()), bytes.Repeat([]byte("A"), 3<<10)...),
	}
	for name, raw := range cases {
		refused(t, k, raw, name)
		if took := quickest(func() { k.Parse(raw, Ticket, "spring", now) }); took > 20*time.Microsecond {
			t.Errorf("%s: took %v", name, took)
		}
		if len(raw) <= MaxSize {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { k.Parse(raw, Ticket, "spring", now) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// T7: an unknown kid is looked up, and that is all.
func TestRefusesUnknownKeysByLookup(t *testing.T) {
	k := ring(t, hs256("k1"))
	header, payload, _ := parts(t, sign(t, k, waiting()))
	for _, kid := range []string{`"k2"`, `""`, `"` + strings.Repeat("k", 2000) + `"`, `"` + strings.Repeat("k", 10<<10) + `"`, `"../../etc/passwd"`,
		`"' OR 1=1"`, `"\u0000"`, `["k1"]`, `null`, `1`, `"K1"`, `"k1\u0000"`, `"\u006b1"`, `{}`} {
		raw := forge(t, k.first, strings.Replace(header, `"k1"`, kid, 1), payload)
		refused(t, k, raw, "kid "+kid[:min(len(kid), 20)])
		if n := testing.AllocsPerRun(100, func() { k.Parse(raw, Ticket, "spring", now) }); n > 0 {
			t.Errorf("kid %.20s: %v allocations", kid, n)
		}
		if took := quickest(func() { k.Parse(raw, Ticket, "spring", now) }); took > 2*time.Microsecond {
			t.Errorf("kid %.20s: took %v", kid, took)
		}
	}
	refused(t, k, forge(t, k.first, strings.Replace(header, `,"kid":"k1"`, "", 1), payload), "no kid")
}

// quickest returns the time of f at its best of a few thousand, which noise
// on a shared machine cannot make longer than it is.
func quickest(f func()) time.Duration {
	best := time.Hour
	for range 3000 {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return best
}

// Signed by HMAC over other text than ours, but with our key: the text counts.
func TestRefusesASignatureOfOtherText(t *testing.T) {
	k := ring(t, hs256("k1"))
	raw := sign(t, k, waiting())
	dot := bytes.LastIndexByte(raw, '.')
	mac := hmac.New(sha256.New, k.first.private.([]byte))
	mac.Write(raw[:dot-1])
	refused(t, k, fmt.Appendf(nil, "%s.%s", raw[:dot], base64.RawURLEncoding.EncodeToString(mac.Sum(nil))), "shorter text")
}
