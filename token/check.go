package token

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Bounds of a secret of HS256: its length is that of the hash (RFC 8725, 3.5).
const (
	minSecret  = 32
	minEntropy = 72 // bits, by the frequencies of its bytes: 32 random hex digits have about 115
)

// Check says what is wrong with the keys of a keyring: an error for each, in
// their order, nil for a good one. Key files are read. [NewKeyring] takes just
// the keys without errors. The errors hold no part of a key, and no file's name.
func Check(keys []Key) []error {
	_, faults := ready(keys)
	return faults
}

// ready makes keys ready. A key has its signer or its fault.
func ready(keys []Key) (signers []*signer, faults []error) {
	signers, faults = make([]*signer, len(keys)), make([]error, len(keys))
	seen := map[string]bool{}
	for i := range keys {
		s, err := keys[i].signer()
		switch {
		case err != nil:
		case seen[s.id]:
			err = errors.New("the id is used twice")
		case i == 0 && s.private == nil:
			err = errors.New("the first key signs, and this is a public key")
		}
		seen[keys[i].ID] = true
		signers[i], faults[i] = s, err
	}
	return signers, faults
}

// published are parts of secrets found in documentation, first of all in ours.
var published = []string{
	"change-me",
	"changeme",
	"0123456789abcdef0123456789abcdef",
	"a-string-secret-at-least-256-bits-long", // jwt.io
	"your-256-bit-secret",                    // jwt.io, before
}

// weakness says why a secret is no secret.
func weakness(secret []byte) error {
	const want = "make one with: openssl rand -hex 32"
	if bytes.Contains(secret, []byte("-----BEGIN ")) {
		// Were it one, whoever has the public key could sign.
		return errors.New("a key in PEM is no secret of HS256: want alg ES256 or EdDSA with it")
	}
	if len(secret) < minSecret {
		return fmt.Errorf("the secret has %d bytes, want at least %d; %s", len(secret), minSecret, want)
	}
	lower := strings.ToLower(string(secret))
	for _, sample := range published {
		if strings.Contains(lower, sample) {
			return fmt.Errorf("the secret is a published sample, want one of your own; %s", want)
		}
	}
	if repeats(secret) || entropy(secret) < minEntropy {
		return fmt.Errorf("the secret repeats a few bytes, want random ones; %s", want)
	}
	return nil
}

// repeats says whether a secret is a shorter text than it must have, over and over.
func repeats(text []byte) bool {
	for n := 1; n < minSecret && n <= len(text)/2; n++ {
		if bytes.Equal(text[n:], text[:len(text)-n]) {
			return true
		}
	}
	return false
}

// entropy is how many bits a text takes if nothing is known but how often it
// has each byte: more than it truly has.
func entropy(text []byte) (bits float64) {
	var counts [256]float64
	for _, b := range text {
		counts[b]++
	}
	for _, n := range counts {
		if n > 0 {
			bits += n * math.Log2(float64(len(text))/n)
		}
	}
	return bits
}
