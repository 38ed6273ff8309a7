package configs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"gopkg.in/yaml.v3"
)

// Default is default.yaml: every option with its default and a comment. Its
// lists and its backend are templates of what they hold: no file that leaves
// them out gets them.
//
//go:embed default.yaml
var Default []byte

// maxSize bounds a file, in bytes.
const maxSize = 256 << 10

// A Check holds a Config against rules that others know, such as what a good
// key is, and reports each fault with the key of its value. It is called for
// files that have faults already, so the Config may be incomplete: what is said
// of a value that is faulty anyhow is dropped. It must not repeat values.
type Check func(cfg *Config, fault func(key, text string))

// Load reads the file at path, with the environment of the process, and holds
// it against checks too. What is wrong with its content is a [Faults].
func Load(path string, checks ...Check) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, data, os.LookupEnv, checks...)
}

// Parse reads data as the file called name. env looks up an environment
// variable, like [os.LookupEnv]. What is wrong with data is a [Faults].
func Parse(name string, data []byte, env func(string) (string, bool), checks ...Check) (*Config, error) {
	defaults, err := defaultConfig()
	if err != nil {
		return nil, err
	}
	return parseOver(defaults, name, data, env, checks)
}

// parseOver is Parse with the values of default.yaml, which it leaves as they are.
func parseOver(defaults *Config, name string, data []byte, env func(string) (string, bool), checks []Check) (*Config, error) {
	r := newReport(name)
	root := r.document(data)
	if root == nil {
		return nil, r.err()
	}
	template := reflect.ValueOf(defaults).Elem()
	cfg := blank(template)
	d := decoder{r, env}
	d.value(cfg, template, root, "")
	c := checker{r, cfg.Addr().Interface().(*Config)}
	c.all()
	for _, check := range checks {
		check(c.cfg, r.also)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	c.cfg.settle()
	return c.cfg, nil
}

// document returns the root of the only document in data, or nil and a fault.
// A file without content is an empty mapping.
func (r *report) document(data []byte) *yaml.Node {
	if len(data) > maxSize {
		r.addf(1, "", "the file is larger than %d bytes", maxSize)
		return nil
	}
	r.last = max(1, bytes.Count(data, []byte("\n"))+min(1, len(data)-1-bytes.LastIndexByte(data, '\n')))
	empty := &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return empty
	} else if err != nil {
		r.syntax(data, err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF) && doc.Content[0].ShortTag() == "!!null":
		return empty
	case errors.Is(err, io.EOF):
		return doc.Content[0]
	case err != nil:
		r.syntax(data, err)
	default:
		r.addf(second.Line, "", "a second YAML document begins here; a file holds one")
	}
	return nil
}

// defaultConfig reads default.yaml with its templates.
func defaultConfig() (*Config, error) {
	r := newReport("default.yaml")
	cfg := new(Config)
	asWritten := func(name string) (string, bool) { return "${" + name + "}", true }
	if root := r.document(Default); root != nil {
		d := decoder{r, asWritten}
		d.value(reflect.ValueOf(cfg).Elem(), reflect.Value{}, root, "")
	}
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("built in: %w", err)
	}
	return cfg, nil
}
