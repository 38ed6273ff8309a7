package token

import "time"

// A Keyring signs tokens with its first key and verifies them with any. It
// keeps a bounded cache of the tokens it has signed or verified. It is safe
// for concurrent use and never changes: to rotate keys, make another.
type Keyring struct{}

// NewKeyring returns a keyring for tokens of the issuer.
func NewKeyring(issuer string, keys []Key) (*Keyring, error) { return &Keyring{}, nil }

// Append appends the signed form of c to dst and returns the longer slice.
func (k *Keyring) Append(dst []byte, c *Claims) ([]byte, error) { return dst, nil }

// Parse checks raw and returns its claims, which are shared and must not be
// changed. It does not keep raw.
func (k *Keyring) Parse(raw []byte, kind Kind, room string, now time.Time) (*Claims, error) {
	return nil, ErrInvalid
}

// JWKS returns the public keys as a JSON Web Key Set.
func (k *Keyring) JWKS() []byte { return nil }
