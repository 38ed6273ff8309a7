package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// maxSignature is the size of the longest signatures, those of ES256 and EdDSA.
const maxSignature = 64

// A Key signs and verifies, or, given only its public half, verifies.
type Key struct {
	ID  string // the kid: 1 to 64 bytes of printable ASCII without quotes and backslashes
	Alg string // HS256, ES256 or EdDSA
	// Secret is the secret itself for HS256, at least 32 bytes; for the others
	// the PEM of a private key (PKCS #8 or SEC 1) or a public one (PKIX).
	Secret []byte
	// File holds what Secret would, readable by its owner only. Used if Secret is empty.
	File string
}

// String names the key and shows nothing of its secret, whoever prints it.
func (k Key) String() string { return fmt.Sprintf("key %q (%s)", k.ID, k.Alg) }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// MarshalText is String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A signer is a key made ready.
type signer struct {
	id      string
	method  jwt.SigningMethod
	private any // nil if it only verifies
	public  any
	heads   [Pass + 1]string // by kind, the first part of its tokens
	macs    *sync.Pool       // of HS256: hashes that have taken in the secret, to be reset
}

// signer checks the key. Its errors hold no part of the secret nor the file's name.
func (k *Key) signer() (*signer, error) {
	if k.ID == "" || !plain(k.ID, maxName) {
		return nil, fmt.Errorf("id: want 1 to %d printable ASCII characters without quotes and backslashes", maxName)
	}
	secret := k.Secret
	if len(secret) == 0 {
		if k.File == "" {
			return nil, errors.New("neither secret nor file")
		}
		var err error
		if secret, err = readKey(k.File); err != nil {
			return nil, err
		}
	}
	s := &signer{id: k.ID}
	var err error
	switch k.Alg {
	case "HS256":
		s.method, s.private, s.public = jwt.SigningMethodHS256, secret, secret
		s.macs = &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}
		err = weakness(secret)
	case "ES256":
		s.method = jwt.SigningMethodES256
		s.private, s.public, err = parsePEM[*ecdsa.PrivateKey, *ecdsa.PublicKey](secret)
		if p, ok := s.public.(*ecdsa.PublicKey); ok && p.Curve != elliptic.P256() {
			err = errors.New("want a key on the curve P-256")
		}
	case "EdDSA":
		s.method = jwt.SigningMethodEdDSA
		s.private, s.public, err = parsePEM[ed25519.PrivateKey, ed25519.PublicKey](secret)
	default:
		err = fmt.Errorf("alg %q: want HS256, ES256 or EdDSA", k.Alg)
	}
	if err != nil {
		return nil, err
	}
	for _, kind := range []Kind{Ticket, Pass} {
		text := fmt.Sprintf(`{"alg":"%s","typ":"%s+jwt","kid":"%s"}`, k.Alg, kind, k.ID)
		s.heads[kind] = encoding.EncodeToString([]byte(text))
	}
	return s, nil
}

// parsePEM returns the private and public key in a PEM text; private is nil if
// there is only the public one.
func parsePEM[Private interface{ Public() crypto.PublicKey }, Public crypto.PublicKey](text []byte) (private, public any, err error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, errors.New("want a key in PEM")
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return nil, nil, errors.New("want a PRIVATE KEY or PUBLIC KEY in PEM")
	}
	if err != nil {
		return nil, nil, errors.New("the PEM holds no key that can be read")
	}
	switch key := key.(type) {
	case Private:
		return key, key.Public(), nil
	case Public:
		return nil, key, nil
	}
	return nil, nil, errors.New("the PEM holds a key of another algorithm")
}

// sign appends the signature of a text to dst. HS256 signs every join, so its
// hash is not made anew for each as the library does; the library verifies it.
func (s *signer) sign(dst, text []byte) ([]byte, error) {
	if s.macs != nil && s.method == jwt.SigningMethodHS256 {
		h := s.macs.Get().(hash.Hash)
		defer s.macs.Put(h)
		h.Reset()
		h.Write(text)
		return h.Sum(dst), nil
	}
	signature, err := s.method.Sign(string(text), s.private)
	if err == nil && s.method == jwt.SigningMethodES256 {
		lowerS(signature)
	}
	return append(dst, signature...), err
}

// verify reports whether the signature is the one of the text.
func (s *signer) verify(text string, signature []byte) bool {
	if s.method == jwt.SigningMethodES256 && lowerS(signature) {
		return false
	}
	return s.method.Verify(text, signature, s.public) == nil
}

// lowerS makes the second half of an ES256 signature the lower of s and n - s,
// which are both good, and reports whether it changed it. Only the lower is
// made and taken: otherwise anybody could turn a token into another good one.
func lowerS(signature []byte) bool {
	if len(signature) != maxSignature {
		return false
	}
	n := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(signature[maxSignature/2:])
	if s.Cmp(new(big.Int).Rsh(n, 1)) <= 0 || s.Cmp(n) >= 0 {
		return false
	}
	s.Sub(n, s).FillBytes(signature[maxSignature/2:])
	return true
}
