package token

// A Key signs and verifies, or, given only its public half, verifies.
type Key struct {
	ID  string // the kid: 1 to 64 bytes of printable ASCII without quotes and backslashes
	Alg string // HS256, ES256 or EdDSA
	// Secret is the secret itself for HS256, at least 32 bytes, and the PEM of
	// the key for the others.
	Secret []byte
	// File holds what Secret would, readable by its owner only. Used if Secret is empty.
	File string
}

// Generate returns the HS256 key kept in the file, which it makes with a
// random secret if there is none.
func Generate(path string) (Key, error) { return Key{}, nil }
