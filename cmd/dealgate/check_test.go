package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/configs"
)

// TestCheckTriesTheKeys: a key that serve would not start with is a fault at
// its line, for check, serve and a reload alike, and no key is shown.
func TestCheckTriesTheKeys(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("public.pem", public, 0o600)
	write("broken.pem", "-----BEGIN nothing", 0o600)
	write("open.key", "d41d8cd98f00b204e9800998ecf8427e", 0o644)
	file := filepath.Join(dir, "dealgate.yaml")
	const good = "d41d8cd98f00b204e9800998ecf8427e"

	// f wants the keys, written to the lines from 5, to have these faults.
	f := func(keys string, want ...string) {
		t.Helper()
		write("dealgate.yaml", `upstreams: [{name: shop, targets: ["http://127.0.0.1:3000"]}]
routes: [{match: [{path: "/*"}], upstream: shop}]
tokens:
  keys:
`+strings.ReplaceAll(keys, "DIR", dir), 0o600)
		var out bytes.Buffer
		err := check(t.Context(), []string{"--config", file}, streams{out: &out, err: &out})
		_, loaded := load(file)
		if len(want) == 0 {
			if err != nil || loaded != nil {
				t.Errorf("%v, %v", err, loaded)
			}
			return
		}
		for i := range want {
			want[i] = file + ":" + want[i]
		}
		if err == nil || out.String() != strings.Join(want, "\n")+"\n" {
			t.Errorf("%v, said\n%s, want\n%s", err, &out, strings.Join(want, "\n"))
		}
		if faults := (configs.Faults)(nil); !errors.As(loaded, &faults) || len(faults) != len(want) {
			t.Errorf("load: %v", loaded)
		}
	}
	f("    - {id: a, secret: " + good + "}\n    - {id: b, alg: ES256, file: DIR/public.pem}\n")
	f("    - {id: a, file: DIR/public.pem}\n",
		"5: tokens.keys[0].file: a key in PEM is no secret of HS256: want alg ES256 or EdDSA with it")
	f("    - {id: a, alg: ES256, file: DIR/public.pem}\n    - {id: b, alg: ES256, file: DIR/broken.pem}\n    - {id: c, file: DIR/open.key}\n    - {id: d, file: DIR/none}\n",
		"5: tokens.keys[0].file: the first key signs, and this is a public key",
		"6: tokens.keys[1].file: want a key in PEM",
		"7: tokens.keys[2].file: others may read or write it (mode 0644): chmod 600 it",
		"8: tokens.keys[3].file: no such file or directory")
	f("    - id: a\n      secret: change-me-to-32-bytes-of-your-own\n    - {id: a, secret: "+good+"}\n",
		"6: tokens.keys[0].secret: the secret is a published sample, want one of your own; make one with: openssl rand -hex 32",
		`7: tokens.keys[1].id: "a" is taken in line 5: want another`)
	f("    - {id: a, secret: short}\n",
		"5: tokens.keys[0].secret: the secret has 5 bytes, want at least 32; make one with: openssl rand -hex 32")
}
