package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
)

// room is a Room made ready.
type room struct {
	Room
	name  string
	queue *queue.Room
	rules []rule

	// cookies are the names of the visitor's cookies, over plain HTTP and over TLS.
	cookies [2]cookieNames
}

// rule is a Match made ready.
type rule struct {
	host    string // lower case, without port and final dot
	suffix  string // ".a.example" for *.a.example
	path    string // canonical; "": any
	prefix  bool
	methods []string
}

func compileRoom(c Room) (*room, error) {
	if c.Queue == nil {
		return nil, errors.New("no queue")
	}
	r := &room{Room: c, name: c.Queue.Name(), queue: c.Queue}
	if !roomName.MatchString(r.name) {
		return nil, fmt.Errorf("name %q: want %s", r.name, roomName)
	}
	r.cookies = roomCookies(r.name)
	r.TicketTTL = cmp.Or(r.TicketTTL, 24*time.Hour)
	r.WaitingStatus = cmp.Or(r.WaitingStatus, 503)
	r.OnStoreFailure = cmp.Or(r.OnStoreFailure, "hold")
	if !slices.Contains([]int{200, 202, 429, 503}, r.WaitingStatus) {
		return nil, fmt.Errorf("waiting status %d: want 200, 202, 429 or 503", r.WaitingStatus)
	}
	if !slices.Contains([]string{"hold", "open", "closed"}, r.OnStoreFailure) {
		return nil, fmt.Errorf("on store failure %q: want hold, open or closed", r.OnStoreFailure)
	}
	if len(c.Match) > 0 && c.Upstream == nil {
		return nil, fmt.Errorf("room %q has no upstream", r.name)
	}
	var err error
	r.rules, err = compileRules(c.Match)
	return r, err
}

func compileRules(ms []Match) ([]rule, error) {
	rules := make([]rule, 0, len(ms))
	for _, m := range ms {
		r, err := compileRule(m)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func compileRule(m Match) (rule, error) {
	r := rule{methods: m.Methods}
	host, wild := strings.CutPrefix(m.Host, "*.")
	if m.Host != "" {
		name, ok := hostName(nil, []byte(host))
		if !ok {
			return r, fmt.Errorf("host %q: want a name like shop.example or *.shop.example", m.Host)
		}
		if r.host = string(name); wild {
			r.host, r.suffix = "", "."+r.host
		}
	}
	if m.Path == "" {
		return r, nil
	}
	path, prefix := strings.CutSuffix(m.Path, "/*")
	s := canonical(nil, []byte(cmp.Or(path, "/")))
	if s.doubtful || s.loose || m.Path[0] != '/' || strings.Contains(path, "*") {
		return r, fmt.Errorf("path %q: want one like /buy or /deals/*", m.Path)
	}
	r.path, r.prefix = string(s.path), prefix
	if prefix && r.path == "/" {
		r.path = ""
	}
	return r, nil
}

func (r *rule) anyHost() bool { return r.host == "" && r.suffix == "" }

func (r *rule) matchHost(name []byte) bool {
	switch {
	case r.host != "":
		return string(name) == r.host
	case r.suffix != "":
		return len(name) > len(r.suffix) && string(name[len(name)-len(r.suffix):]) == r.suffix
	}
	return true
}

// matchMethod is true also where the origin may take the method for another:
// when the request overrides it.
func (r *rule) matchMethod(method []byte, overridden bool) bool {
	if len(r.methods) == 0 || overridden {
		return true
	}
	for _, m := range r.methods {
		if string(method) == m || m == "GET" && string(method) == "HEAD" {
			return true
		}
	}
	return false
}

func (r *rule) matchPath(s *spelled) bool {
	if r.path == "" {
		return true
	}
	n := len(r.path)
	if !r.prefix && !s.loose {
		return string(s.path) == r.path
	}
	return len(s.path) >= n && string(s.path[:n]) == r.path && (len(s.path) == n || s.path[n] == '/' || r.path == "/")
}

// destination is where a request goes.
type destination struct {
	room     *room // that protects it; nil: none
	upstream *upstream.Upstream
}

// find says where a request goes: the first room that protects it, else the
// first route. The zero destination is nowhere.
func (t *table) find(host, method []byte, overridden bool, s *spelled) destination {
	for _, r := range t.rooms {
		for i := range r.rules {
			m := &r.rules[i]
			if m.matchHost(host) && m.matchMethod(method, overridden) && (s.doubtful || m.matchPath(s)) {
				return destination{r, r.Upstream}
			}
		}
	}
	for i := range t.routes {
		for j := range t.routes[i].match {
			m := &t.routes[i].match[j]
			if !m.matchHost(host) || !m.matchMethod(method, false) || !m.matchPath(s) {
				continue
			}
			to := t.routes[i].upstream
			if r := t.behind(to, host, method, overridden, s); m.anyHost() && r != nil {
				return destination{r, to}
			}
			return destination{nil, to}
		}
	}
	return destination{}
}

// behind returns the room that protects the same path of the same upstream on
// another host, if the request's own host is named by no rule at all. A host
// that nobody configured must not be the way around the gate: origins answer
// most of them alike. A route that names the host opens it.
func (t *table) behind(to *upstream.Upstream, host, method []byte, overridden bool, s *spelled) *room {
	if !t.hosts || t.named(host) {
		return nil
	}
	for _, r := range t.rooms {
		for i := range r.rules {
			m := &r.rules[i]
			if r.Upstream == to && m.matchMethod(method, overridden) && (s.doubtful || m.matchPath(s)) {
				return r
			}
		}
	}
	return nil
}

// named reports whether a rule names the host.
func (t *table) named(host []byte) bool {
	for _, r := range t.rooms {
		if slices.ContainsFunc(r.rules, func(m rule) bool { return !m.anyHost() && m.matchHost(host) }) {
			return true
		}
	}
	for _, r := range t.routes {
		if slices.ContainsFunc(r.match, func(m rule) bool { return !m.anyHost() && m.matchHost(host) }) {
			return true
		}
	}
	return false
}

// hostName appends the host of a Host header to dst: lower case, without port
// and final dot. ok is false for what is no host.
func hostName(dst, h []byte) (name []byte, ok bool) {
	if len(h) == 0 || len(h) > 255+6 {
		return nil, false
	}
	if h[0] == '[' {
		return bracketed(dst, h)
	}
	host, port, hasPort := bytes.Cut(h, []byte{':'})
	host = bytes.TrimSuffix(host, []byte{'.'})
	if len(host) == 0 || len(host) > 255 || hasPort && !validPort(port) {
		return nil, false
	}
	for _, c := range host {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return nil, false
		}
		dst = append(dst, c)
	}
	return dst, true
}

// bracketed is hostName for an IPv6 literal.
func bracketed(dst, h []byte) (name []byte, ok bool) {
	literal, rest, closed := bytes.Cut(h[1:], []byte{']'})
	port, hasPort := bytes.CutPrefix(rest, []byte{':'})
	if !closed || hasPort && !validPort(port) || !hasPort && len(rest) > 0 {
		return nil, false
	}
	a, err := netip.ParseAddr(string(literal))
	if err != nil || !a.Is6() || a.Zone() != "" {
		return nil, false
	}
	return append(a.AppendTo(append(dst, '[')), ']'), true
}

// validPort reports whether p is a port, or nothing: "shop.example:" is allowed.
func validPort(p []byte) bool {
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' || len(p) > 5 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 65535
}
