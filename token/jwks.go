package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"fmt"
)

// appendJWKS appends the JSON Web Key Set of the public keys (RFC 7517, 7518, 8037).
func appendJWKS(dst []byte, signers []*signer) []byte {
	dst = append(dst, `{"keys":[`...)
	comma := ""
	for _, s := range signers {
		var members string
		switch public := s.public.(type) {
		case *ecdsa.PublicKey:
			point, err := public.Bytes() // 4, then x and y in 32 bytes each
			if err != nil {
				continue // cannot be: the curve was checked
			}
			members = fmt.Sprintf(`"kty":"EC","crv":"P-256","x":"%s","y":"%s"`,
				encoding.EncodeToString(point[1:33]), encoding.EncodeToString(point[33:]))
		case ed25519.PublicKey:
			members = fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":"%s"`, encoding.EncodeToString(public))
		default:
			continue // an HS256 secret is no public key
		}
		dst = fmt.Appendf(dst, `%s{%s,"kid":"%s","alg":"%s","use":"sig"}`, comma, members, s.id, s.method.Alg())
		comma = ","
	}
	return append(dst, "]}"...)
}
