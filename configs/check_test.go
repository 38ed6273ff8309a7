package configs

import "testing"

// TestChecksOfOthersAddTheirFaults: they get their line, and are dropped where
// something is wrong already.
func TestChecksOfOthersAddTheirFaults(t *testing.T) {
	check := func(cfg *Config, fault func(key, text string)) {
		for i := range cfg.Tokens.Keys {
			fault(item("tokens.keys", i)+".secret", "is 100% wrong")
		}
	}
	f := func(keys, want string) {
		t.Helper()
		cfg, err := Parse("test.yaml", []byte(minimal+"tokens:\n  keys:\n"+keys), secretEnv, check)
		if cfg != nil || err == nil || err.Error() != want {
			t.Errorf("%v, %v, want %s", cfg, err, want)
		}
	}
	f("  - id: a\n    secret: x\n", "test.yaml:12: tokens.keys[0].secret: is 100% wrong")
	f("  - {id: a, secret: x, file: y}\n  - {id: b, file: y}\n",
		"test.yaml:11: tokens.keys[0].file: want a secret or a file, got both\ntest.yaml:12: tokens.keys[1].secret: is 100% wrong")
	f("  - {id: a, sercet: x}\n", "test.yaml:11: tokens.keys[0].sercet: unknown key; did you mean secret?\n"+
		"test.yaml:11: tokens.keys[0]: the key is missing: want secret or file")
	if cfg, err := Parse("test.yaml", []byte(minimal), noEnv, check); err != nil || len(cfg.Rooms) != 1 {
		t.Error(cfg, err)
	}
}

// TestCovers: a is taken for wider than b only if it is.
func TestCovers(t *testing.T) {
	f := func(a, b Match, want bool) {
		t.Helper()
		if got := a.covers(b); got != want {
			t.Errorf("%+v covers %+v: %v", a, b, got)
		}
	}
	path := func(s string) Match { return Match{Path: s} }
	f(path(""), path("/a"), true)
	f(path("/*"), path(""), true)
	f(path("/a"), path("/A"), true)
	f(path("/a"), path("/a/*"), false)
	f(path("/a/*"), path("/a"), true)
	f(path("/a/*"), path("/A/*"), true)
	f(path("/a/*"), path("/a/b/*"), true)
	f(path("/a/*"), path("/ab"), false)
	f(path("/a/*"), path("/*"), false)
	f(path("/a/*"), path(""), false)
	f(Match{}, Match{Host: "a.example", Methods: []string{"GET"}}, true)
	f(Match{Host: "a.example"}, Match{}, false)
	f(Match{Host: "a.example"}, Match{Host: "A.example:80"}, true)
	f(Match{Host: "*.example"}, Match{Host: "*.a.example"}, true)
	f(Match{Host: "*.example"}, Match{Host: "a.example"}, true)
	f(Match{Host: "*.a.example"}, Match{Host: "a.example"}, false)
	f(Match{Host: "*.a.example"}, Match{Host: "*.example"}, false)
	f(Match{Methods: []string{"GET"}}, Match{}, false)
	f(Match{Methods: []string{"GET", "HEAD"}}, Match{Methods: []string{"HEAD"}}, true)
	f(Match{Methods: []string{"GET"}}, Match{Methods: []string{"GET", "POST"}}, false)
}
