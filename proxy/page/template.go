package page

import (
	"fmt"
	"regexp"
	"strings"
)

// A template is a page split at its {{marks}}, so that to render is to append.
type template[T any] []piece[T]

// A piece is fixed text, and after it what slot appends for a page.
type piece[T any] struct {
	text string
	slot slot[T]
}

// A slot appends one value of a page; it escapes it.
type slot[T any] func(dst []byte, page *T) []byte

var mark = regexp.MustCompile(`\{\{([.\w]+)\}\}`)

// compile splits src at its marks. {{.name}} is the slot of that name; {{name}}
// is a fixed text, HTML already. It panics on a name that neither knows: src
// and both maps are part of the program.
func compile[T any](src string, fixed map[string]string, slots map[string]slot[T]) template[T] {
	for name, text := range fixed {
		src = strings.ReplaceAll(src, "{{"+name+"}}", text)
	}
	var t template[T]
	for {
		at := mark.FindStringSubmatchIndex(src)
		if at == nil {
			return append(t, piece[T]{text: src})
		}
		name := src[at[2]:at[3]]
		f := slots[strings.TrimPrefix(name, ".")]
		if f == nil || name[0] != '.' {
			panic(fmt.Sprintf("page: nobody knows {{%s}}", name))
		}
		t = append(t, piece[T]{src[:at[0]], f})
		src = src[at[1]:]
	}
}

func (t template[T]) append(dst []byte, page *T) []byte {
	for i := range t {
		dst = append(dst, t[i].text...)
		if t[i].slot != nil {
			dst = t[i].slot(dst, page)
		}
	}
	return dst
}

// squeeze drops what only authors read: indents, empty lines, comment lines.
func squeeze(src string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}
