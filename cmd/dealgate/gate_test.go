package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/configs"
)

// opened is a gate of the YAML with its store in a folder of its own.
func opened(t *testing.T, yaml string) (*gate, func(from, to string) *configs.Config) {
	t.Helper()
	dir := t.TempDir()
	parse := func(from, to string) *configs.Config {
		t.Helper()
		text := strings.NewReplacer("{{dir}}", dir).Replace(replaced(yaml, from, to))
		cfg, err := configs.Parse("test.yaml", []byte(text), os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	writeFile(t, filepath.Join(dir, "key"), rand.Text()+rand.Text())
	g, err := newGate(t.Context(), parse("", ""), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.close(); err != nil {
			t.Error(err)
		}
	})
	return g, parse
}

const twoRooms = `store: {path: "{{dir}}/data"}
tokens: {keys: [{id: a, file: "{{dir}}/key"}]}
upstreams: [{name: shop, targets: ["http://127.0.0.1:1"]}]
rooms:
  - {name: spring, match: [{path: "/deals/*"}], upstream: shop, admit: {rate: "5/s"}}
  - {name: summer, match: [{path: "/hot/*"}], upstream: shop, admit: {rate: "5/s"}}
`

func TestAReloadKeepsWhatStays(t *testing.T) {
	g, parse := opened(t, twoRooms)
	spring, shop := g.roomList()[0], g.upstreams["shop"]
	if err := g.apply(parse(`{name: summer, match: [{path: "/hot/*"}]`, `{name: autumn, match: [{path: "/late/*"}]`)); err != nil {
		t.Fatal(err)
	}
	rooms := g.roomList()
	if len(rooms) != 2 || rooms[0] != spring || rooms[1].Name() != "autumn" || g.upstreams["shop"] != shop {
		t.Errorf("got rooms %v", rooms)
	}
	if err := g.apply(parse(`"5/s"`, `"9/s"`)); err != nil {
		t.Fatal(err)
	}
	if p := g.roomList()[0].Policy(); p.Rate != 9 {
		t.Errorf("rate %v, want 9", p.Rate)
	}
}

func TestARefusedReloadChangesNothing(t *testing.T) {
	g, parse := opened(t, twoRooms)
	before, keys, rooms := g.cfg, g.keys, g.roomList()
	cfg := parse(`"5/s"`, `"9/s"`)
	cfg.Upstreams = append([]configs.Upstream(nil), cfg.Upstreams...)
	cfg.Upstreams[0].Bundled, cfg.Upstreams[0].Targets = true, nil
	if err := g.apply(cfg); err == nil || !strings.Contains(err.Error(), "shop") {
		t.Fatalf("got %v, want that the bundled shop does not run", err)
	}
	if g.cfg != before || g.keys != keys || g.roomList()[0] != rooms[0] || rooms[0].Policy().Rate != 5 {
		t.Error("a refused reload changed what is in force")
	}
}

func TestAKeyFileIsReadAgain(t *testing.T) {
	g, parse := opened(t, twoRooms)
	was := g.keys
	cfg := parse("", "")
	writeFile(t, cfg.Tokens.Keys[0].File, rand.Text()+rand.Text())
	if err := g.apply(cfg); err != nil {
		t.Fatal(err)
	}
	if g.keys == was {
		t.Error("the old key is still in force")
	}
}

func replaced(text, from, to string) string {
	if from == "" {
		return text
	}
	return strings.ReplaceAll(text, from, to)
}
