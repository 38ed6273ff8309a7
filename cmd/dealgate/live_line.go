package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// liveLine shows how a run goes: redrawn in place on a terminal, a line per
// second elsewhere.
type liveLine struct {
	out   io.Writer
	tty   bool
	drawn bool
}

func newLiveLine(out io.Writer) *liveLine {
	f, isFile := out.(*os.File)
	return &liveLine{out: out, tty: isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"}
}

// every is how often show is worth calling.
func (l *liveLine) every() time.Duration {
	if l.tty {
		return 200 * time.Millisecond
	}
	return time.Second
}

// show draws text, cut to the terminal's width so that it stays one line.
func (l *liveLine) show(text string) {
	if !l.tty {
		fmt.Fprintln(l.out, text)
		return
	}
	if f, ok := l.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 {
			if runes := []rune(text); len(runes) >= width {
				text = string(runes[:width-1])
			}
		}
	}
	fmt.Fprintf(l.out, "\r\x1b[K%s", text)
	l.drawn = true
}

// end leaves the last drawn line standing and starts a new one.
func (l *liveLine) end() {
	if l.tty && l.drawn {
		fmt.Fprintln(l.out)
	}
	l.drawn = false
}
