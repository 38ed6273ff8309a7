package proxy

import (
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestReturnTo is W6: what does not stay on this host leads to "/". The
// strings are in testdata/return_to.txt, one a line, in Go's quotes where needed.
func TestReturnTo(t *testing.T) {
	data, err := os.ReadFile("testdata/return_to.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == ' ' {
			continue
		}
		n++
		line = unquote(t, line)
		if got := returnTo([]byte(line)); got != "/" {
			t.Errorf("%q leads to %q", line, got)
		}
	}
	if n < 40 {
		t.Errorf("%d strings, want at least 40", n)
	}
	for _, good := range []string{
		"/", "/deals/42", "/deals/42?a=b&c=%2F", "/deals/%EA%B0%80", "/a?url=https://evil.example/", "/a;b=c", "/a/", "/a.b/c..d", "/?", "/a%20b",
		"/" + strings.Repeat("a", maxReturn-1),
	} {
		if got := returnTo([]byte(good)); got != good {
			t.Errorf("%.60q leads to %q", good, got)
		}
	}
	if got := returnTo([]byte("/" + strings.Repeat("a", maxReturn))); got != "/" {
		t.Errorf("a path over 2 KiB was kept")
	}
}

// FuzzReturnTo: wherever it leads, it is a path of the same host as browsers
// resolve it, and fit for a header.
func FuzzReturnTo(f *testing.F) {
	data, err := os.ReadFile("testdata/return_to.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	base, _ := url.Parse("https://shop.example/x/y")
	f.Fuzz(func(t *testing.T, s string) {
		got := returnTo([]byte(s))
		if strings.ContainsAny(got, "\r\n\t\\\x00 \"<>") || got[0] != '/' || strings.HasPrefix(got, "//") || len(got) > maxReturn {
			t.Fatalf("%q leads to %q", s, got)
		}
		u, err := base.Parse(got)
		if err == nil && (u.Host != "shop.example" || u.Scheme != "https" || u.User != nil) {
			t.Fatalf("%q leads to %q: %v", s, got, u)
		}
	})
}
