package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// T10: a node does not start on a key that is none.
func TestRefusesWeakKeys(t *testing.T) {
	ec, _ := pair(t, "k", "ES256")
	ed, edPublic := pair(t, "k", "EdDSA")
	f := func(want string, keys ...Key) {
		t.Helper()
		_, err := NewKeyring("dealgate", keys)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
			return
		}
		for _, k := range keys {
			if len(k.Secret) > 3 && strings.Contains(err.Error(), string(k.Secret)) {
				t.Errorf("the error shows the secret: %v", err)
			}
		}
	}
	hs := func(secret string) Key { return Key{ID: "k", Alg: "HS256", Secret: []byte(secret)} }
	f("no keys")
	f(`key "k": neither secret nor file`, hs(""))
	f("has 31 bytes, want at least 32", hs("0123456789abcdefghijklmnopqrstu"))
	f("repeats", hs(strings.Repeat("\x00", 32)))
	f("repeats", hs(strings.Repeat("0", 64)))
	f("repeats", hs(strings.Repeat("secret", 8)))
	for _, sample := range published {
		f("published sample", hs(sample+" and "+strings.ToUpper(sample)+" and some more"))
	}
	f("id:", Key{Alg: "HS256", Secret: hs256("a").Secret})
	f("id:", Key{ID: strings.Repeat("k", 65), Alg: "HS256", Secret: hs256("a").Secret})
	f("id:", Key{ID: `a"b`, Alg: "HS256", Secret: hs256("a").Secret})
	f(`alg "none": want HS256, ES256 or EdDSA`, Key{ID: "k", Alg: "none", Secret: hs256("a").Secret})
	f(`alg ""`, Key{ID: "k", Secret: hs256("a").Secret})
	f("used twice", hs256("k"), hs256("k"))
	f("used twice", hs256("k"), ec)
	f("in PEM", Key{ID: "k", Alg: "ES256", Secret: hs256("a").Secret})
	f("another algorithm", Key{ID: "k", Alg: "ES256", Secret: ed.Secret})
	f("another algorithm", Key{ID: "k", Alg: "EdDSA", Secret: ec.Secret})
	f("first key signs", edPublic)
	f("no key that can be read", Key{ID: "k", Alg: "EdDSA", Secret: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})})
	f("want a PRIVATE KEY", Key{ID: "k", Alg: "EdDSA", Secret: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})})

	big, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(big)
	if err != nil {
		t.Fatal(err)
	}
	f("P-256", Key{ID: "k", Alg: "ES256", Secret: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(rsaKey); err != nil {
		t.Fatal(err)
	}
	f("another algorithm", Key{ID: "k", Alg: "ES256", Secret: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})})

	for _, issuer := range []string{"", "a b", `a"b`, "a\\b", "é", strings.Repeat("i", 129)} {
		if _, err := NewKeyring(issuer, []Key{hs256("k")}); err == nil {
			t.Errorf("issuer %q was taken", issuer)
		}
	}
}

// T10: nor on a key that others can read.
func TestRefusesKeyFilesOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	secret := []byte("ABCDEFGH234567IJKLMNOPQRSTUVWXYZBADCFEHG327654JILKNM") // as Generate makes them
	f := func(mode os.FileMode, content []byte, want string) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := NewKeyring("dealgate", []Key{{ID: "k", Alg: "HS256", File: path}})
		if _, generated := Generate(path); (generated == nil) != (err == nil) {
			t.Errorf("mode %04o: %v, but Generate: %v", mode, err, generated)
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("mode %04o: %v", mode, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)):
			t.Errorf("mode %04o: %v, want %q and the path", mode, err, want)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("mode %04o: the file changed", mode)
		}
	}
	f(0o600, secret, "")
	f(0o400, append(secret[:len(secret):len(secret)], "\r\n"...), "")
	f(0o644, secret, "mode 0644")
	f(0o640, secret, "mode 0640")
	f(0o604, secret, "mode 0604")
	f(0o620, secret, "mode 0620")
	f(0o600, nil, "empty")
	f(0o600, []byte("\n"), "empty")
	f(0o600, bytes.Repeat([]byte("k"), maxKeyFile+1), "larger than a key")

	// What it did not make is no key of its own, if good enough for a keyring.
	if err := os.WriteFile(path, bytes.Repeat([]byte("not what it was "), 512), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file of something else: %v, want it refused by name", err)
	}

	path = filepath.Join(t.TempDir(), "none")
	if _, err := NewKeyring("dealgate", []Key{{ID: "k", Alg: "HS256", File: path}}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	path = t.TempDir()
	if _, err := Generate(path); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
}

// T11: a key that ends in a log by mistake shows its name.
func TestKeysPrintAsTheirNames(t *testing.T) {
	k := hs256("k1")
	out := &bytes.Buffer{}
	fmt.Fprintf(out, "%v %+v %#v %s %v %+v ", k, k, k, k, &k, []Key{k})
	slog.New(slog.NewJSONHandler(out, nil)).Info("key", "key", k, "keys", []Key{k})
	slog.New(slog.NewTextHandler(out, nil)).Info("key", "key", k, "keys", []Key{k})
	for _, secret := range []string{string(k.Secret), base64.StdEncoding.EncodeToString(k.Secret), fmt.Sprint(k.Secret), fmt.Sprintf("%x", k.Secret), string(k.Secret[:9])} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("shows the secret: %s", out)
		}
	}
	if strings.Count(out.String(), "HS256") != 10 {
		t.Errorf("%s", out)
	}
}

func TestKeyFileIsTheSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, append(hs256("a").Secret, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	raw := sign(t, ring(t, hs256("a")), waiting())
	if _, err := ring(t, Key{ID: "a", Alg: "HS256", File: path}).Parse(raw, Ticket, "spring", now); err != nil {
		t.Error(err)
	}
}

func TestGeneratesAKeyOnce(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "data", "token.key")
	keys := make([]Key, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = Generate(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, k := range keys {
		if !bytes.Equal(k.Secret, keys[0].Secret) || k.ID != keys[0].ID {
			t.Fatalf("two keys of one file: %s, %s", keys[0].ID, k.ID)
		}
	}
	ring(t, keys[0])
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if folder, err := os.ReadDir(filepath.Dir(path)); err != nil || len(folder) != 1 {
		t.Errorf("left behind: %v, %v", folder, err)
	}
	other, err := Generate(filepath.Join(t.TempDir(), "token.key"))
	if err != nil || bytes.Equal(other.Secret, keys[0].Secret) || other.ID == keys[0].ID {
		t.Errorf("not another key: %s, %v", other.ID, err)
	}
	if strings.Contains(string(other.Secret), other.ID[1:]) {
		t.Error("the id shows the secret")
	}
}

func TestNamesTheFolderItCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(filepath.Join(path, "token.key")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

// What is published verifies, and nothing secret is published.
func TestJWKSHoldsThePublicKeysOnly(t *testing.T) {
	ec, ecPublic := pair(t, "ec", "ES256")
	ed, edPublic := pair(t, "ed", "EdDSA")
	if got := string(ring(t, hs256("k1")).JWKS()); got != `{"keys":[]}` {
		t.Errorf("with a secret key only: %s", got)
	}
	k := ring(t, hs256("k1"), ec, ed)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(k.JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%v: %s", err, k.JWKS())
	}
	for _, s := range set.Keys {
		if s["use"] != "sig" || s["d"] != "" || s["k"] != "" {
			t.Errorf("%v", s)
		}
	}
	number := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || len(b) != 32 {
			t.Fatalf("%q: %v", s, err)
		}
		return b
	}
	got, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, number(set.Keys[0]["x"])...), number(set.Keys[0]["y"])...))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := ecPublic.signer(); err != nil || !got.Equal(s.public) || set.Keys[0]["kid"] != "ec" || set.Keys[0]["alg"] != "ES256" || set.Keys[0]["kty"] != "EC" {
		t.Errorf("%v, %v", set.Keys[0], err)
	}
	if s, err := edPublic.signer(); err != nil || !bytes.Equal(number(set.Keys[1]["x"]), s.public.(ed25519.PublicKey)) {
		t.Errorf("%v, %v", set.Keys[1], err)
	}
	k.JWKS()[0] = 'x'
	if k.JWKS()[0] != '{' {
		t.Error("a caller changed the set")
	}
}

func TestPublicKeysVerify(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA"} {
		private, public := pair(t, "k1", alg)
		raw := sign(t, ring(t, private), admitted())
		if _, err := ring(t, hs256("mine"), public).Parse(raw, Pass, "spring", now); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

// What we sign by HS256 is what the library would, from many goroutines at once.
func TestHS256IsTheLibrarys(t *testing.T) {
	k := ring(t, hs256("2026-11"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 300 {
				text := strings.Repeat(string(rune('a'+i)), n)
				got, err := k.first.sign([]byte("before"), []byte(text))
				want, _ := k.first.method.Sign(text, k.first.private)
				if err != nil || string(got) != "before"+string(want) {
					t.Errorf("%d bytes: %x, %v, want %x", n, got, err, want)
				}
			}
		})
	}
	all.Wait()
}
