package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

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
	other.Secret = []byte("the same name, the secret of the staging servers")
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
