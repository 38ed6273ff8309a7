package configs

import (
	"math"
	"net"
	"net/netip"
	"os"
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
	if c.cfg.Listen == c.cfg.Admin.Listen && !strings.HasSuffix(c.cfg.Listen, ":0") {
		c.wrongf("admin.listen", "want an address other than that of listen")
	}
	const form = "want at least 16 printable ASCII characters without spaces; make one with: openssl rand -hex 32"
	switch token := string(c.cfg.Admin.Token); {
	case token == "" && !loopback(c.cfg.Admin.Listen):
		c.wrongf("admin.token", "is missing: want one, or let admin.listen be on loopback, as \"127.0.0.1:9090\"")
	case token != "" && (len(token) < 16 || !printable(token)):
		c.wrongf("admin.token", form)
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
	c.between("store.redis.confirm_replicas", int64(s.Redis.ConfirmReplicas), 0, 16)
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
		case k.File != "":
			c.keyFile(at+".file", k.File)
		case c.has(at + ".secret"):
			c.secret(at+".secret", k)
		default:
			c.wrongf(at, "the key is missing: want secret or file")
		}
	}
}

func (c *checker) secret(key string, k Key) {
	distinct := map[byte]bool{}
	for i := range len(k.Secret) {
		distinct[k.Secret[i]] = true
	}
	lower := strings.ToLower(string(k.Secret))
	switch {
	case k.Alg != "HS256":
		if (k.Alg == "ES256" || k.Alg == "EdDSA") && !strings.HasPrefix(strings.TrimSpace(string(k.Secret)), "-----BEGIN ") {
			c.wrongf(key, "want a key in PEM for %s", k.Alg)
		}
	case len(k.Secret) < 32:
		c.wrongf(key, "want at least 32 bytes, got %d; make one with: openssl rand -hex 32", len(k.Secret))
	case len(distinct) < 8:
		c.wrongf(key, "want random bytes, got a few that repeat; make some with: openssl rand -hex 32")
	case strings.Contains(lower, "change-me") || strings.Contains(lower, "changeme"):
		c.wrongf(key, "want a secret of your own, got a published sample; make one with: openssl rand -hex 32")
	}
}

func (c *checker) keyFile(key, path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		c.wrongf(key, "want a file that can be read: %v", cause(err))
	case !info.Mode().IsRegular():
		c.wrongf(key, "want a file, got something else")
	case info.Mode().Perm()&0o077 != 0:
		c.wrongf(key, "others may read or write it (mode %04o): chmod 600 it", info.Mode().Perm())
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
		for j, t := range u.Targets {
			if _, ok := target(t); !ok {
				key := item(at+".targets", j)
				c.wrongf(key, "want http://host:port or https://host:port without path, got %s", c.said(key))
			}
		}
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
	c.wrongf(key, "want host:port, such as \"%s\", got %s", example, c.said(key))
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

func loopback(listen string) bool {
	h, _, _ := net.SplitHostPort(listen)
	a, err := netip.ParseAddr(h)
	return strings.EqualFold(h, "localhost") || err == nil && a.Unmap().IsLoopback()
}

// cause drops the name of the call and of the file from an error.
func cause(err error) error {
	if pathErr, ok := err.(*os.PathError); ok {
		return pathErr.Err
	}
	return err
}
