// Package admin is the operators' side of a node: the API and the dashboard
// that look at rooms and change them, and the addresses that monitoring asks.
//
// It belongs on a listener of its own, which visitors cannot reach. Whoever
// has the token may do everything; without a token whoever reaches the listener
// may, which is why that is for loopback only. A browser's other tabs are not
// trusted: a foreign Origin or Host changes nothing.
package admin

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"unicode"

	"github.com/dealgate/dealgate/queue"
)

// Config says what the handler shows and whom it lets in.
type Config struct {
	Rooms    func() []*queue.Room // the rooms of now, in the order of the configuration. Required
	Metrics  http.Handler         // serves /metrics; nil: there is none
	Ready    func() error         // says why the node takes no visitors; nil: it always does. Its text is shown to anyone
	Token    string               // the Bearer token; without one nobody is let in, unless Loopback
	Loopback bool                 // the listener is on loopback: only loopback names are a Host
	Log      *slog.Logger         // says who changed what. Default: silent
}

type handler struct {
	cfg   Config
	guard guard
	page  *template.Template
}

// New returns the handler. It is safe for concurrent use.
//
// /healthz and /readyz answer anyone. For the rest a request needs the token, as
// Bearer or as the password of Basic, which is what a browser asks for.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{cfg, newGuard(cfg.Token, cfg.Loopback), newPage()}
	mux := http.NewServeMux()
	allow(mux, "/healthz", map[string]http.HandlerFunc{"GET": h.alive})
	allow(mux, "/readyz", map[string]http.HandlerFunc{"GET": h.ready})
	guarded := http.NewServeMux()
	if cfg.Metrics != nil {
		allow(guarded, "/metrics", map[string]http.HandlerFunc{"GET": cfg.Metrics.ServeHTTP})
	}
	allow(guarded, "/admin/api/rooms", map[string]http.HandlerFunc{"GET": h.rooms})
	allow(guarded, "/admin/api/rooms/{room}", map[string]http.HandlerFunc{"GET": h.room(h.show), "PATCH": h.room(h.change)})
	allow(guarded, "/admin/api/rooms/{room}/reset", map[string]http.HandlerFunc{"POST": h.room(h.reset)})
	allow(guarded, "/{$}", map[string]http.HandlerFunc{"GET": h.dashboard})
	allow(guarded, "/admin/assets/{file}", map[string]http.HandlerFunc{"GET": asset})
	guarded.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		notFound.with("there is nothing at this address").write(w)
	})
	mux.Handle("/", h.guard.wrap(guarded))
	return headers(mux)
}

// allow serves a path by method; GET serves HEAD too.
func allow(mux *http.ServeMux, path string, by map[string]http.HandlerFunc) {
	var methods []string
	for method, f := range by {
		mux.HandleFunc(method+" "+path, f)
		methods = append(methods, method)
		if method == "GET" {
			methods = append(methods, "HEAD")
		}
	}
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Allow"] = methods
		wrongMethod.with("want %s", strings.Join(methods, " or ")).write(w)
	})
}

// headers sets what every answer carries.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
			"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// alive answers as long as the process does.
func (h *handler) alive(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ready answers 200 while the node takes visitors, else 503 and why it does not.
func (h *handler) ready(w http.ResponseWriter, _ *http.Request) {
	if h.cfg.Ready != nil {
		if err := h.cfg.Ready(); err != nil {
			http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ready")
}

// oneLine is s on one line of at most 200 characters.
func oneLine(s string) string {
	r := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	return string(r[:min(len(r), 200)])
}
