package proxy

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCanonical(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		if s := canonical(nil, []byte(raw)); string(s.path) != want || s.doubtful {
			t.Errorf("%q means %q, doubtful %v; want %q", raw, s.path, s.doubtful, want)
		}
	}
	f("/", "/")
	f("/deals", "/deals")
	f("/deals/", "/deals")
	f("/Deals/42-A_b.html", "/deals/42-a_b.html")
	f("/%64eals", "/deals")
	f("/%2564eals", "/deals")
	f("/%25%36%34eals", "/deals")
	f("/deals%2f42", "/deals/42")
	f("/deals%5C42", "/deals/42")
	f(`/deals\42`, "/deals/42")
	f("/deals//42", "/deals/42")
	f("/./deals/.", "/deals")
	f("/%2e/deals", "/deals")
	f("/deals;v=1/42;x", "/deals/42")
	f("/x/;a/deals", "/x/deals")
	f("/deals./42", "/deals/42")
	f("/deals%20/42", "/deals/42")
	f("/deals. ./42", "/deals/42")
	f("/deals/%20", "/deals")
	f("/%EA%B0%80", "/가")
	f("/caf%C3%A9", "/cafÉ") // the least of the spellings of a letter
	f("/caf%C3%89", "/cafÉ")
	f("/%CE%A3%CF%82%CF%83", "/ΣΣΣ")

	doubt := func(raws ...string) {
		t.Helper()
		for _, raw := range raws {
			if s := canonical(nil, []byte(raw)); !s.doubtful {
				t.Errorf("%q means %q without a doubt", raw, s.path)
			}
		}
	}
	doubt("", "deals", "*", "//deals", `/\deals`, "/%2fdeals", "//evil.example/deals", "/;a/x/deals", "/%20/x/deals")
	doubt("/..", "/a/../deals", "/a/%2e%2e/deals", "/a/%252e%252e/deals", "/deals/..;/x", "/deals/.. /x", "/deals/.../x")
	doubt("/deals%00", "/%0adeals", "/%c0%afdeals", "/%ff", "/dea%C5%BFs", "/%E2%84%AAelvin", "/%EF%BC%8Fdeals", "/e%CC%81")
	doubt("/100%25", "/%25u0064eals", "/%25zz")
}

func TestCanonicalIsOfOneAllocationAtMost(t *testing.T) {
	dst := make([]byte, 0, 256)
	for _, raw := range []string{"/deals/42", "/deals/%34%32/", "/a//b;c/../d"} {
		if n := testing.AllocsPerRun(100, func() { canonical(dst, []byte(raw)) }); n > 0 {
			t.Errorf("%q: %v allocations", raw, n)
		}
	}
}

// TestLongPathsAreCheap: the cost of taking a path apart grows with its length, not faster.
func TestLongPathsAreCheap(t *testing.T) {
	for _, part := range []string{"%25", "%2525", "/..", "/.", "%2f", ";", "%"} {
		raw := []byte("/" + strings.Repeat(part, maxOdd/len(part)))
		if n := testing.AllocsPerRun(1, func() { canonical(nil, raw) }); n > 20 {
			t.Errorf("%s…: %v allocations", part, n)
		}
	}
}

// reading is how some origin reads a path: the steps it takes, in order.
type reading []func(string) string

func decodeOnce(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func backslashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

func parameters(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i], _, _ = strings.Cut(parts[i], ";")
	}
	return strings.Join(parts, "/")
}

func windows(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		if p != "." && p != ".." {
			parts[i] = strings.TrimRight(p, " .")
		}
	}
	return strings.Join(parts, "/")
}

func resolve(s string) string {
	if !strings.HasPrefix(s, "/") {
		return s
	}
	return path.Clean(s)
}

func authority(s string) string {
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		if _, after, ok := strings.Cut(rest, "/"); ok {
			return "/" + after
		}
	}
	return s
}

func ended(s string) string {
	if i := strings.IndexAny(s, "?#\x00"); i >= 0 {
		return s[:i]
	}
	return s
}

func controls(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func emptySegments(s string) string {
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return s
}

// readings are the ways in which origins may be expected to read a path.
func readings() []reading {
	steps := []func(string) string{backslashes, parameters, windows, resolve, authority, ended, controls, emptySegments}
	var all []reading
	for set := range 1 << len(steps) {
		var chosen reading
		for i, s := range steps {
			if set&(1<<i) != 0 {
				chosen = append(chosen, s)
			}
		}
		all = append(all,
			chosen, // before decoding, or without
			append(reading{decodeOnce}, chosen...),
			append(slices.Clone(chosen), decodeOnce),
			append(reading{decodeOnce, decodeOnce}, chosen...),
			append(append(append(reading{decodeOnce}, chosen...), decodeOnce), chosen...),
			append(append(slices.Clone(chosen), decodeOnce), chosen...),
			append(reading{decodeOnce, decodeOnce, decodeOnce}, chosen...),
		)
	}
	return all
}

// FuzzPath: a path that any origin may read as a protected one is protected.
func FuzzPath(f *testing.F) {
	for _, s := range spellings("deals", "42") {
		f.Add(s)
	}
	for _, s := range []string{"/free", "/a/deals/1", "/a/%252e%252e/%2e%2e/a/deals", "/x/..%2fbuy", "/buy%3f", "/%62uy;a/"} {
		f.Add(s)
	}
	check := newOracle(f)
	f.Fuzz(func(t *testing.T, raw string) { check(t, raw) })
}

// TestRandomSpellings is FuzzPath on paths put together from what spellings
// are made of: blind mutation seldom finds two tricks at once.
func TestRandomSpellings(t *testing.T) {
	check := newOracle(t)
	parts := []string{
		"/", "/", "/", "deals", "buy", "a", "x", "42", "%2f", "%5c", "..", ".", "%2e", "%252e", "%252f", "%25", "2e", "2f", ";", ";x", "%3b",
		"%20", "%00", "%3f", "%23", "%64eals", "Deals", "%2564eals", "%41", "evil.example", "%0a", "...", "%c0%af", "%e2%84%aa",
	}
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, seed))
	for range *spellingsTried {
		var b strings.Builder
		b.WriteByte('/')
		for range 1 + rnd.IntN(8) {
			b.WriteString(parts[rnd.IntN(len(parts))])
		}
		check(t, b.String())
	}
}

var spellingsTried = flag.Int("spellings", 2000, "random spellings of a path that TestRandomSpellings tries")

// newOracle returns a check that the decision protects whatever an origin may
// read as protected.
func newOracle(tb testing.TB) func(t *testing.T, raw string) {
	tb.Helper()
	rules, err := compileRules([]Match{{Path: "/deals/*"}, {Path: "/a/deals/*"}, {Path: "/buy"}})
	if err != nil {
		tb.Fatal(err)
	}
	is := func(p string) bool {
		p = strings.ToLower(p)
		return p == "/deals" || strings.HasPrefix(p, "/deals/") ||
			p == "/a/deals" || strings.HasPrefix(p, "/a/deals/") || p == "/buy" || p == "/buy/"
	}
	all := readings()
	return func(t *testing.T, raw string) {
		t.Helper()
		raw, _, _ = strings.Cut(raw, "?")
		if len(raw) > 100 || !sane([]byte(raw), nil) {
			return // refused
		}
		s := canonical(nil, []byte(raw))
		protected := s.doubtful
		for i := range rules {
			protected = protected || rules[i].matchPath(&s)
		}
		if protected {
			return
		}
		if again := canonical(nil, s.path); !bytes.Equal(again.path, s.path) || !utf8.Valid(s.path) {
			t.Fatalf("%q means %q, and that %q", raw, s.path, again.path)
		}
		for _, r := range all {
			p := raw
			for _, step := range r {
				p = step(p)
			}
			if is(p) {
				t.Fatalf("%q is taken for %q, but an origin may read %q", raw, s.path, p)
			}
		}
	}
}

// spellings are ways to write /a/b that origins are known to take for it.
func spellings(a, b string) []string {
	p := "/" + a + "/" + b
	first := string(a[0])
	hex := func(s string) string {
		var o strings.Builder
		for i := range len(s) {
			o.WriteString("%" + string("0123456789abcdef"[s[i]>>4]) + string("0123456789abcdef"[s[i]&15]))
		}
		return o.String()
	}
	rest := a[1:] + "/" + b
	all := []string{
		p, p + "/", strings.ToUpper(p), p + "?", p + "?a=b", p + "?/../x", p + ";x=y", p + "/.", p + "/./",
		"/" + a + "//" + b, "//" + a + "/" + b, "///" + a + "/" + b, "/./" + a + "/" + b, "/x/../" + a + "/" + b,
		"/x/%2e%2e/" + a + "/" + b, "/x/%2E%2E/" + a + "/" + b, "/x/.%2e/" + a + "/" + b, "/x/%252e%252e/" + a + "/" + b,
		"/x/..;/" + a + "/" + b, "/x/..;v=1/" + a + "/" + b, "/..;/" + a + "/" + b, "/;/" + a + "/" + b,
		"/" + hex(first) + rest, "/%25" + hex(first)[1:] + rest, "/%2525" + hex(first)[1:] + rest, "/" + hex(a) + "/" + hex(b),
		strings.ToUpper("/" + hex(a) + "/" + hex(b)), "/" + a + "%2f" + b, "/" + a + "%2F" + b, "/" + a + "%252f" + b, "/" + a + "%5c" + b,
		"/" + a + "%5C" + b, "/%2f" + a + "/" + b, "/%5c" + a + "/" + b, "/" + a + ";/" + b, "/" + a + ";jsessionid=1/" + b,
		"/" + a + "./" + b, "/" + a + "%20/" + b, "/" + a + "%2e/" + b, "/" + a + "..../" + b, "/" + a + "/" + b + "%00", "/" + a + "%00/" + b,
		"/" + a + "/%20/" + b, "/" + a + "/" + b + "%20", "/" + a + "/" + b + ".", "/" + a + "/" + b + "%23x", "/" + a + "/" + b + "%3fx",
		"/" + a + "%3f/" + b, "/" + a + "%23", "/" + a + "?x", "/" + a + "/", "/" + a + "//", "/" + a + "/..%2f" + a + "/" + b,
		"/" + a + "%09/" + b, "/%09" + a + "/" + b, "/" + a[:1] + "%0a" + rest, "/" + a + "%c0%af" + b, "/" + a + "%e0%80%af" + b,
		"/x%2f..%2f" + a + "/" + b, "/x%5c..%5c" + a + "/" + b, "/x%252f..%252f" + a + "/" + b, "//shop.example/" + a + "/" + b,
		"//shop.example:80/" + a + "/" + b, "/%2e/" + a + "/" + b, "/%2e%2f" + a + "/" + b, "/./././" + a + "/./" + b, "/" + a + "/x/../" + b,
		"/" + a + "/%2e%2e/" + a + "/" + b, "/" + a + "/../" + b, "/" + a + "/..", "/" + a + "/.%2e/x", "/x/.../" + a, "/" + a + "/%2e%2e%2fx",
		"/" + a + "%2e%2e/" + b, "/%EF%BD%84" + a[1:] + "/" + b, "/" + a + "%E2%80%8B/" + b,
	}
	return all
}
