package configs

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder lays a document over a Config. It reports every fault and goes on.
type decoder struct {
	*report
	env func(string) (string, bool)
}

// value sets v, which holds its default, to what n says. template is what
// default.yaml has at this key: the elements of a list start from its first
// element. It is the zero Value while default.yaml itself is read.
func (d *decoder) value(v, template reflect.Value, n *yaml.Node, key string) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.unreadf(n.Line, key, "anchors and aliases (& and *) are not supported: write the value out, or quote text that begins with one")
	case n.Style&yaml.TaggedStyle != 0:
		d.unreadf(n.Line, key, "YAML tags (!) are not supported: write the value alone, or quote text that begins with one")
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		d.unreadf(n.Line, key, "has no value: want %s, or leave the key out", wanted(v.Type()))
	case isScalar(v.Type()):
		d.scalar(v, n, key)
	case v.Kind() == reflect.Pointer:
		if template.IsValid() {
			template = template.Elem()
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.begin(v.Elem(), template)
		d.value(v.Elem(), template, n, key)
	case v.Kind() == reflect.Slice:
		d.list(v, template, n, key)
	default:
		d.mapping(v, template, n, key)
	}
}

func (d *decoder) list(v, template reflect.Value, n *yaml.Node, key string) {
	if n.Kind != yaml.SequenceNode {
		d.unreadf(n.Line, key, "want %s, got %s", wanted(v.Type()), kind(n))
		return
	}
	var first reflect.Value
	if template.IsValid() && template.Len() > 0 {
		first = template.Index(0)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, elem := range n.Content {
		sub := key + "[" + strconv.Itoa(i) + "]"
		d.lines[sub] = elem.Line
		d.begin(v.Index(i), first)
		d.value(v.Index(i), first, elem, sub)
	}
}

func (d *decoder) mapping(v, template reflect.Value, n *yaml.Node, key string) {
	if n.Kind != yaml.MappingNode {
		d.unreadf(n.Line, key, "want %s, got %s", wanted(v.Type()), kind(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		field := fieldOf(v.Type(), name.Value)
		if name.Kind != yaml.ScalarNode || field < 0 {
			d.unknown(v.Type(), name, key)
			continue
		}
		sub := strings.TrimPrefix(key+"."+name.Value, ".")
		if d.lines[sub] > 0 {
			d.addf(name.Line, sub, "is given twice: first in line %d", d.lines[sub])
			continue
		}
		d.lines[sub] = name.Line
		var t reflect.Value
		if template.IsValid() {
			t = template.Field(field)
		}
		d.value(v.Field(field), t, n.Content[i+1], sub)
	}
}

// begin sets v to what its template gives it.
func (d *decoder) begin(v, template reflect.Value) {
	if template.IsValid() {
		v.Set(blank(template))
	}
}

// blank returns what a value starts from: its template without the examples,
// lists of mappings and optional sections empty.
func blank(template reflect.Value) reflect.Value {
	t := template.Type()
	v := reflect.New(t).Elem()
	switch {
	case isScalar(t):
		v.Set(template)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if _, example := tag(t.Field(i)); !example {
				v.Field(i).Set(blank(template.Field(i)))
			}
		}
	case t.Kind() == reflect.Slice && isScalar(t.Elem()):
		v.Set(reflect.AppendSlice(v, template))
	}
	return v
}

// isScalar says whether a type is written as one value.
func isScalar(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[netip.Prefix]():
		return true
	}
	return !slices.Contains([]reflect.Kind{reflect.Struct, reflect.Slice, reflect.Pointer}, t.Kind())
}

// tag returns the key of a field, and whether its value in default.yaml is an
// example only.
func tag(f reflect.StructField) (key string, example bool) {
	key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key, option == "example"
}

// fieldOf returns the index of the field of t that is written as key, or -1.
func fieldOf(t reflect.Type, key string) int {
	return slices.Index(keysOf(t), key)
}

// keysOf returns the keys of t in the order of its fields.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i], _ = tag(t.Field(i))
	}
	return keys
}

// kind names what n is, without its value.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}
