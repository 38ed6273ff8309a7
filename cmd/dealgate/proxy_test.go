package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestFlagsAreCheckedAsAFileWouldBe(t *testing.T) {
	good := map[string]string{"listen": ":0", "admin": "127.0.0.1:0", "data": "./d", "to": "http://127.0.0.1:3000", "rate": "90/m", "path": "/deals/*", "capacity": "7"}
	cfg, err := inline("proxy", good)
	if err != nil {
		t.Fatal(err)
	}
	r := cfg.Rooms[0]
	if r.Admit.Rate != 1.5 || r.Admit.Capacity != 7 || r.Match[0].Path != "/deals/*" || cfg.Store.Path != "./d" {
		t.Errorf("got %+v in %+v", r, cfg.Store)
	}

	f := func(flag, value, says string) {
		t.Helper()
		bad := map[string]string{}
		for k, v := range good {
			bad[k] = v
		}
		bad[flag] = value
		_, err := inline("proxy", bad)
		if usage := (usageError{}); !errors.As(err, &usage) || !strings.Contains(err.Error(), says) {
			t.Errorf("--%s %q: got %v, want a usage error with %q", flag, value, err, says)
		}
	}
	f("rate", "fast", "--rate: ")
	f("rate", "-1/s", "--rate: ")
	f("to", "ftp://x", "--to: ")
	f("path", "deals", "--path: ")
	f("listen", "8080", "--listen: ")
	f("admin", "nowhere", "--admin: ")
	// A value is a value, whatever YAML would make of it.
	f("to", `http://a:1", "http://b:1`, "--to: ")
	good["path"] = "/x, methods: [GET]"
	if cfg, err := inline("proxy", good); err != nil || cfg.Rooms[0].Match[0].Path != good["path"] || cfg.Rooms[0].Match[0].Methods != nil {
		t.Errorf("got %+v, %v; want the path as it was given", cfg, err)
	}
}

func TestAdminBeyondLoopbackNeedsAFile(t *testing.T) {
	_, err := inline("proxy", map[string]string{"listen": ":0", "admin": "0.0.0.0:9090", "data": "./d", "to": "http://127.0.0.1:1", "rate": "1/s", "path": "/*", "capacity": "0"})
	if err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("got %v, want that a token is required", err)
	}
}

func TestLiveLineElsewhereIsALine(t *testing.T) {
	var out bytes.Buffer
	l := newLiveLine(&out)
	l.show("waiting 1")
	l.show("waiting 2")
	l.end()
	if got := out.String(); got != "waiting 1\nwaiting 2\n" {
		t.Errorf("got %q, want a line each", got)
	}
	if l.every() != time.Second {
		t.Errorf("every %v, want a line per second", l.every())
	}
}

func TestRatesAreNumbersPeopleRead(t *testing.T) {
	for rate, want := range map[float64]string{50: "50/s", 1: "1/s", 0.5: "30/m", 1. / 60: "1/m", 5. / 3600: "5/h"} {
		if got := ratePerSecond(rate); got != want {
			t.Errorf("%v: got %s, want %s", rate, got, want)
		}
	}
}
