package configs

import (
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker holds the values of a Config against the rules of the manual.
type checker struct {
	*report
	cfg *Config
}

func (c *checker) all() {
	c.listeners()
	c.store()
	c.tokens()
	c.upstreams()
	c.rooms()
	c.routes()
	if c.cfg.Backend != nil {
		c.backend()
	}
}

func (c *checker) listeners() {
	c.address("listen", c.cfg.Listen, true)
	c.address("admin.listen", c.cfg.Admin.Listen, true)
	if clash(c.cfg.Listen, c.cfg.Admin.Listen) {
		c.wrongf("admin.listen", "want a port other than that of listen")
	}
	switch token := string(c.cfg.Admin.Token); {
	case token == "" && !loopback(c.cfg.Admin.Listen):
		c.wrongf("admin.token", "is missing: want one, or let admin.listen be on loopback, as \"127.0.0.1:9090\"")
	case token != "" && guessable(token):
		c.wrongf("admin.token", tokenForm)
	}
	for i, p := range c.cfg.TrustedProxies {
		// Whoever is in it may claim any address: half the internet is a slip.
		if least := map[bool]int{true: 8, false: 7}[p.Addr().Is4()]; p.Bits() < least {
			c.wrongf(item("trusted_proxies", i), "want the proxies in front alone, /%d or longer: whoever is in it is believed, got %s", least, c.said(item("trusted_proxies", i)))
		}
	}
}

func (c *checker) store() {
	s := c.cfg.Store
	c.oneOf("store.engine", s.Engine, "embedded", "redis")
	if s.Path == "" {
		c.wrongf("store.path", "want a folder")
	}
	if len(s.Redis.Addrs) == 0 {
		c.wrongf("store.redis.addrs", "want at least one address host:port")
	}
	for i, a := range s.Redis.Addrs {
		c.address(item("store.redis.addrs", i), a, false)
	}
	c.between("store.redis.db", int64(s.Redis.DB), 0, 65535)
	if len(s.Redis.Addrs) > 1 && s.Redis.Master == "" && s.Redis.DB > 0 {
		c.wrongf("store.redis.db", "want 0: a Cluster has no other, and several addrs without a master are a Cluster")
	}
	if n := s.Redis.ConfirmReplicas; n != 0 { // not built: accepted, it would promise what nothing keeps
		c.wrongf("store.redis.confirm_replicas", "want 0: waiting for replicas comes with rooms in Redis, got %q", strconv.Itoa(n))
	}
}

func (c *checker) tokens() {
	if t := c.cfg.Tokens.Issuer; t == "" || len(t) > 64 || !printable(t) {
		c.wrongf("tokens.issuer", "want 1 to 64 printable ASCII characters without spaces, quotes and backslashes")
	}
	seen := seen{}
	for i, k := range c.cfg.Tokens.Keys {
		at := item("tokens.keys", i)
		if c.required(at+".id", k.ID) && (len(k.ID) > 64 || !printable(k.ID)) {
			c.wrongf(at+".id", "want 1 to 64 printable ASCII characters without spaces, quotes and backslashes")
		}
		c.unique(seen, k.ID, at+".id")
		c.oneOf(at+".alg", k.Alg, "HS256", "ES256", "EdDSA")
		switch {
		case k.Secret != "" && k.File != "":
			c.wrongf(at+".file", "want a secret or a file, got both")
		case c.has(at+".secret") && k.Secret == "" && k.File == "":
			c.wrongf(at+".secret", "is empty")
		case k.Secret == "" && k.File == "":
			c.wrongf(at, "the key is missing: want secret or file")
		case k.Alg == "HS256" && strings.Contains(string(k.Secret), "-----BEGIN "):
			c.wrongf(at+".alg", "want ES256 or EdDSA with a key in PEM: it is no secret")
		}
	}
}

func (c *checker) upstreams() {
	seen := seen{}
	for i, u := range c.cfg.Upstreams {
		at := item("upstreams", i)
		c.name(at+".name", u.Name)
		c.unique(seen, u.Name, at+".name")
		switch {
		case u.Bundled && len(u.Targets) > 0:
			c.wrongf(at+".targets", "want targets or bundled: true, got both")
		case u.Bundled && c.cfg.Backend == nil && !c.has("backend"):
			c.wrongf(at+".bundled", "needs the bundled shop: give backend, if only as {}")
		case !u.Bundled && len(u.Targets) == 0:
			c.wrongf(at+".targets", "is missing: want at least one, as \"http://127.0.0.1:3000\"")
		}
		c.targets(at+".targets", u.Targets)
	}
}

func (c *checker) targets(key string, all []string) {
	seen := seen{}
	for i, t := range all {
		at := item(key, i)
		normal, ok := target(t)
		switch {
		case !ok:
			c.wrongf(at, "want http://host:port or https://host:port without path, got %s", c.where(at))
			continue
		case seen[normal] > 0:
			c.wrongf(at, "is the target of line %d: want another, or none", seen[normal])
		case isHere(normal, c.cfg.Listen):
			c.wrongf(at, "want the address of the origin, got that of listen: requests would go in circles")
		case isHere(normal, c.cfg.Admin.Listen):
			c.wrongf(at, "want the address of the origin, got that of admin.listen, which visitors must not reach")
		}
		seen[normal] = c.line(at)
	}
}

// settle fills in what the rules derive and brings values to one form. The
// Config has no faults.
func (c *Config) settle() {
	for i := range c.Upstreams {
		for j, t := range c.Upstreams[i].Targets {
			c.Upstreams[i].Targets[j], _ = target(t)
		}
	}
	for i := range c.Rooms {
		a := &c.Rooms[i].Admit
		if a.Burst == 0 {
			a.Burst = max(4, int(math.Ceil(float64(a.Rate))))
		}
		settleMatch(c.Rooms[i].Match)
	}
	for i := range c.Routes {
		settleMatch(c.Routes[i].Match)
	}
}

func settleMatch(match []Match) {
	for i := range match {
		match[i].Host, _ = host(match[i].Host)
	}
}

// address reports s unless it is host:port, where the host may be empty if
// anyHost and the port may then be 0.
func (c *checker) address(key, s string, anyHost bool) {
	h, p, err := net.SplitHostPort(s)
	port, perr := strconv.ParseUint(p, 10, 16)
	if err == nil && perr == nil && (anyHost || port > 0) && (anyHost && h == "" || hostname(h)) {
		return
	}
	example := "127.0.0.1:6379"
	if anyHost {
		example = "127.0.0.1:8080\" or \":8080"
	}
	c.wrongf(key, "want host:port, such as \"%s\", got %s", example, c.where(key))
}

// said is the value of key as a fault may repeat it: nothing that may hold a
// password.
func (c *checker) said(key string) string {
	shown, given := c.shown[key]
	switch {
	case !given:
		return "nothing"
	case strings.Contains(shown, "@"):
		return "one with an @"
	}
	return shown
}

// harmless is an address, or nearly one, that has no room for a password: none
// before an @ or behind a : or ?.
var harmless = regexp.MustCompile(`^"(:[0-9]*|([a-z]+://)?([^:@?#]+(:([0-9]{1,6}|\$\{\w+\}))?(/[^:@?#]*)?)?)"$`)

// where is the address at key as a fault may repeat it.
func (c *checker) where(key string) string {
	if said := c.said(key); c.shown[key] != said || harmless.MatchString(said) {
		return said
	}
	return "one that may hold a password"
}

func (c *checker) required(key, value string) bool {
	if value != "" {
		return true
	}
	if c.has(key) {
		c.wrongf(key, "is empty")
	} else {
		c.wrongf(key, "is missing")
	}
	return false
}

const nameForm = "want 1 to 32 of a-z, 0-9 and -"

func (c *checker) name(key, s string) {
	if c.required(key, s) && (len(s) > 32 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "") {
		c.wrongf(key, nameForm+", got %s", c.said(key))
	}
}

// seen is the line at which a value was given first.
type seen map[string]int

func (c *checker) unique(s seen, value, key string) {
	if value == "" {
		return
	}
	if first := s[value]; first > 0 {
		c.wrongf(key, "%s is taken in line %d: want another", c.said(key), first)
		return
	}
	s[value] = c.line(key)
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	guess := closest(allowed, value)
	if guess != "" {
		guess = "; did you mean " + guess + "?"
	}
	c.wrongf(key, "want %s, got %s%s", strings.Join(allowed, " | "), c.said(key), guess)
}

func (c *checker) between(key string, n, least, most int64) {
	if n < least || n > most {
		c.wrongf(key, "want %d to %d, got %s", least, most, c.said(key))
	}
}

// lasts reports a duration out of range, or not in whole seconds if it should be.
func (c *checker) lasts(key string, d, least, most time.Duration, wholeSeconds bool) {
	switch {
	case d < least || d > most:
		c.wrongf(key, "want %s to %s, got %s", brief(least), brief(most), c.said(key))
	case wholeSeconds && d%time.Second != 0:
		c.wrongf(key, "want whole seconds, got %s", c.said(key))
	}
}

// brief is 24h for 24h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(s, "m0s")]
	return strings.TrimSuffix(s, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(s, "h0m")]
}

func item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// printable says whether s is ASCII that needs no escape anywhere.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

const tokenForm = "want at least 16 printable ASCII characters without spaces, at random; make one with: openssl rand -hex 32"

// guessable says whether a token is none: short, or a few letters that repeat.
func guessable(token string) bool {
	distinct := map[byte]bool{}
	for i := range len(token) {
		distinct[token[i]] = true
	}
	return len(token) < 16 || len(distinct) < 5 || !printable(token)
}
