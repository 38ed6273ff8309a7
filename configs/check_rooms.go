package configs

import (
	"slices"
	"strings"
	"time"
)

// Bounds of a room.
const (
	maxCapacity = 10_000_000
	maxSession  = 24 * time.Hour // of one lease: passes live no longer
	maxStay     = 30 * 24 * time.Hour
	maxTicket   = 7 * 24 * time.Hour // tickets live no longer
)

func (c *checker) rooms() {
	if len(c.cfg.Rooms)+len(c.cfg.Routes) == 0 {
		c.wrongf("rooms", "there is nothing to serve: want a room or a route")
	}
	names := seen{}
	for i, r := range c.cfg.Rooms {
		at := item("rooms", i)
		c.name(at+".name", r.Name)
		c.unique(names, r.Name, at+".name")
		c.match(at+".match", r.Match)
		c.leadsTo(at+".upstream", r.Upstream)
		c.admit(at+".admit", r.Admit)
		c.stay(at, r)
		if !slices.Contains([]int{200, 202, 429, 503}, r.WaitingStatus) {
			c.wrongf(at+".waiting_status", "want 200 | 202 | 429 | 503, got %s", c.said(at+".waiting_status"))
		}
		c.oneOf(at+".on_store_failure", r.OnStoreFailure, "hold", "open", "closed")
		c.oneOf(at+".state", r.State, "auto", "hold", "open", "closed")
		c.dealsOf(at+".deals", r.Deals)
		c.reached(at+".match", i)
	}
}

func (c *checker) routes() {
	for i, r := range c.cfg.Routes {
		at := item("routes", i)
		c.match(at+".match", r.Match)
		c.leadsTo(at+".upstream", r.Upstream)
	}
}

func (c *checker) admit(at string, a Admit) {
	if a.Rate == 0 && a.Capacity == 0 && !c.broken[at+".rate"] && !c.broken[at+".capacity"] {
		c.wrongf(at, "want a rate, such as \"50/s\", or a capacity above 0, or both")
	}
	if c.has(at + ".burst") {
		c.between(at+".burst", int64(a.Burst), 1, maxRate)
	}
	c.between(at+".capacity", int64(a.Capacity), 0, maxCapacity)
}

func (c *checker) stay(at string, r Room) {
	c.lasts(at+".session.ttl", r.Session.TTL, time.Second, maxSession, true)
	c.lasts(at+".session.max", r.Session.Max, 0, maxStay, true)
	if r.Session.Max > 0 && r.Session.Max < r.Session.TTL {
		c.wrongf(at+".session.max", "want 0s for no limit, or at least session.ttl, got %s", c.said(at+".session.max"))
	}
	c.lasts(at+".ticket.return_within", r.Ticket.ReturnWithin, time.Second, maxTicket, false)
	c.lasts(at+".ticket.ttl", r.Ticket.TTL, time.Second, maxTicket, true)
	if r.Ticket.TTL < r.Ticket.ReturnWithin {
		key := at + ".ticket.ttl"
		if !c.has(key) {
			key = at + ".ticket.return_within"
		}
		c.wrongf(key, "want a ttl of at least return_within: a place would outlive its ticket")
	}
}

func (c *checker) leadsTo(key, upstream string) {
	if !c.required(key, upstream) {
		return
	}
	names := make([]string, len(c.cfg.Upstreams))
	for i, u := range c.cfg.Upstreams {
		names[i] = u.Name
	}
	if slices.Contains(names, upstream) || c.brokenIn("upstreams") {
		return
	}
	guess := closest(names, upstream)
	if guess != "" {
		guess = "; did you mean " + guess + "?"
	}
	c.wrongf(key, "no upstream is called %s%s", c.said(key), guess)
}

func (c *checker) match(at string, match []Match) {
	if len(match) == 0 {
		c.wrongf(at, "is missing: want at least one entry, such as {path: \"/deals/*\"}; {path: \"/*\"} is everything")
	}
	for i, m := range match {
		at := item(at, i)
		if _, ok := host(m.Host); !ok {
			c.wrongf(at+".host", "want a host name such as shop.example or \"*.shop.example\" (in ASCII, as xn--…), got %s", c.said(at+".host"))
		}
		if why := pathFault(m.Path); why != "" {
			c.wrongf(at+".path", "%s, got %s", why, c.said(at+".path"))
		}
		for j, method := range m.Methods {
			c.oneOf(item(at+".methods", j), method, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
		}
	}
}

// pathFault says what is wrong with a path to match. Requests are compared
// decoded and with their dots resolved: a path in any other form matches none.
func pathFault(path string) string {
	if path == "" {
		return ""
	}
	body := path
	if prefix, found := strings.CutSuffix(path, "/*"); found {
		body = prefix + "/"
	}
	lower := strings.ToLower(path)
	switch {
	case lower == "/.dealgate" || strings.HasPrefix(lower, "/.dealgate/"):
		return "want another path: dealgate itself answers what is under /.dealgate/"
	case !strings.HasPrefix(path, "/"):
		return "want a path that begins with /, such as \"/deals/*\""
	case strings.Contains(body, "*"):
		return "want * only as the whole last segment, such as \"/deals/*\""
	case strings.ContainsAny(body, "%\\?#;") || strings.ContainsFunc(body, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "want a path decoded and without query: none of % \\ ? # ; and control characters"
	}
	segments := strings.Split(body, "/")[1:]
	for i, s := range segments {
		if s == "" && i < len(segments)-1 || s != strings.TrimRight(s, " .") {
			return "want a path without // and without segments that end in a dot or a space"
		}
	}
	return ""
}
