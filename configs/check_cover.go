package configs

import (
	"slices"
	"strings"
)

// reached reports a room that no request comes to, since rooms before it match
// all of its own.
func (c *checker) reached(key string, room int) {
	match := c.cfg.Rooms[room].Match
	if len(match) == 0 || len(c.faults) == maxFaults || c.brokenIn("rooms") {
		return
	}
	before := 0 // the last room that takes something away
	for _, m := range match {
		i := slices.IndexFunc(c.cfg.Rooms[:room], func(r Room) bool {
			return slices.ContainsFunc(r.Match, func(wide Match) bool { return wide.covers(m) })
		})
		if i < 0 {
			return
		}
		before = max(before, i)
	}
	c.wrongf(key, "no request comes to this room: what it matches is matched before it, last in line %d; put the narrower room first",
		c.line(item("rooms", before)+".match"))
}

// covers says whether every request that n matches is matched by m.
func (m Match) covers(n Match) bool {
	return coversPath(m.Path, n.Path) && coversMethods(m.Methods, n.Methods) && coversHost(m.Host, n.Host)
}

func coversPath(wide, narrow string) bool {
	under, prefix := strings.CutSuffix(wide, "/*")
	if !prefix {
		return wide == "" || strings.EqualFold(wide, narrow)
	}
	n := len(under)
	return n == 0 || len(narrow) >= n && strings.EqualFold(narrow[:n], under) && (len(narrow) == n || narrow[n] == '/')
}

func coversMethods(wide, narrow []string) bool {
	if len(wide) == 0 || len(narrow) == 0 {
		return len(wide) == 0
	}
	return !slices.ContainsFunc(narrow, func(method string) bool { return !slices.Contains(wide, method) })
}

func coversHost(wide, narrow string) bool {
	wide, _ = host(wide)
	narrow, _ = host(narrow)
	under, wild := strings.CutPrefix(wide, "*")
	return wide == "" || wide == narrow || wild && narrow != "" && strings.HasSuffix(narrow, under)
}
