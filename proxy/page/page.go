// Package page renders what a visitor sees instead of the shop: the waiting
// page in all its states, and the error page. It decides how a browser waits
// and comes back; whether it may pass is decided elsewhere, by the tokens it
// sends. It trusts the URLs of a [View] and no other value of it.
//
// # How a browser comes back
//
// Without JavaScript, by the Refresh header of [AppendRefresh] alone: it leads
// to the page again, with the lowest number of people ahead that was shown, and
// to the protected URL once called. With JavaScript the page polls the status
// object, and must not be reloaded under its visitor by that same header:
// window.stop() after the load event cancels it. Measured in Chromium 156:
// cancelled whether called while parsing, at the load event or later, and for
// the header of a 503 as for that of a 200; without JavaScript the header is
// followed. A browser that did not cancel it would reload the page at that
// interval, and lose nothing: the place is in the cookie, the number in the URL.
//
// "Your turn" needs no reaction: the page goes on by itself, and who was away
// may still enter for the time the room keeps passed places. So there is no
// warning of a time limit, and no button to extend it (WCAG 2.2.1).
package page

import "time"

// States of a [View]: those of the status object, and Left, which only the
// page knows.
const (
	Prequeue = "prequeue"
	Waiting  = "waiting"
	Called   = "called"
	Admitted = "admitted"
	Paused   = "paused"
	SoldOut  = "sold_out"
	Closed   = "closed"
	Expired  = "expired"
	Left     = "left" // gave its place up by the form; nobody is in line
)

// View is what one response of the waiting page shows. Its text is shown as
// text, whatever it holds; URLs are taken as given and must have been checked.
type View struct {
	Room  string
	State string
	Lang  string // as [Language] answers

	HasPlace bool  // Place, Ahead and Progress mean something
	Place    int64 // from 1
	Ahead    int64 // present visitors before this one
	Waiting  int64 // present visitors in line; 0: not said
	Seen     int64 // the lowest Ahead the visitor was shown before; below 0: none

	Known     bool          // ETA, Low and High mean something
	AtLeast   bool          // nobody knows an upper end: only Low is shown
	ETA       time.Duration // the most likely
	Low, High time.Duration // the range shown; High 0: there is only ETA
	ReadyAt   time.Time     // when it will be about this visitor's turn, or the room opens; zero: not said

	Progress  float64       // 0 to 1
	Rate      float64       // people let in per second; 0: not said
	Message   string        // the operator's; "" if none
	Reason    string        // a code, why the room is as it is; one without words in the catalog says nothing
	KeptUntil time.Time     // until when the place is kept for one who closes the page; zero: not said
	PollAfter time.Duration // when to ask again

	ReturnTo  string // path or allowed URL to go to when called; validated by the caller; "": /
	StatusURL string // GET answers the status object, DELETE leaves; "": /.dealgate/rooms/{room}/ticket
	RoomURL   string // GET answers the room's public state: what one without a place polls; "": /.dealgate/rooms/{room}
	LeaveURL  string // POST gives the place up; "": /.dealgate/rooms/{room}/ticket?leave
	WaitURL   string // GET answers this page again; "": /.dealgate/wait

	// Nonce is of this response alone, at least 128 random bits in letters,
	// digits, +, /, - and _: crypto/rand.Text() is one. The same one goes to [Policy].
	Nonce string
}

// Fault is what the error page says.
type Fault struct {
	Status    int    // HTTP status of the response; chooses the words
	Lang      string // as [Language] answers
	Nonce     string // see [View]
	Reference string // request id to tell to support; "" if none
	Back      string // path of the link to try again; "" if none
}

// Append appends the whole HTML page for v to dst and returns the longer slice.
func Append(dst []byte, v *View) []byte {
	l := language(v.Lang)
	return l.waitPage.append(dst, &waiting{View: v, language: l, words: l.words(v)})
}

// AppendError appends a whole HTML page that says what went wrong, and nothing
// of the inside.
func AppendError(dst []byte, f *Fault) []byte {
	l := language(f.Lang)
	return l.faultPage.append(dst, &failing{Fault: f, words: l.fail(f.Status)})
}

// Policy appends the Content-Security-Policy of a page with this nonce.
func Policy(dst []byte, nonce string) []byte {
	dst = append(dst, "default-src 'none'; script-src 'nonce-"...)
	dst = append(dst, nonce...)
	dst = append(dst, "'; style-src 'nonce-"...)
	dst = append(dst, nonce...)
	return append(dst, "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"...)
}
