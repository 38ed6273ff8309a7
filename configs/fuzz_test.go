package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse: whatever the file, Parse returns a Config that keeps the rules or
// Faults with lines of the file, and repeats no variable's value.
func FuzzParse(f *testing.F) {
	defaults, err := defaultConfig() // once, else most of the time goes into it
	if err != nil {
		f.Fatal(err)
	}
	for _, pattern := range []string{"examples/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("---")) // the parser puts its empty value into a second line
	const value = "opensesameopensesame-0123456789abcdef"
	env := func(name string) (string, bool) { return value, !strings.HasPrefix(name, "UNSET") }
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := parseOver(defaults, "fuzz.yaml", data, env, nil)
		var faults Faults
		switch {
		case err == nil:
			keepsRules(t, cfg)
		case cfg != nil || !errors.As(err, &faults) || len(faults) == 0:
			t.Fatalf("%v, %v", cfg, err)
		case strings.Contains(err.Error(), value):
			t.Fatalf("a variable's value is said: %v", err)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > lines || fault.Text == "" || strings.ContainsAny(fault.String(), "\n\r") {
				t.Fatalf("%d lines, %#v", lines, fault)
			}
		}
	})
}

func keepsRules(t *testing.T, cfg *Config) {
	if len(cfg.Rooms)+len(cfg.Routes) == 0 {
		t.Fatal("nothing to serve")
	}
	for _, r := range cfg.Rooms {
		if r.Name == "" || len(r.Match) == 0 || r.Upstream == "" || r.Admit.Rate < 0 || r.Admit.Capacity < 0 ||
			r.Admit.Rate == 0 && r.Admit.Capacity == 0 || r.Admit.Burst < 1 || r.Session.TTL < 1e9 || r.Ticket.TTL < r.Ticket.ReturnWithin {
			t.Fatalf("%+v", r)
		}
	}
	for _, k := range cfg.Tokens.Keys {
		if (k.Secret == "") == (k.File == "") {
			t.Fatalf("key %s: want a secret or a file", k.ID)
		}
	}
}
