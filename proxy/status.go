package proxy

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/dealgate/dealgate/queue"
)

// states of the status object.
const (
	stateWaiting  = "waiting"
	stateCalled   = "called"
	stateAdmitted = "admitted"
	statePaused   = "paused"
	stateSoldOut  = "sold_out"
	stateClosed   = "closed"
	stateExpired  = "expired"
)

// reasonAway is the status object's reason while the room's store is away:
// what it says is the last that is known.
const reasonAway = "store_away"

// status is what a visitor is told about itself.
type status struct {
	room     *room
	state    string
	ticket   queue.Ticket // zero: has no place
	estimate queue.Estimate
	progress float64
	poll     time.Duration
	message  string
	reason   string
	now      time.Time

	pass     []byte // for callers with a bearer token
	passEnds int64  // unix seconds; 0: none
	token    []byte // the ticket, for callers that are no browsers
	returnTo string
	kept     int64 // unix seconds until when the place may claim; 0: not said

	public  bool // of the room, not of a visitor
	waiting int64
	rate    float64
}

// append appends the status object as JSON.
func (s *status) append(dst []byte) []byte {
	dst = append(dst, `{"room":"`...)
	dst = append(dst, s.room.name...)
	if s.ticket.Lane != "" {
		dst = append(dst, `","lane":"`...)
		dst = append(dst, s.ticket.Lane...) // signed by us: plain
	}
	dst = append(dst, `","state":"`...)
	dst = append(dst, s.state...)
	dst = append(dst, '"')
	if s.ticket.Place > 0 {
		dst = append(dst, `,"place":`...)
		dst = strconv.AppendInt(dst, s.ticket.Place, 10)
	}
	if s.inLine() {
		dst = s.appendLine(dst)
	}
	if s.public {
		dst = strconv.AppendInt(append(dst, `,"waiting":`...), s.waiting, 10)
		if s.rate > 0 {
			dst = appendHundredths(append(dst, `,"rate":`...), s.rate)
		}
	}
	if s.poll > 0 {
		dst = append(dst, `,"poll_after_ms":`...)
		dst = strconv.AppendInt(dst, s.poll.Milliseconds(), 10)
	}
	dst = appendText(dst, `,"message":`, s.message)
	dst = appendText(dst, `,"reason":`, s.reason)
	dst = s.appendStock(dst)
	if s.passEnds > 0 {
		dst = appendInstant(append(dst, `,"pass_expires_at":`...), time.Unix(s.passEnds, 0))
	}
	dst = appendToken(dst, `,"pass":"`, s.pass)
	dst = appendToken(dst, `,"ticket":"`, s.token)
	dst = appendText(dst, `,"return_to":`, s.returnTo)
	return append(dst, "}\n"...)
}

// inLine reports whether the visitor has a place that is not called yet.
func (s *status) inLine() bool {
	return s.ticket.Place > 0 && (s.state == stateWaiting || s.state == statePaused)
}

// appendLine appends what a place in line means.
func (s *status) appendLine(dst []byte) []byte {
	e := &s.estimate
	dst = append(dst, `,"ahead":`...)
	dst = strconv.AppendInt(dst, e.Ahead, 10)
	dst = append(dst, `,"waiting":`...)
	dst = strconv.AppendInt(dst, e.Waiting, 10)
	dst = append(dst, `,"progress":`...)
	dst = appendHundredths(dst, s.progress)
	if e.Known && s.state == stateWaiting {
		dst = append(dst, `,"eta":{"seconds":`...)
		dst = strconv.AppendInt(dst, int64(e.ETA/time.Second), 10)
		dst = append(dst, `,"low":`...)
		dst = strconv.AppendInt(dst, int64(e.Low/time.Second), 10)
		if e.AtLeast {
			dst = append(dst, `,"at_least":true`...)
		} else {
			dst = append(dst, `,"high":`...)
			dst = strconv.AppendInt(dst, int64(e.High/time.Second), 10)
		}
		dst = append(appendInstant(append(dst, `,"at":`...), s.now.Add(e.ETA)), '}')
	}
	if e.Rate > 0 {
		dst = append(dst, `,"rate":`...)
		dst = appendHundredths(dst, e.Rate)
	}
	if s.kept > 0 {
		dst = appendInstant(append(dst, `,"kept_until":`...), time.Unix(s.kept, 0))
	}
	return dst
}

// appendInstant appends t as a JSON string.
func appendInstant(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(append(dst, '"'), time.RFC3339)
	return append(dst, '"')
}

// appendStock appends what is left of the room's deals, and for a place in
// line whether that is likely to be enough: for one unit each.
func (s *status) appendStock(dst []byte) []byte {
	if s.room.Stock == nil {
		return dst
	}
	n, known := s.room.Stock.Left()
	if !known {
		return dst
	}
	dst = append(dst, `,"stock":{"remaining":`...)
	dst = strconv.AppendInt(dst, max(n, 0), 10)
	if s.inLine() {
		if s.estimate.Ahead < n {
			dst = append(dst, `,"chance":"likely"`...)
		} else {
			dst = append(dst, `,"chance":"unlikely"`...)
		}
	}
	return append(dst, '}')
}

// appendHundredths appends v with at most two decimals.
func appendHundredths(dst []byte, v float64) []byte {
	n := int64(math.Round(v * 100))
	dst = strconv.AppendInt(dst, n/100, 10)
	if n %= 100; n > 0 {
		dst = append(dst, '.', byte('0'+n/10))
		if n%10 > 0 {
			dst = append(dst, byte('0'+n%10))
		}
	}
	return dst
}

// appendToken appends a field unless its value is empty. Tokens need no escapes.
func appendToken(dst []byte, field string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(append(dst, field...), value...)
	return append(dst, '"')
}

// appendText appends a field unless its value is empty.
func appendText(dst []byte, field, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, field...), value)
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c < ' ' || c == 0x7f || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029:
			dst = append(dst, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}

// progress is how far a place has come since it joined, 0 to 1.
func progress(place, joined, head int64) float64 {
	if place <= joined {
		return 1
	}
	return min(max(float64(head-joined)/float64(place-joined), 0), 1)
}
