package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/queue"
)

// banner says what runs and what to open. overrides are the operators', by room.
func banner(w io.Writer, cfg *configs.Config, overrides map[string]queue.Overrides, gate, admin net.Addr, took time.Duration) {
	fmt.Fprintf(w, "\n  dealgate %s   ready in %d ms\n", fullVersion(), took.Milliseconds())
	fmt.Fprintf(w, "  ├─ Gate   %s\n", visit(gate))
	for _, u := range cfg.Upstreams {
		where := strings.Join(u.Targets, ", ")
		if u.Bundled {
			where = "the bundled shop"
		}
		fmt.Fprintf(w, "  │            → %s: %s\n", u.Name, where)
	}
	fmt.Fprintf(w, "  ├─ Admin  %s   dashboard, /metrics, /admin/api\n", visit(admin))
	fmt.Fprintf(w, "  └─ Store  %s\n", cfg.Store.Path)
	for _, r := range cfg.Rooms {
		fmt.Fprintf(w, "  room %-10s %s   %s\n", r.Name, paths(r.Match), pace(r.Admit, r.State))
		if said := overridden(overrides[r.Name]); said != "" {
			fmt.Fprintf(w, "       %-10s an operator set: %s\n", "", said)
		}
	}
	fmt.Fprintln(w)
}

// visit is the address a person can open.
func visit(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func paths(matches []configs.Match) string {
	var all []string
	for _, m := range matches {
		all = append(all, m.Host+m.Path)
	}
	return strings.Join(all, " ")
}

func pace(a configs.Admit, state string) string {
	var said []string
	if a.Rate > 0 {
		said = append(said, ratePerSecond(float64(a.Rate)))
	}
	if a.Capacity > 0 {
		said = append(said, fmt.Sprintf("%d at once", a.Capacity))
	}
	return strings.Join(append(said, state), "   ")
}

// overridden says what goes before the configuration, "" if nothing does.
func overridden(o queue.Overrides) string {
	var said []string
	if o.Rate != nil {
		said = append(said, "rate "+ratePerSecond(*o.Rate))
	}
	if o.Capacity != nil {
		said = append(said, fmt.Sprintf("capacity %d", *o.Capacity))
	}
	if o.State != nil {
		said = append(said, "state "+string(*o.State))
	}
	if o.Message != nil {
		said = append(said, fmt.Sprintf("message %q", *o.Message))
	}
	return strings.Join(said, ", ")
}

// ratePerSecond writes a rate in the unit in which it is a number people read.
func ratePerSecond(perSecond float64) string {
	switch {
	case perSecond >= 1:
		return fmt.Sprintf("%.4g/s", perSecond)
	case perSecond*60 >= 1:
		return fmt.Sprintf("%.4g/m", perSecond*60)
	}
	return fmt.Sprintf("%.4g/h", perSecond*3600)
}
