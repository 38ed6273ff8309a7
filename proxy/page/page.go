// Package page renders what a visitor sees instead of the shop: the waiting
// page in all its states, and the error page.
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
	ETA       time.Duration //
	Low, High time.Duration // the range shown
	ReadyAt   time.Time     // when it will be about this visitor's turn; zero: not said

	Progress  float64       // 0 to 1
	Rate      float64       // people let in per second; 0: not said
	Message   string        // the operator's; "" if none
	Reason    string        // why the room is as it is, for the visitor; "" if none
	KeptUntil time.Time     // until when the place is kept for one who closes the page; zero: not said
	PollAfter time.Duration // when to ask again

	ReturnTo  string // path or allowed URL to go to when called; validated by the caller
	StatusURL string // GET answers the status object; "": /.dealgate/rooms/{room}/ticket
	LeaveURL  string // POST gives the place up; "": StatusURL + "?leave"
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
func Append(dst []byte, v *View) []byte { return dst }

// AppendError appends a whole HTML page that says what went wrong, and nothing
// of the inside.
func AppendError(dst []byte, f *Fault) []byte { return dst }

// AppendRefresh appends the value of the Refresh header that goes with the page
// for v. It appends nothing where a visitor has nothing to come back for: then
// there must be no such header.
func AppendRefresh(dst []byte, v *View) []byte { return dst }

// RefreshAfter is when a visitor without JavaScript comes back by the page for
// v; 0 if it does not. It may be longer than v.PollAfter: presence must be
// promised for the longer of the two.
func RefreshAfter(v *View) time.Duration { return 0 }

// Policy appends the Content-Security-Policy of a page with this nonce.
func Policy(dst []byte, nonce string) []byte { return dst }

// Language answers the language to serve, "en" or "ko", for the value of an
// Accept-Language header. It is "en" where the header asks for neither.
func Language(accept []byte) string { return "en" }

// Duration says d in words, in the two largest units that matter: "9 h 46 min".
func Duration(lang string, d time.Duration) string { return "" }
