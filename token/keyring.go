package token

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unique"
)

// A Keyring signs tokens with its first key and verifies them with any. It
// keeps a bounded cache of the tokens it has signed or verified. It is safe
// for concurrent use and never changes: to rotate keys, make another. Let
// every node verify a new key before any of them signs with it.
type Keyring struct {
	issuer string
	first  *signer
	// heads finds the key and the kind by the first part of a token: there are
	// as many good spellings of it as keys and kinds, and whatever else a
	// header says is refused by looking it up.
	heads map[string]head
	jwks  []byte
	cache *cache
}

// head is what the first part of a token says.
type head struct {
	signer *signer
	kind   Kind
}

// NewKeyring returns a keyring for tokens of the issuer. The first key must be
// able to sign. Weak, published, unreadable and carelessly kept keys are
// refused; the error names the key by its ID and holds no part of it.
func NewKeyring(issuer string, keys []Key) (*Keyring, error) {
	if issuer == "" || !plain(issuer, maxIssuer) {
		return nil, fmt.Errorf("issuer: want 1 to %d printable ASCII characters without quotes and backslashes", maxIssuer)
	}
	if len(keys) == 0 {
		return nil, errors.New("no keys")
	}
	k := &Keyring{issuer: issuer, heads: make(map[string]head), cache: newCache(cacheBuckets)}
	signers, faults := ready(keys)
	for i, fault := range faults {
		if fault != nil && keys[i].File != "" {
			return nil, fmt.Errorf("key %q: %s: %w", keys[i].ID, keys[i].File, fault)
		} else if fault != nil {
			return nil, fmt.Errorf("key %q: %w", keys[i].ID, fault)
		}
	}
	for _, s := range signers {
		for _, kind := range []Kind{Ticket, Pass} {
			k.heads[s.heads[kind]] = head{s, kind}
		}
	}
	k.first = signers[0]
	k.jwks = appendJWKS(nil, signers)
	return k, nil
}

// Append appends the signed form of c to dst and returns the longer slice.
// Claims out of bounds are refused with ErrInvalid, and dst returned as it was.
// The cache keeps the strings of c.
func (k *Keyring) Append(dst []byte, c *Claims) ([]byte, error) {
	if fault := c.fault(); fault != "" {
		return dst, fmt.Errorf("%w: cannot sign: %s out of bounds", ErrInvalid, fault)
	}
	var payload [maxPayload]byte
	start := len(dst)
	out := append(dst, k.first.heads[c.Kind]...)
	out = append(out, '.')
	out = encoding.AppendEncode(out, appendPayload(payload[:0], k.issuer, c))
	var scratch [maxSignature]byte
	signature, err := k.first.sign(scratch[:0], out[start:])
	if err != nil {
		return dst, fmt.Errorf("key %q: %w", k.first.id, err)
	}
	out = append(out, '.')
	out = encoding.AppendEncode(out, signature)
	k.cache.put(out[start:], c)
	return out, nil
}

// Parse checks that raw is a token of the kind for the room that holds at now,
// and returns its claims, which are shared and must not be changed. It does
// not keep raw. The error is ErrExpired or wraps ErrInvalid.
//
// A token seen before is compared with what was verified then and its times are
// checked anew; no signature is computed and nothing allocated.
func (k *Keyring) Parse(raw []byte, kind Kind, room string, now time.Time) (*Claims, error) {
	if len(raw) > MaxSize {
		return nil, errSize
	}
	c := k.cache.get(raw)
	if c == nil {
		var err error
		if c, err = k.verify(raw, kind); err != nil {
			return nil, err
		}
	}
	if err := c.check(kind, room, now); err != nil {
		return nil, err
	}
	return c, nil
}

// verify reads a token that is not in the cache: first the header by look-up,
// then the signature, and only what is signed is read further.
func (k *Keyring) verify(raw []byte, kind Kind) (*Claims, error) {
	dot := bytes.IndexByte(raw, '.')
	last := dot + 1 + bytes.IndexByte(raw[dot+1:], '.')
	if dot < 0 || last == dot {
		return nil, errShape
	}
	head, ok := k.heads[string(raw[:dot])]
	if !ok {
		return nil, errHeader
	}
	if head.kind != kind {
		return nil, errKind
	}
	var signature [maxSignature]byte
	n, ok := decode(signature[:], raw[last+1:])
	if !ok {
		return nil, errShape
	}
	if !head.signer.verify(string(raw[:last]), signature[:n]) {
		return nil, errSignature
	}
	var payload [maxPayload]byte
	n, ok = decode(payload[:], raw[dot+1:last])
	if !ok {
		return nil, errShape
	}
	c, ok := parsePayload(payload[:n], k.issuer, kind)
	if !ok {
		return nil, errPayload
	}
	// There are few rooms and lanes: their names are shared.
	c.Room = unique.Make(c.Room).Value()
	c.Lane = unique.Make(c.Lane).Value()
	k.cache.put(raw, &c)
	return &c, nil
}

// decode writes to dst what the base64url text says. A text that does not fit
// dst or is not the one spelling of its bytes is not ok.
func decode(dst, text []byte) (n int, ok bool) {
	if encoding.DecodedLen(len(text)) > len(dst) || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return 0, false
	}
	n, err := encoding.Decode(dst, text)
	return n, err == nil
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517). HS256 keys
// have no public half and never appear.
func (k *Keyring) JWKS() []byte { return bytes.Clone(k.jwks) }
