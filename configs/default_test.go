package configs

import (
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestDefaultIsTheManual: default.yaml is itself a valid file, gives every
// option once, and explains each in the lines above it.
func TestDefaultIsTheManual(t *testing.T) {
	if _, err := Parse("default.yaml", Default, secretEnv); err != nil {
		t.Error(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(Default, &doc); err != nil {
		t.Fatal(err)
	}
	documented(t, reflect.TypeFor[Config](), doc.Content[0], "")
}

func documented(t *testing.T, typ reflect.Type, n *yaml.Node, key string) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if isScalar(typ) || typ.Kind() == reflect.Slice && isScalar(typ.Elem()) {
		return
	}
	if typ.Kind() == reflect.Slice {
		if len(n.Content) != 1 {
			t.Fatalf("%s: want one element as the template", key)
		}
		documented(t, typ.Elem(), n.Content[0], key+"[0]")
		return
	}
	if key == "routes[0].match[0]" {
		return // as in rooms
	}
	for i, name := range keysOf(typ) {
		at := -1
		for j := 0; j < len(n.Content); j += 2 {
			if n.Content[j].Value == name {
				at = j
			}
		}
		if at < 0 {
			t.Errorf("%s: not in default.yaml", join(key, name))
			continue
		}
		comment := n.Content[at].HeadComment
		if at == 0 {
			comment += n.HeadComment // of the first key of a list's element
		}
		if comment == "" {
			t.Errorf("%s: not explained", join(key, name))
		}
		if _, example := tag(typ.Field(i)); example != strings.Contains(comment, "(example)") {
			t.Errorf("%s: example is %v, and the comment says %q", join(key, name), example, comment)
		}
		documented(t, typ.Field(i).Type, n.Content[at+1], join(key, name))
	}
}
