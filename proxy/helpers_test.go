package proxy

import (
	"net/netip"
	"strconv"
	"testing"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// unquote reads a line of a testdata file: Go's quotes where it begins with one.
func unquote(t *testing.T, line string) string {
	t.Helper()
	if line[0] != '"' {
		return line
	}
	s, err := strconv.Unquote(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s
}
