package configs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what was said into testdata/bad, to be read before it is committed")

// hidden is in every secret of the files of testdata/bad, and of testEnv.
const hidden = "opensesame"

func testEnv(name string) (string, bool) {
	value, set := map[string]string{
		"HEX_SECRET":   "d41d8cd98f00b204e9800998ecf8427e" + hidden,
		"SHORT_SECRET": hidden,
		"NUMBER":       "4711",
	}[name]
	return value, set
}

// TestBadFilesStateTheirErrors reads every file of testdata/bad and compares
// all that is said about it with its lines that begin with #!.
func TestBadFilesStateTheirErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			body, want := split(string(data))
			cfg, err := Parse(filepath.Base(path), []byte(body), testEnv)
			if err == nil || cfg != nil {
				t.Fatalf("it was taken: %v", cfg)
			}
			if strings.Contains(err.Error(), hidden) || strings.Contains(err.Error(), "4711") {
				t.Errorf("a secret is said:\n%v", err)
			}
			got := "#! " + strings.ReplaceAll(err.Error(), "\n", "\n#! ") + "\n"
			if *rewrite {
				if err := os.WriteFile(path, []byte(body+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("said:\n%swant:\n%s", got, want)
			}
		})
	}
}

// split separates what a file of testdata/bad says about itself.
func split(data string) (body, errors string) {
	at := strings.Index(data, "#! ")
	if at < 0 {
		return data, ""
	}
	return data[:at], data[at:]
}
