package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dealgate/dealgate/queue"
)

// Bounds of what operators set.
const (
	minRate     = 1.0 / 86400 // per second: less than one a day is a slip; state hold stops a room
	maxRate     = 1_000_000
	maxCapacity = 10_000_000
	maxMessage  = 500 // characters
)

// because is an invalid change that names each field and what it may be.
func (p problem) because(faults []fault) problem {
	details := make([]string, len(faults))
	for i, f := range faults {
		details[i] = strings.TrimPrefix(f.Field+": "+f.Detail, ": ")
	}
	p.Detail, p.Errors = strings.Join(details, "; "), faults
	return p
}

// decodePatch reads a merge patch. It returns every fault.
func decodePatch(body []byte) (queue.Control, []fault) {
	var c queue.Control
	if !utf8.Valid(body) {
		return c, []fault{{"", "want JSON in UTF-8"}}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return c, []fault{{"", "want a JSON object, such as {\"rate\": \"50/s\"}"}}
	}
	var faults []fault
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return c, []fault{{"", "the JSON is malformed or ends early"}}
		}
		field := name.(string)
		if seen[field] {
			faults = append(faults, fault{oneLine(field), "is given twice"})
		} else if detail := setField(&c, field, value); detail != "" {
			faults = append(faults, fault{oneLine(field), detail})
		}
		seen[field] = true
	}
	if _, err := dec.Token(); err != nil {
		return c, []fault{{"", "the JSON is malformed or ends early"}}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return c, []fault{{"", "want one JSON object and nothing behind it"}}
	}
	return c, faults
}

// setField sets the field of c that is called name; else it says what is allowed.
func setField(c *queue.Control, name string, value []byte) string {
	switch name {
	case "state":
		return set(&c.State, value, readState)
	case "rate":
		return set(&c.Rate, value, readRate)
	case "capacity":
		return set(&c.Capacity, value, readCapacity)
	case "message":
		return set(&c.Message, value, readMessage)
	}
	return "unknown field: want state, rate, capacity or message"
}

// set reads value into ch; null clears.
func set[T any](ch *queue.Change[T], value []byte, read func([]byte) (T, string)) string {
	ch.Set = true
	if string(value) == "null" {
		return ""
	}
	to, detail := read(value)
	ch.To = &to
	return detail
}

func readState(value []byte) (queue.State, string) {
	var s queue.State
	err := json.Unmarshal(value, &s)
	switch s {
	case queue.Auto, queue.Hold, queue.Open, queue.Closed:
		if err == nil {
			return s, ""
		}
	}
	return s, "want \"auto\", \"hold\", \"open\" or \"closed\", or null for what is configured"
}

var (
	rateForm = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?/[smh]$`)
	perUnit  = map[byte]float64{'s': 1, 'm': 60, 'h': 3600}
)

// readRate reads a number per second, or text as the configuration has it.
func readRate(value []byte) (float64, string) {
	var text string
	n, err := strconv.ParseFloat(string(value), 64)
	if json.Unmarshal(value, &text) == nil && rateForm.MatchString(text) {
		last := len(text) - 1
		n, err = strconv.ParseFloat(text[:last-1], 64)
		n /= perUnit[text[last]]
	}
	if err != nil || !(n >= minRate && n <= maxRate) {
		return 0, fmt.Sprintf("want a number per second or \"N/s\", \"N/m\", \"N/h\", at least one a day and at most %d/s, or null for what is configured; state hold stops a room", maxRate)
	}
	return n, ""
}

func readCapacity(value []byte) (int, string) {
	n, err := strconv.Atoi(string(value))
	if err != nil || value[0] == '-' || n > maxCapacity { // -0 is a slip, and 0 is unlimited
		return 0, fmt.Sprintf("want a whole number from 0 (unlimited) to %d, or null for what is configured", maxCapacity)
	}
	return n, ""
}

func readMessage(value []byte) (string, string) {
	var s string
	if json.Unmarshal(value, &s) != nil || utf8.RuneCountInString(s) > maxMessage || strings.ContainsFunc(s, unprintable) {
		return "", fmt.Sprintf("want text of at most %d characters without control characters, or null for none", maxMessage)
	}
	return s, ""
}

// unprintable says whether r could break a line or turn text around.
func unprintable(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == utf8.RuneError || r == '\ufeff'
}
