package configs

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// target returns an origin as scheme://host:port, the port made explicit.
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
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return "", false
		}
		port = p
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port), true
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
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
