package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// guard keeps out whoever has no token, and what other sites have a browser send.
type guard struct {
	token    [sha256.Size]byte // a digest, so that comparing tells no length
	open     bool              // no token is needed
	loopback bool
	wrong    *attempts
}

func newGuard(token string, loopback bool) guard {
	return guard{sha256.Sum256([]byte(token)), token == "" && loopback, loopback, &attempts{}}
}

func (g guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.loopback && !loopbackHost(r.Host):
			// A name that someone points at 127.0.0.1 makes a browser send what it
			// would not send here (DNS rebinding).
			foreignHost.with("want localhost, 127.0.0.1 or [::1]").write(w)
		case !g.sameSite(r):
			foreignOrigin.with("only pages of this listener may ask").write(w)
		case g.open:
			next.ServeHTTP(w, r)
		default:
			g.authorized(w, r, next)
		}
	})
}

func (g guard) authorized(w http.ResponseWriter, r *http.Request, next http.Handler) {
	token, given := tokenOf(r)
	if given && g.wrong.exceeded(r.RemoteAddr) {
		w.Header().Set("Retry-After", "60")
		tooMany.with("come back in a minute").write(w)
		return
	}
	sum := sha256.Sum256([]byte(token))
	if given && token != "" && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		next.ServeHTTP(w, r)
		return
	}
	if given {
		g.wrong.add(r.RemoteAddr)
	}
	challenge := `Bearer realm="dealgate"`
	if !strings.HasPrefix(r.URL.Path, "/admin/api/") {
		challenge = `Basic realm="dealgate: any user, the token as password", charset="UTF-8"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	unauthorized.with("want Authorization: Bearer and the configured admin.token").write(w)
}

// tokenOf returns the token a request brings.
func tokenOf(r *http.Request) (token string, given bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// sameSite says whether no other site is behind the request.
func (g guard) sameSite(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		u, err := url.Parse(origins[0])
		return len(origins) == 1 && err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true // a link may lead here
	}
	site := r.Header.Get("Sec-Fetch-Site") // absent where no browser asks
	return site == "" || site == "same-origin" || site == "none"
}

// loopbackHost says whether a Host names loopback; an address cannot be pointed elsewhere.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// How many wrong tokens an address may bring in how long, and how many
// addresses are remembered.
const (
	maxWrong     = 10
	wrongWithin  = time.Minute
	maxAddresses = 4096
)

// attempts counts the wrong tokens by the address that brought them.
type attempts struct {
	mu    sync.Mutex // guards since and of
	since time.Time
	of    map[netip.Addr]int
}

// exceeded says whether the peer must wait. A right token would not help it:
// else guessing would go on.
func (a *attempts) exceeded(peer string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lapseLocked()
	return a.of[address(peer)] >= maxWrong
}

func (a *attempts) add(peer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lapseLocked()
	a.of[address(peer)]++
}

// lapseLocked forgets what is old or too much.
func (a *attempts) lapseLocked() {
	if now := time.Now(); a.of == nil || now.Sub(a.since) > wrongWithin || len(a.of) > maxAddresses {
		a.since, a.of = now, map[netip.Addr]int{}
	}
}

func address(peer string) netip.Addr {
	ap, _ := netip.ParseAddrPort(peer)
	return ap.Addr().Unmap()
}
