package configs

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntax reports text that is no YAML.
func (r *report) syntax(data []byte, err error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	n := faultyLine(lines)
	if m := yamlLine.FindStringSubmatch(err.Error()); n == 0 && m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	n = min(max(n, 1), len(lines))
	if n > 1 && noSpace.Match(lines[n-2]) && !noSpace.Match(lines[n-1]) {
		n-- // with no space after its colon it was text, to which this line does not fit
	}
	r.addf(n, "", "%s", explain(string(lines[n-1]), err.Error()))
}

var topLevel = regexp.MustCompile(`^[A-Za-z_]+:`)

// faultyLine returns the line, from 1, at which the text stops to be YAML; 0
// if that cannot be told. The parser's own line is often that of what the fault
// is part of, or the one before. It looks at each top-level key by itself.
func faultyLine(lines [][]byte) int {
	for from := 0; from < len(lines); {
		to := from + 1
		for to < len(lines) && !topLevel.Match(lines[to]) {
			to++
		}
		if section := lines[from:to]; !parses(bytes.Join(section, nil)) {
			if n := lineBehind(section); n > 0 {
				return from + n
			}
			return 0
		}
		from = to
	}
	return 0
}

// searched bounds the bytes parsed to find a line.
const searched = 2 << 20

// lineBehind returns the line behind the longest beginning that parses; 0 if
// it takes too long to find.
func lineBehind(lines [][]byte) int {
	budget := searched
	for n := len(lines); n > 0; n-- {
		beginning := bytes.Join(lines[:n-1], nil)
		if budget -= len(beginning); budget < 0 {
			return 0
		}
		if parses(beginning) {
			return n
		}
	}
	return 1
}

func parses(data []byte) bool {
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return err.Error() == "EOF"
		}
	}
}

var (
	badStart    = regexp.MustCompile("(?:^|[:\\-,\\[{]) *([*&!%@`])")
	noSpace     = regexp.MustCompile(`^[ \-{]*([A-Za-z_]{1,24}):[^ \t\r\n/]`)
	tabInIndent = regexp.MustCompile(`^ *\t`)
)

// hints says what the parser's words mean, by a part of them.
var hints = [][2]string{
	{"mapping values are not allowed", `": " does not belong here: the indentation does not fit, or the text needs quotes`},
	{"did not find expected key", "the indentation does not fit the lines above"},
	{"did not find expected '-' indicator", "the indentation does not fit the list above"},
	{"could not find expected ':'", `want "key: value"`},
	{"did not find expected ',' or ']'", "a [ that begins here is not closed, or a comma is missing in it"},
	{"did not find expected node content", "a [ or { that begins here is not closed, or a comma is missing in it"},
	{"did not find expected ',' or '}'", "a { that begins here is not closed, or a comma is missing in it"},
	{"found unexpected end of stream", "a quote that begins here is not closed"},
	{"found unknown escape character", `\ in double quotes begins an escape: double it, or use single quotes`},
	{"control characters are not allowed", "control characters are not allowed"},
	{"UTF-8", "want UTF-8"},
	{"UTF-16", "want UTF-8"},
	{"exceeded max depth", "nested too deep"},
}

// explain says what is wrong with a line the parser stopped at. Of the line it
// repeats no more than a key: it may hold a secret.
func explain(line, parser string) string {
	if tabInIndent.MatchString(line) {
		return "not YAML: a tab in the indentation; want spaces"
	}
	if m := badStart.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("not YAML: text that begins with %s needs quotes, as \"%s…\"", m[1], m[1])
	}
	if m := noSpace.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("not YAML: a space is missing after %s:", m[1])
	}
	for _, h := range hints {
		if strings.Contains(parser, h[0]) {
			return "not YAML: " + h[1]
		}
	}
	return "not YAML: neither a \"key: value\" nor a \"- item\" can be read here"
}
