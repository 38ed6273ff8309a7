package configs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// expand replaces each ${NAME} of text by the variable, and $${ by ${. Its
// error names the variable and never a value.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, doubled := strings.CutSuffix(before, "$"); doubled {
			b.WriteString(literal + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("a ${ is not closed: want ${NAME}, or $${ for the text ${")
		}
		if !variable.MatchString(name) {
			return "", errors.New("a ${…} holds more than a name: want ${NAME}, of letters, digits and _, or $${ for the text ${")
		}
		value, set := env(name)
		if !set {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		b.WriteString(value)
		text = after
	}
}
