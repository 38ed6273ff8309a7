package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// secretEnv has a secret for every variable.
func secretEnv(name string) (string, bool) { return "0123456789abcdef-0123456789abcdef-" + name, true }

func noEnv(string) (string, bool) { return "", false }

const minimal = `
upstreams:
  - {name: shop, targets: ["http://127.0.0.1:3000"]}
rooms:
  - name: spring
    match: [{path: "/deals/*"}]
    upstream: shop
    admit: {rate: "50/s"}
`

func parse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("test.yaml", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestWhatIsAbsentGetsTheDefault writes out all that a file of eight lines gets.
func TestWhatIsAbsentGetsTheDefault(t *testing.T) {
	want := &Config{
		Listen: ":8080",
		Admin:  Admin{Listen: "127.0.0.1:9090"},
		Store:  Store{Engine: "embedded", Path: "./data", Redis: Redis{Addrs: []string{"127.0.0.1:6379"}}},
		Tokens: Tokens{Issuer: "dealgate"},
		Upstreams: []Upstream{
			{Name: "shop", Targets: []string{"http://127.0.0.1:3000"}},
		},
		Rooms: []Room{{
			Name:           "spring",
			Match:          []Match{{Path: "/deals/*"}},
			Upstream:       "shop",
			Admit:          Admit{Rate: 50, Burst: 50},
			Session:        Session{TTL: 10 * time.Minute},
			Ticket:         Ticket{ReturnWithin: 10 * time.Minute, TTL: 24 * time.Hour},
			WaitingStatus:  503,
			OnStoreFailure: "hold",
			State:          "auto",
		}},
	}
	if got := parse(t, minimal); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestBackendAndDealsBeginWithTheirDefaults(t *testing.T) {
	cfg := parse(t, minimal+"backend: {}\n")
	if want := (&Backend{Database: "sqlite", PayWithin: 5 * time.Minute}); !reflect.DeepEqual(cfg.Backend, want) {
		t.Errorf("got %+v, want %+v", cfg.Backend, want)
	}
	cfg = parse(t, minimal+"backend: {deals: [{id: a, title: A, sku: a-1, stock: 0, price: 0, currency: EUR}]}\n")
	if want := (Deal{ID: "a", Title: "A", SKU: "a-1", Currency: "EUR"}); cfg.Backend.Deals[0] != want {
		t.Errorf("got %+v, want %+v", cfg.Backend.Deals[0], want)
	}
}

// TestConfigsShareNothing changes one Config and looks at the next.
func TestConfigsShareNothing(t *testing.T) {
	parse(t, minimal).Store.Redis.Addrs[0] = "changed"
	if got := parse(t, minimal).Store.Redis.Addrs[0]; got != "127.0.0.1:6379" {
		t.Error(got)
	}
}

func TestExamplesLoad(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(path, data, secretEnv); err != nil {
			t.Error(err)
		}
	}
}

func TestValuesAreBroughtToOneForm(t *testing.T) {
	cfg := parse(t, `
upstreams:
  - {name: a, targets: ["HTTP://Origin.Example", "https://b.example:0443/", "http://[::1]:3000"]}
rooms:
  - {name: a, match: [{host: "Shop.Example:8080"}, {host: "*.SHOP.example."}, {host: "[::1]:80"}], upstream: a, admit: {rate: "3000/m"}}
  - {name: b, match: [{path: /b}], upstream: a, admit: {rate: "1/h"}}
  - {name: c, match: [{path: /c}], upstream: a, admit: {rate: "0.5/s", burst: 1, capacity: 7}}
  - {name: d, match: [{}], upstream: a, admit: {capacity: 7}}
`)
	want := []string{"http://origin.example:80", "https://b.example:443", "http://[::1]:3000"}
	if got := cfg.Upstreams[0].Targets; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, host := range []string{"shop.example", "*.shop.example", "::1"} {
		if got := cfg.Rooms[0].Match[i].Host; got != host {
			t.Errorf("got %q, want %q", got, host)
		}
	}
	for i, admit := range []Admit{{50, 50, 0}, {Rate(1. / 3600), 4, 0}, {.5, 1, 7}, {0, 4, 7}} {
		if got := cfg.Rooms[i].Admit; got != admit {
			t.Errorf("got %v, want %v", got, admit)
		}
	}
}

func TestExpand(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "B_2": "${A}", "EMPTY": ""}[name]
		return v, ok
	}
	f := func(text, want string) {
		t.Helper()
		if got, err := expand(text, env); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	f("", "")
	f("$A costs $5", "$A costs $5")
	f("${A}", "1")
	f("<${A}${B_2}>", "<1${A}>") // a value is not expanded again
	f("${EMPTY}", "")
	f("$${A} is ${A}", "${A} is 1")
	f("$$${A}", "$${A}")
	for _, text := range []string{"${", "${}", "${A", "${A B}", "${A:-2}", "${NONE}", "${2}"} {
		if got, err := expand(text, env); err == nil {
			t.Errorf("%s: got %q, want an error", text, got)
		}
	}
}

// TestVariablesFillAnyValue: numbers too, and what a variable holds is never YAML.
func TestVariablesFillAnyValue(t *testing.T) {
	env := map[string]string{"PORT": "8081", "CAPACITY": "70", "RATE": "5", "PATH_": "/a: [b] # c", "TLS": "true"}
	cfg, err := Parse("test.yaml", []byte(`
listen: ":${PORT}"
store: {path: "${PATH_}", redis: {tls: "${TLS}"}}
upstreams: [{name: shop, targets: ["http://10.0.0.1:${PORT}"]}]
rooms:
  - {name: a, match: [{}], upstream: shop, admit: {rate: "${RATE}/s", capacity: "${CAPACITY}"}, session: {ttl: "${RATE}m"}}
`), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	r := cfg.Rooms[0]
	if cfg.Listen != ":8081" || cfg.Store.Path != "/a: [b] # c" || !cfg.Store.Redis.TLS ||
		r.Admit != (Admit{5, 5, 70}) || r.Session.TTL != 5*time.Minute {
		t.Errorf("%+v", cfg)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	cfg, err := Parse("test.yaml", []byte(minimal+"tokens: {keys: [{id: a, secret: \"${KEY}\"}]}\nadmin: {token: \"${TOKEN}\"}\n"), secretEnv)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("config", "cfg", cfg, "token", cfg.Admin.Token)
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %s %q", *cfg, *cfg, cfg.Admin.Token, cfg.Admin.Token), logged.String(), string(asJSON)} {
		if strings.Contains(s, "0123456789abcdef") {
			t.Error(s)
		}
	}
	if string(cfg.Admin.Token) == cfg.Admin.Token.String() {
		t.Error("the value is lost")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if cfg, err := Load(write("good.yaml", minimal)); err != nil || cfg.Rooms[0].Name != "spring" {
		t.Error(cfg, err)
	}
	var faults Faults
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) || errors.As(err, &faults) {
		t.Error(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder was read")
	}
	bad := write("bad.yaml", minimal+"x: 1\n")
	if _, err := Load(bad); !errors.As(err, &faults) || faults[0].File != bad || faults[0].Line != 9 || faults[0].Key != "x" {
		t.Error(err)
	}
}

// TestLargeFilesAreBounded: what is too large is refused, and nothing that
// fits takes long or says much.
func TestLargeFilesAreBounded(t *testing.T) {
	f := func(unit string, n int) {
		t.Helper()
		begin := spent(t)
		_, err := Parse("test.yaml", []byte(strings.Repeat(unit, n)), noEnv)
		if err == nil || len(err.Error()) > 64<<10 {
			t.Errorf("%q: %.200v", unit, err)
		}
		if took := spent(t) - begin; took > 10*time.Second {
			t.Errorf("%q: took %v of CPU", unit, took)
		}
	}
	for _, unit := range []string{"[", "- ", "? ", "#\n", "a: 1\n", "- a\n", "{", "\"", "a", "a:\n ", "\n", "rooms: [{}]\n", "---\n", "[a: "} {
		f(unit, maxSize/len(unit))
	}
	f("a", maxSize+1)
	var many strings.Builder
	for i := 0; many.Len() < maxSize-100; i++ {
		fmt.Fprintf(&many, "- {name: r%d, match: [{path: /%d}], upstream: s, admit: {rate: 1/s}}\n", i, i)
	}
	f("listen: x\nupstreams: [{name: s, targets: [\"http://h\"]}]\nrooms:\n"+many.String(), 1)
	f("rooms: [{}", 1)
	rooms := "rooms: [" + strings.Repeat("{},", 10_000) + "]"
	if _, err := Parse("test.yaml", []byte(rooms), noEnv); !strings.Contains(err.Error(), "more faults") {
		t.Errorf("%.200v", err)
	}
}

// spent is the CPU time of this process: what else runs on the machine does not count.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestChangesNamesWhatNeedsARestart(t *testing.T) {
	base := minimal + "backend: {seller_key: 0123456789abcdef}\n"
	f := func(from, to string, want ...string) {
		t.Helper()
		got := Changes(parse(t, strings.Replace(base, from, to, 1)), parse(t, base))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f("", "")
	f("50/s", "60/s")
	f("spring", "summer")
	f("3000", "3001")
	f("", "tokens: {issuer: other}\n")
	f("", "listen: \":8081\"\n", "listen")
	f("", "admin: {listen: \"127.0.0.1:9091\", token: 0123456789abcdef}\n", "admin.listen", "admin.token")
	f("", "store: {path: /tmp, redis: {addrs: [\"127.0.0.1:1\"]}}\n", "store.path", "store.redis.addrs")
	f("backend: {seller_key: 0123456789abcdef}", "", "backend")
	f("seller_key: 0123456789abcdef", "pay_within: 1m", "backend.pay_within", "backend.seller_key")
	f("seller_key", "deals: [{id: a, title: A, sku: a-1, stock: 0, price: 0, currency: EUR}], seller_key")
}
