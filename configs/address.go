package configs

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// target returns an origin as scheme://host:port, in lower case, the port made
// explicit and in its shortest form.
func target(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return "", false
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port == "" || !hostname(u.Hostname()) {
		return "", false
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", false
		}
		port = strconv.FormatUint(n, 10)
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port), true
}

// isHere says whether a target in its one form is what listen listens to on
// this machine, as far as that can be told without asking for names.
func isHere(target, listen string) bool {
	_, address, _ := strings.Cut(target, "://")
	a, b, same := hosts(address, listen)
	return same && (strings.EqualFold(a, b) || isLoopback(a) && (isLoopback(b) || everywhere(b)) || everywhere(a))
}

// clash says whether only one of two listeners can be.
func clash(listen, other string) bool {
	a, b, same := hosts(listen, other)
	return same && (strings.EqualFold(a, b) || isLoopback(a) && isLoopback(b) || everywhere(a) || everywhere(b))
}

// hosts returns the hosts of two addresses, and whether their ports are the
// same; port 0 is any free one.
func hosts(a, b string) (hostA, hostB string, same bool) {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	m, badA := strconv.ParseUint(portA, 10, 16)
	n, badB := strconv.ParseUint(portB, 10, 16)
	return hostA, hostB, errors.Join(errA, errB, badA, badB) == nil && m == n && m > 0
}

// everywhere says whether host stands for all addresses of this machine.
func everywhere(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.IsUnspecified()
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.Unmap().IsLoopback()
}

func loopback(listen string) bool {
	h, _, _ := net.SplitHostPort(listen)
	return isLoopback(h)
}

// host returns a host to match, exact or *.a.example, in lower case, without
// port and final dot.
func host(s string) (string, bool) {
	if s == "" {
		return "", true
	}
	s = strings.ToLower(s)
	if h, port, err := net.SplitHostPort(s); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", false
		}
		s = h
	}
	s = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ".")
	under, wild := strings.CutPrefix(s, "*.")
	return s, hostname(under) && !(wild && isIP(under))
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// hostname says whether s is an IP address or a name of letters, digits, - and _.
func hostname(s string) bool {
	if isIP(s) {
		return true
	}
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.ToLower(s), ".") {
		if label == "" || len(label) > 63 || label != strings.Trim(label, "-") || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
