package token

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A public key is known to all: as the secret of HS256 it would let anyone sign.
func TestAPEMIsNoSecretOfHS256(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA"} {
		private, public := pair(t, "k", alg)
		for _, k := range []Key{private, public} {
			file := filepath.Join(t.TempDir(), "key.pem")
			writeKey(t, file, "Key of the shop\n"+string(k.Secret))
			for _, k := range []Key{{ID: "k", Alg: "HS256", Secret: k.Secret}, {ID: "k", Alg: "HS256", File: file}} {
				if _, err := NewKeyring("dealgate", []Key{k}); err == nil || !strings.Contains(err.Error(), "want alg ES256 or EdDSA") {
					t.Errorf("a PEM of %s as a secret: %v", alg, err)
				}
			}
		}
	}
}

func TestWeakSecretsAreRefused(t *testing.T) {
	f := func(want, secret string) {
		t.Helper()
		err := Check([]Key{{ID: "k", Alg: "HS256", Secret: []byte(secret)}})[0]
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", secret, err, want)
		}
	}
	f("published sample", "0123456789abcdef0123456789abcdef")
	f("published sample", "CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME")
	f("published sample", "Changeme-Changeme-Changeme-Changeme!")
	f("published sample", "your-256-bit-secret-your-256-bit-secret")
	f("repeats", strings.Repeat(" ", 40)+"abcdefgh")
	f("repeats", strings.Repeat("0", 25)+"1234567")
	f("repeats", strings.Repeat("abcdefghijklm", 3))
	f("", "d41d8cd98f00b204e9800998ecf8427e")
	f("", "correct horse battery staple, and one more")
}

// Check is what NewKeyring does, for all keys at once.
func TestCheckSaysEachFaultOnce(t *testing.T) {
	good, other := hs256("good"), hs256("other")
	_, public := pair(t, "public", "ES256")
	broken := public
	broken.ID, broken.Secret = "broken", []byte("-----BEGIN nothing")
	missing := Key{ID: "missing", Alg: "EdDSA", File: filepath.Join(t.TempDir(), "gone.pem")}
	f := func(keys []Key, want ...string) {
		t.Helper()
		faults, first := Check(keys), ""
		if len(faults) != len(keys) {
			t.Fatalf("%d errors for %d keys", len(faults), len(keys))
		}
		for i, err := range faults {
			if got := errors.Join(err); (got == nil) != (want[i] == "") || got != nil && !strings.Contains(got.Error(), want[i]) {
				t.Errorf("%s: %v, want %q", keys[i], err, want[i])
			}
			if err != nil && first == "" {
				first = want[i]
			}
		}
		_, err := NewKeyring("dealgate", keys)
		if (err == nil) != (first == "") || err != nil && !strings.Contains(err.Error(), first) {
			t.Errorf("NewKeyring: %v, want %q", err, first)
		}
	}
	f([]Key{good, other, public}, "", "", "")
	f([]Key{public, good}, "first key signs", "")
	f([]Key{good, other, good}, "", "", "used twice")
	f([]Key{good, broken, missing, {ID: "none", Alg: "HS256"}}, "", "in PEM", "no such file", "neither secret nor file")
	if err := Check([]Key{missing})[0]; !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "gone") {
		t.Errorf("%v, want that it does not exist, without its name", err)
	}
}

// A start must not wait for who writes into a FIFO.
func TestAKeyFileThatIsAFIFOIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Check([]Key{{ID: "k", Alg: "HS256", File: path}})[0]; err == nil || err.Error() != "not a file" {
		t.Error(err)
	}
	if _, err := Generate(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func writeKey(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
