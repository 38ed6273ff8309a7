package page

import (
	"cmp"
	"strconv"
	"time"
)

// waiting is one page to render: what it shows, and in which words.
type waiting struct {
	*View
	language *catalog
	words    words
}

// inLine says that the page shows where its visitor stands.
func (p *waiting) inLine() bool {
	return p.HasPlace && (p.State == Waiting || p.State == Paused)
}

// failing is one error page to render.
type failing struct {
	*Fault
	words words
}

// text is a slot of a string.
func text[T any](value func(*T) string) slot[T] {
	return func(dst []byte, p *T) []byte { return appendText(dst, value(p)) }
}

// whole is a slot of a number, without grouping: for the script.
func whole(value func(*waiting) int64) slot[waiting] {
	return func(dst []byte, p *waiting) []byte { return strconv.AppendInt(dst, value(p), 10) }
}

// hide is a slot in a tag: the element is hidden unless shown says so.
func hide[T any](shown func(*T) bool) slot[T] {
	return func(dst []byte, p *T) []byte {
		if shown(p) {
			return dst
		}
		return append(dst, " hidden"...)
	}
}

// link is a slot of an address to lead to.
func link[T any](value func(*T) string) slot[T] {
	return func(dst []byte, p *T) []byte { return appendText(dst, location(value(p))) }
}

func failingSlots() map[string]slot[failing] {
	return map[string]slot[failing]{
		"nonce":          text(func(p *failing) string { return p.Nonce }),
		"status":         text(func(p *failing) string { return strconv.Itoa(p.Status) }),
		"title":          text(func(p *failing) string { return p.words.Title }),
		"text":           text(func(p *failing) string { return p.words.Text }),
		"back":           link(func(p *failing) string { return p.Back }),
		"hide_back":      hide(func(p *failing) bool { return p.Back != "" }),
		"reference":      text(func(p *failing) string { return p.Reference }),
		"hide_reference": hide(func(p *failing) bool { return p.Reference != "" }),
	}
}

func waitingSlots() map[string]slot[waiting] {
	s := map[string]slot[waiting]{
		"nonce":   text(func(p *waiting) string { return p.Nonce }),
		"state":   text(func(p *waiting) string { return p.State }),
		"room":    text(func(p *waiting) string { return p.Room }),
		"title":   text(func(p *waiting) string { return p.words.Title }),
		"text":    text(func(p *waiting) string { return p.words.Text }),
		"go":      text(func(p *waiting) string { return p.words.Go }),
		"to":      link(func(p *waiting) string { return p.ReturnTo }),
		"tab":     text((*waiting).tab),
		"reason":  text((*waiting).reason),
		"opens":   text((*waiting).opens),
		"keep":    text((*waiting).keep),
		"message": text(func(p *waiting) string { return p.Message }),
		"reloads": text(func(p *waiting) string {
			return fill(p.language.Page["reloads"], "{d}", p.language.duration(RefreshAfter(p.View)))
		}),
		"leave_url":    link(func(p *waiting) string { return cmp.Or(p.LeaveURL, p.own("/ticket?leave")) }),
		"hide_go":      hide(func(p *waiting) bool { return p.words.Go != "" }),
		"hide_reason":  hide(func(p *waiting) bool { return p.reason() != "" }),
		"hide_opens":   hide(func(p *waiting) bool { return p.opens() != "" }),
		"hide_message": hide(func(p *waiting) bool { return p.Message != "" }),
		"hide_keep":    hide(func(p *waiting) bool { return p.keep() != "" }),
		"hide_reloads": hide(func(p *waiting) bool { return RefreshAfter(p.View) > 0 }),
		"hide_net":     hide(func(p *waiting) bool { return p.inLine() || p.State == Prequeue }),
		"hide_leave":   hide(func(p *waiting) bool { return p.inLine() || p.HasPlace && p.State == Prequeue }),
	}
	lineSlots(s)
	scriptSlots(s)
	return s
}

// lineSlots adds where the visitor stands: empty for one who is not in line.
func lineSlots(s map[string]slot[waiting]) {
	line := func(value func(*waiting) string) slot[waiting] {
		return text(func(p *waiting) string {
			if !p.inLine() {
				return ""
			}
			return value(p)
		})
	}
	s["n"] = line(func(p *waiting) string { return p.language.number(p.shown()) })
	s["ahead"] = line(func(p *waiting) string { return p.language.Live.Ahead.of(p.shown()) })
	s["place_n"] = line(func(p *waiting) string { return p.language.number(p.Place) })
	s["progress"] = whole(func(p *waiting) int64 { return int64(1000 * min(max(p.Progress, 0), 1)) })
	s["wait"] = line(func(p *waiting) string { main, _ := p.language.wait(p.View); return main })
	s["between"] = line(func(p *waiting) string { _, between := p.language.wait(p.View); return between })
	s["at"] = line(func(p *waiting) string {
		if p.ReadyAt.IsZero() || !p.Known || p.AtLeast {
			return ""
		}
		return fill(p.language.Live.At, "{t}", clock(p.ReadyAt))
	})
	s["line"] = line(func(p *waiting) string {
		if p.View.Waiting <= 0 {
			return ""
		}
		return p.language.count(p.language.Live.Line, p.View.Waiting)
	})
	s["rate"] = text((*waiting).pace)
	s["hide_line"] = hide((*waiting).inLine)
	s["hide_wait"] = hide(func(p *waiting) bool { return p.State == Waiting })
	s["hide_speed"] = hide(func(p *waiting) bool { return p.pace() != "" })
}

// scriptSlots adds what the script starts from: data, never code.
func scriptSlots(s map[string]slot[waiting]) {
	s["place"] = text(func(p *waiting) string {
		if !p.HasPlace {
			return ""
		}
		return strconv.FormatInt(p.Place, 10)
	})
	s["shown"] = whole(func(p *waiting) int64 {
		if !p.inLine() {
			return -1
		}
		return p.shown()
	})
	s["poll"] = whole(func(p *waiting) int64 { return int64(p.PollAfter / time.Millisecond) })
	s["status"] = link(func(p *waiting) string {
		if !p.HasPlace && p.State != Prequeue {
			return cmp.Or(p.RoomURL, p.own(""))
		}
		return cmp.Or(p.StatusURL, p.own("/ticket"))
	})
	s["at_data"] = text(func(p *waiting) string { return stamp(p.ReadyAt) })
	s["kept_data"] = text(func(p *waiting) string { return stamp(p.KeptUntil) })
}

// own is the gate's own address of the room, and what follows it.
func (p *waiting) own(rest string) string {
	return "/.dealgate/rooms/" + string(appendQuery(nil, p.Room)) + rest
}

func (p *waiting) tab() string {
	if !p.inLine() || p.shown() == 0 {
		return p.words.Title
	}
	l := p.language
	return fill(l.Live.Tab, "{n}", l.number(p.shown()), "{p}", l.number(p.Place))
}

func (p *waiting) pace() string {
	if !p.inLine() || p.State != Waiting {
		return ""
	}
	return p.language.rate(p.Rate)
}

// reason tells one who has a place why it does not move.
func (p *waiting) reason() string {
	if !p.HasPlace {
		return ""
	}
	return p.language.Live.Reasons[p.Reason]
}

func (p *waiting) opens() string {
	if p.State != Prequeue || p.ReadyAt.IsZero() {
		return ""
	}
	return fill(p.language.Live.Opens, "{t}", clock(p.ReadyAt))
}

func (p *waiting) keep() string {
	if !p.inLine() || p.KeptUntil.IsZero() {
		return ""
	}
	return fill(p.language.Live.Keep, "{t}", clock(p.KeptUntil))
}

// stamp is t as the script reads it; "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
