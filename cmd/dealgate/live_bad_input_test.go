package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ends runs the binary and requires its exit status and what it says.
func ends(t *testing.T, status int, says []string, args ...string) {
	t.Helper()
	p := start(t, args...)
	if got := p.exit(t); got != status {
		t.Errorf("dealgate %s: exit status %d, want %d; it said:\n%s", strings.Join(args, " "), got, status, p.said())
	}
	for _, text := range says {
		if !strings.Contains(p.said(), text) {
			t.Errorf("dealgate %s: want %q in:\n%s", strings.Join(args, " "), text, p.said())
		}
	}
}

func TestLiveWrongUsageIsStatus2(t *testing.T) {
	f := func(says string, args ...string) {
		t.Helper()
		ends(t, exitUsage, []string{"dealgate: ", says}, args...)
	}
	f("no command given")
	f(`unknown command "sevre"; want one of demo, proxy, serve`, "sevre")
	f("-sped", "demo", "--sped", "3")
	f(`unexpected argument "x"`, "check", "x")
	f("--to is required", "proxy", "--rate", "50/s")
	f("--rate or --capacity is required", "proxy", "--to", "http://127.0.0.1:1")
	f("--rate: ", "proxy", "--to", "http://127.0.0.1:1", "--rate", "fast")
	f("--rate: ", "proxy", "--to", "http://127.0.0.1:1", "--rate", "0/s")
	f("--to: ", "proxy", "--to", "127.0.0.1", "--rate", "5/s")
	f("--path: ", "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s", "--path", "deals")
	f("--capacity: ", "proxy", "--to", "http://127.0.0.1:1", "--capacity", "-1")
	f("--crowd", "demo", "--crowd", "-1")
}

func TestLiveHelpIsStatus0(t *testing.T) {
	ends(t, 0, []string{"Commands:", "defaults"}, "--help")
	ends(t, 0, []string{"-rate"}, "proxy", "-h")
	ends(t, 0, []string{"dealgate "}, "version")
	ends(t, 0, []string{"upstreams:", "rooms:"}, "defaults")
}

func TestLiveCheckSaysEveryFaultAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	writeFile(t, file, `upstreams: [{name: shop, targets: ["http://127.0.0.1:3000"]}]
rooms:
  - name: Spring
    match: [{path: "/deals/*"}]
    upstream: shp
    admit: {rate: "0/s"}
    waitingstatus: 503
`)
	ends(t, exitFailed, []string{
		file + ":3: rooms[0].name: ", file + ":5: rooms[0].upstream: ", file + ":6: rooms[0].admit.rate: ",
		file + ":7: rooms[0].waitingstatus: ",
	}, "check", "--config", file)
	ends(t, exitFailed, []string{file + ":3: rooms[0].name: "}, "serve", "--config", file)
	ends(t, exitFailed, []string{"missing.yaml"}, "check", "--config", "missing.yaml")
}

// shopYAML is a gate in front of an origin, the whole site protected.
func shopYAML(origin, admit string) string {
	return `listen: "{{gate}}"
admin: {listen: "{{admin}}"}
store: {path: "{{dir}}/data"}
upstreams: [{name: shop, targets: ["` + origin + `"]}]
rooms:
  - name: spring
    match: [{path: "/deals/*"}]
    upstream: shop
    admit: ` + admit + `
    session: {ttl: 30s}
routes: [{match: [{path: "/*"}], upstream: shop}]
`
}

func TestLiveBusyPort(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	says := []string{"listen", busy.Addr().String(), "in use"}
	ends(t, exitFailed, says, "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
		"--listen", busy.Addr().String(), "--admin", "127.0.0.1:0", "--data", dir)
	ends(t, exitFailed, append(says, "admin"), "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
		"--listen", "127.0.0.1:0", "--admin", busy.Addr().String(), "--data", dir)
}

func TestLiveUnwritableFolder(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "file")
	writeFile(t, blocker, "not a folder")
	path := filepath.Join(blocker, "data")
	ends(t, exitFailed, []string{"dealgate: ", path}, "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
		"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", path)
	// Root may write anywhere but here.
	ends(t, exitFailed, []string{"dealgate: ", "/proc/self"}, "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
		"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", "/proc/self/data")
}

func TestLiveSecondProcessOnTheSameFolder(t *testing.T) {
	dir := t.TempDir()
	first := serveYAML(t, dir, shopYAML("http://127.0.0.1:1", `{rate: "5/s"}`))
	ends(t, exitFailed, []string{filepath.Join(dir, "data")}, "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
		"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	if err := expectStatus(first.admin+"/readyz", http.StatusOK); err != nil {
		t.Errorf("the first process: %v", err)
	}
}

// TestLiveCorruptState: a store that cannot be read is named and left as it
// is; nothing is served from half of it.
func TestLiveCorruptState(t *testing.T) {
	dir := t.TempDir()
	p := serveYAML(t, dir, shopYAML("http://127.0.0.1:1", `{rate: "5/s"}`))
	if status := p.stop(t); status != 0 {
		t.Fatalf("SIGTERM: exit status %d:\n%s", status, p.said())
	}
	for _, db := range stores(t, filepath.Join(dir, "data")) {
		t.Run(filepath.Base(db), func(t *testing.T) {
			good, err := os.ReadFile(db)
			if err != nil {
				t.Fatal(err)
			}
			bad := bytes.Repeat([]byte("not what it was "), 512)
			writeFile(t, db, string(bad))
			defer writeFile(t, db, string(good))
			ends(t, exitFailed, []string{db}, "proxy", "--to", "http://127.0.0.1:1", "--rate", "5/s",
				"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
			if now, err := os.ReadFile(db); err != nil || !bytes.Equal(now, bad) {
				t.Errorf("%s was changed (%v)", db, err)
			}
		})
	}
}

// stores are the files a gate reads its state from at start.
func stores(t *testing.T, data string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.db", "*.key"} {
		found, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no store in %s", data)
	}
	return files
}
