package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dealgate/dealgate/"

// layers says what of ours each package may import. A package that is not in
// it fails: say where it stands first.
var layers = map[string][]string{
	"configs":                 {},
	"token":                   {},
	"queue":                   {},
	"queue/memory":            {"queue"},
	"queue/queuetest":         {"queue"},
	"proxy/page":              {},
	"proxy/upstream":          {},
	"proxy/admin":             {"queue"},
	"proxy":                   {"queue", "token", "proxy/page", "proxy/upstream"},
	"backend":                 {},
	"backend/store/batch":     {},
	"backend/ledger/embedded": {"backend", "backend/store/batch"},
	"backend/ledger/redis":    {"backend"},
	"backend/store/sqlite":    {"backend", "backend/store/batch"},
	"backend/shop":            {"backend"},
	"backend/api":             {"backend", "backend/shop"},
	"bench/crowd":             {},
}

// tests are packages of test helpers: they may import what they test.
var tests = []string{"queue/queuetest", "backend/ledger/ledgertest", "proxy/rawtest"}

// owners says which packages alone may import a library: one owner each.
var owners = map[string][]string{
	"github.com/redis/go-redis/":           {"backend/ledger/redis"},
	"github.com/prometheus/client_golang/": {"cmd/dealgate"},
	"gopkg.in/yaml.v3":                     {"configs"},
	"github.com/golang-jwt/":               {"token"},
	"modernc.org/sqlite":                   {"queue/memory", "backend/store/batch"},
	"github.com/fsnotify/":                 {"cmd/dealgate"},
	"github.com/HdrHistogram/":             {"bench/crowd", "bench"},
	"github.com/valyala/fasthttp":          {"proxy", "proxy/page", "proxy/upstream", "cmd/dealgate", "bench", "bench/crowd"},
	"golang.org/x/text/":                   {"proxy/page", "backend/shop"},
	"github.com/molecule-man/go-brrr":      {},
	"github.com/alicebob/miniredis/":       {},
	"github.com/chromedp/":                 {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			checkOwner(t, name, imp)
		}
		if strings.HasPrefix(name, "cmd/") || name == "bench" || strings.HasPrefix(name, "bench/") && name != "bench/crowd" || slices.Contains(tests, name) {
			continue
		}
		allowed, known := layers[name]
		if !known {
			t.Errorf("%s stands in no layer: say in layers what it may import", name)
			continue
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, module)
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s; it may import %v", name, ours, allowed)
			}
		}
	}
}

// TestOnlyCmdReadsConfigs keeps the configuration file's form out of every other package.
func TestOnlyCmdReadsConfigs(t *testing.T) {
	for _, p := range list(t) {
		if slices.Contains(p.Imports, module+"configs") && p.ImportPath != module+"cmd/dealgate" {
			t.Errorf("%s imports configs; only cmd/dealgate may", p.ImportPath)
		}
	}
}

// TestQueueAndTokenKnowNoHTTP: the rules of the line and of the tokens do not
// depend on how they are asked.
func TestQueueAndTokenKnowNoHTTP(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name != "queue" && name != "token" {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "net/http") || strings.Contains(imp, "fasthttp") {
				t.Errorf("%s imports %s", name, imp)
			}
		}
	}
}

func checkOwner(t *testing.T, name, imp string) {
	for library, may := range owners {
		if strings.HasPrefix(imp, library) && !slices.Contains(may, name) && !strings.HasPrefix(name, "bench/") {
			t.Errorf("%s imports %s, which only %v may", name, imp, may)
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
