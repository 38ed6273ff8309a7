package page

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestLanguage(t *testing.T) {
	f := func(accept, want string) {
		t.Helper()
		if got := Language([]byte(accept)); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
	f("", "en")
	f("ko", "ko")
	f("KO-kr", "ko")
	f("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko")
	f("en-US,en;q=0.9,ko;q=0.8", "en")
	f("en;q=0.5, ko;q=0.9", "ko")
	f("ko, en", "ko")
	f("en, ko", "en")
	f("en;q=0.8, ko;q=0.8", "en")
	f("fr", "en")
	f("fr, ko;q=0.1", "ko")
	f("fr, de;q=0.9, en;q=0.2, ko;q=0.3", "ko")
	f("*", "en")
	f("ko;q=0", "en")
	f("*, en;q=0", "ko")
	f("*;q=0.9, en;q=0.1", "ko")
	f("kok", "en") // Konkani is not Korean
	f("ko;q=1.001, en;q=0.1", "en")
	f("ko;q=2", "en")
	f("ko;q=NaN, en;q=0.1", "en")
	f("ko;q=1e0", "en")
	f("ko;q=", "en")
	f("ko;v=1", "en")
	f(" ko ; Q = 0.3 ,, ;q=1", "ko")
	f(";;;,,,===", "en")
	f(strings.Repeat("x;q=0.1,", 10000)+"ko", "ko")
}

func FuzzLanguage(f *testing.F) {
	f.Add([]byte("ko-KR,ko;q=0.9,en;q=0.8"))
	f.Add([]byte("*;q=0,en;q=.5"))
	f.Fuzz(func(t *testing.T, accept []byte) {
		if got := Language(accept); got != "en" && got != "ko" {
			t.Fatalf("%q", got)
		}
	})
}

// The catalogs say the same things, with the same values in them.
func TestCatalogsAgree(t *testing.T) {
	flatten := func(name string) map[string]string {
		var tree any
		if err := json.Unmarshal([]byte(file(name)), &tree); err != nil {
			t.Fatal(err)
		}
		flat := map[string]string{}
		var walk func(path string, node any)
		walk = func(path string, node any) {
			if s, ok := node.(string); ok {
				flat[path] = s
				return
			}
			for k, v := range node.(map[string]any) {
				walk(path+"/"+k, v)
			}
		}
		walk("", tree)
		return flat
	}
	values := func(s string) string {
		var names []string
		for _, part := range strings.Split(s, "{")[1:] {
			name, _, _ := strings.Cut(part, "}")
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	en, ko := flatten("en.json"), flatten("ko.json")
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if strings.HasSuffix(key, "/one") {
			continue // Korean has one form
		}
		if ko[key] == "" {
			t.Errorf("ko.json lacks %s", key)
		}
		if values(en[key]) != values(ko[key]) {
			t.Errorf("%s: values %q in English, %q in Korean", key, values(en[key]), values(ko[key]))
		}
	}
	for key := range ko {
		if en[key] == "" {
			t.Errorf("en.json lacks %s", key)
		}
	}
}
