package configs

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// written is a scalar as the file has it.
type written struct {
	text     string // after expansion
	shown    string // as the file has it, quoted and cut
	tag      string // YAML's type of it: !!str, !!int, !!float, !!bool, …; !!str if expanded
	plain    bool   // it may be taken for a number or a truth value: without quotes, or expanded
	expanded bool   // text holds a variable's value, which no fault may show
}

// hintf is the end of a fault that repeats text in a better form; nothing if
// that would show a variable's value.
func (w written) hintf(format string, args ...any) string {
	if w.expanded {
		return ""
	}
	return ": write " + fmt.Sprintf(format, args...)
}

// scalar sets v to what n says.
func (d *decoder) scalar(v reflect.Value, n *yaml.Node, key string) {
	if n.Kind != yaml.ScalarNode {
		d.unreadf(n.Line, key, "want %s, got %s", wanted(v.Type()), kind(n))
		return
	}
	text, err := expand(n.Value, d.env)
	if err != nil {
		d.unreadf(n.Line, key, "%v", err)
		return
	}
	w := written{text: text, shown: show(n.Value), tag: n.ShortTag(), expanded: text != n.Value}
	w.plain = w.expanded || n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if w.expanded {
		w.tag = "!!str"
	}
	d.shown[key] = w.shown
	value, err := read(v.Type(), w, key)
	if err != nil {
		d.unreadf(n.Line, key, "%v", err)
		return
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
}

// read returns w as a value that converts to t.
func read(t reflect.Type, w written, key string) (any, error) {
	switch t {
	case reflect.TypeFor[Secret]():
		if w.tag != "!!str" && w.tag != "!!timestamp" {
			return nil, errors.New("want text: write it in quotes")
		}
		return w.text, nil
	case reflect.TypeFor[time.Duration]():
		return duration(w)
	case reflect.TypeFor[Rate]():
		return rate(w)
	case reflect.TypeFor[time.Time]():
		return instant(w)
	case reflect.TypeFor[netip.Prefix]():
		return prefix(w)
	}
	switch t.Kind() {
	case reflect.Bool:
		if !w.plain || w.text != "true" && w.text != "false" {
			return nil, fmt.Errorf("want true or false, got %s", w.shown)
		}
		return w.text == "true", nil
	case reflect.Int, reflect.Int64:
		return integer(w)
	default:
		return text(w, key)
	}
}

func text(w written, key string) (string, error) {
	switch {
	case w.tag == "!!str" || w.tag == "!!timestamp":
		return w.text, nil
	case strings.HasSuffix(key, "listen"):
		return "", fmt.Errorf("want an address such as \":8080\" or \"127.0.0.1:8080\", got a number%s", w.hintf("%s", show(":"+w.text)))
	}
	return "", fmt.Errorf("want text%s", w.hintf("%s with the quotes", w.shown))
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func integer(w written) (int64, error) {
	n, err := strconv.ParseInt(w.text, 10, 64)
	switch {
	case !w.plain && decimal.MatchString(w.text):
		return 0, fmt.Errorf("want a whole number, got text%s", w.hintf("%s without quotes", w.text))
	case !w.plain || !decimal.MatchString(w.text):
		return 0, fmt.Errorf("want a whole number in decimal digits, such as 1000, got %s", w.shown)
	case err != nil:
		return 0, fmt.Errorf("want a whole number below 2^63, got %s", w.shown)
	}
	return n, nil
}

var days = regexp.MustCompile(`^([1-9][0-9]{0,3})(d|day|days)$`)

func duration(w written) (time.Duration, error) {
	if d := days.FindStringSubmatch(w.text); d != nil {
		n, _ := strconv.Atoi(d[1])
		return 0, fmt.Errorf("days are no unit of a duration%s", w.hintf("%dh", 24*n))
	}
	if decimal.MatchString(w.text) && w.text != "0" {
		return 0, fmt.Errorf("the unit is missing: want a duration such as 30s, 10m or 1h30m, got %s", w.shown)
	}
	d, err := time.ParseDuration(w.text)
	if err != nil {
		return 0, fmt.Errorf("want a duration such as 30s, 10m or 1h30m, got %s", w.shown)
	}
	return d, nil
}

var rateForm = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,9})?)/([smh])$`)

// Bounds of a rate, per second. Less than one a day is a slip.
const (
	minRate = 1.0 / 86400
	maxRate = 1_000_000
)

func rate(w written) (Rate, error) {
	m := rateForm.FindStringSubmatch(w.text)
	if m == nil {
		hint := ""
		if rateForm.MatchString(w.text + "/s") {
			hint = w.hintf("\"%s/s\"", w.text)
		}
		return 0, fmt.Errorf("want N/s, N/m or N/h with N above 0, such as \"50/s\" or \"3000/m\", got %s%s", w.shown, hint)
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[m[2]]
	if n/per < minRate || n/per > maxRate {
		return 0, fmt.Errorf("want at least one a day (0.042/h) and at most %d/s, got %s; a state of hold stops a room", maxRate, w.shown)
	}
	return Rate(n / per), nil
}

func instant(w written) (time.Time, error) {
	if w.text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, w.text)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a time with its zone, such as \"2026-11-20T10:00:00+09:00\", got %s", w.shown)
	}
	return t, nil
}

func prefix(w written) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(w.text); err == nil && a.Zone() == "" {
		return netip.Prefix{}, fmt.Errorf("want a CIDR, got %s%s", w.shown, w.hintf("\"%s\"", netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())))
	}
	p, err := netip.ParsePrefix(w.text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("want a CIDR such as \"10.0.0.0/8\" or \"2001:db8::/32\", got %s", w.shown)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("want a CIDR without host bits, got %s%s", w.shown, w.hintf("\"%s\"", p.Masked()))
	}
	return p, nil
}

// show quotes the beginning of a value for a fault.
func show(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}

// wanted says what a type is written as.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 10m"
	case reflect.TypeFor[Rate]():
		return "a rate such as \"50/s\""
	case reflect.TypeFor[time.Time]():
		return "a time such as \"2026-11-20T10:00:00+09:00\""
	case reflect.TypeFor[netip.Prefix]():
		return "a CIDR such as \"10.0.0.0/8\""
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list such as [a, b]"
	case reflect.Struct, reflect.Pointer:
		return "a mapping of keys to values"
	}
	return "text"
}
