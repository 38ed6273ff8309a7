// Package api serves the shop over HTTP: the programs' interface under
// /api/v1 and the storefront.
package api

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/dealgate/dealgate/backend"
)

// Config is what the handler is made of.
type Config struct {
	Shop *backend.Shop // required

	// Secret signs the cookies by which buyers are known; at least 32 bytes.
	Secret []byte

	// SellerKey lets its bearer create deals. Empty: nobody can.
	SellerKey string

	Log *slog.Logger // default: silent
}

// New returns the shop's handler. It expects a gate in front of it, and
// believes its X-Forwarded-Proto.
func New(cfg Config) (http.Handler, error) {
	if cfg.Shop == nil {
		return nil, errors.New("api: a shop is required")
	}
	if len(cfg.Secret) < 32 {
		return nil, errors.New("api: a secret of at least 32 bytes is required")
	}
	return http.NewServeMux(), nil
}
