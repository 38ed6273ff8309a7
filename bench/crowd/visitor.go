package crowd

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// A Visitor is one browser: its cookies, and what it lived through. Times are
// since the start of the run, 0 if it did not happen. A visitor's fields are its worker's:
// others read them in the callbacks and in the Report.
type Visitor struct {
	Number     int
	Arrived    time.Duration // when it meant to come
	Background bool
	Farewell   bool
	Places     []Place       // it was given, in order
	Called     time.Duration // it was first told that it is called
	Admitted   time.Duration // it was first let in
	Gone       time.Duration
	TurnedAway string // the state that sent it away: sold_out or closed
	Passes     []Stay // its sessions, in order
	// LastWaiting is when it last asked and was told to wait, before it was first
	// called. Those in Plain mode cannot tell: it stays 0, and they are called when let in.
	LastWaiting time.Duration
	Polls       int // it asked while waiting

	crowd   *Crowd
	worker  *worker // during its turn
	cookies []cookie
	stage   stage
	came    bool
	leaves  time.Duration // when its patience ends; 0: never
	leaving time.Duration // when its stay ends
}

// Place is a place in line, as its ticket says.
type Place struct {
	Lane         string
	Epoch, Place int64
	Given        time.Duration
}

// Stay is a session as the visitor's passes tell: from the answer that brought the
// first until the last one's end, or until the visitor gave it back.
type Stay struct {
	Lane         string
	Epoch, Place int64
	From, Until  time.Duration
}

type cookie struct{ name, value string }

// stage is where a visitor stands, as far as it knows.
type stage uint8

const (
	coming stage = iota
	waiting
	called
	inside
)

// The waits of those who are told none.
const (
	retryWait      = time.Second
	backgroundWait = time.Minute
)

// turn does what the visitor does now, and returns how long until its next
// turn; negative: it is gone. due is when it meant to do it.
func (v *Visitor) turn(w *worker, due time.Duration) time.Duration {
	v.worker = w
	wait := v.act(due)
	if wait < 0 {
		v.depart()
		return wait
	}
	if v.stage == waiting || v.stage == called {
		if v.Background {
			wait = max(wait, backgroundWait)
		}
		if v.leaves > 0 {
			wait = min(wait, max(v.leaves-v.crowd.since(), 0))
		}
	}
	return wait
}

func (v *Visitor) act(due time.Duration) time.Duration {
	cfg := &v.crowd.cfg
	if v.came && v.leaves > 0 && v.stage != inside && v.crowd.since() >= v.leaves {
		v.farewell()
		return -1
	}
	switch v.stage {
	case coming:
		if !v.came {
			v.came = true
			v.crowd.counts.arrived.Add(1)
		}
		if cfg.Mode != API {
			return v.enter(due, Join)
		}
		return v.status(due, Join, "POST", "tickets")
	case inside:
		if cfg.Inside != nil {
			wait := cfg.Inside(v)
			if wait < 0 {
				v.farewell()
			}
			return wait
		}
		return v.look(due)
	case called:
		return v.enter(due, Enter)
	}
	v.Polls++
	if cfg.Mode == Plain {
		return v.enter(due, Poll)
	}
	return v.status(due, Poll, "GET", "ticket")
}

// status asks the gate where the visitor stands, and does as it is told.
func (v *Visitor) status(due time.Duration, kind Kind, method, what string) time.Duration {
	asked := v.crowd.since()
	a, err := v.exchange(due, kind, method, "/.dealgate/rooms/"+v.crowd.cfg.Room+"/"+what, "application/json", "", nil)
	if err != nil {
		return v.retry()
	}
	switch {
	case a.Code == 401: // the token is void: come as a newcomer
		v.set(coming)
		return v.retry()
	case a.Code >= 300:
		return v.fault(a)
	}
	return v.told(a, asked)
}

// told follows a status object.
func (v *Visitor) told(a *Answer, asked time.Duration) time.Duration {
	wait := retryWait
	if ms := number(a.Body, `"poll_after_ms":`); ms > 0 {
		wait = time.Duration(ms) * time.Millisecond
	} else if s, err := strconv.Atoi(string(a.RetryAfter)); err == nil {
		wait = time.Duration(s) * time.Second
	}
	state := text(a.Body, `"state":"`)
	if v.crowd.cfg.JoinOnly && (v.token("ticket") != "" || string(state) == "admitted") {
		return -1
	}
	switch string(state) {
	case "waiting", "prequeue", "paused":
		if v.Called == 0 {
			v.LastWaiting = asked
		}
		v.set(waiting)
	case "called":
		first := v.stage != called
		v.set(called)
		if v.Called == 0 {
			v.Called = v.crowd.since()
		}
		if first {
			return v.enter(v.crowd.since(), Enter)
		}
	case "admitted":
		return v.in()
	case "expired":
		v.set(coming)
	case "sold_out", "closed":
		v.TurnedAway = string(state)
		return -1
	default:
		return v.fault(a)
	}
	return wait
}

// enter asks for the protected path: to come, to claim, or as a page that
// reloads itself.
func (v *Visitor) enter(due time.Duration, kind Kind) time.Duration {
	accept := "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	if v.crowd.cfg.Mode == API {
		accept = "application/json"
	}
	asked := v.crowd.since()
	a, err := v.exchange(due, kind, "GET", v.crowd.path, accept, "", nil)
	switch {
	case err != nil:
		return v.retry()
	case !a.waits() && (a.Code < 400 || v.token("pass") != ""):
		return v.in()
	case !a.waits():
		return v.fault(a)
	case v.crowd.cfg.Mode == API:
		return v.told(a, asked)
	}
	if v.token("ticket") == "" { // the page of a room that takes nobody
		v.TurnedAway = "closed"
		return -1
	}
	if v.crowd.cfg.JoinOnly {
		return -1
	}
	if v.stage != called {
		v.set(waiting) // or called: it is not for a machine to read the page
	}
	if v.crowd.cfg.Mode == Page { // Refresh is for those without its script
		if ms := number(a.Body, `data-poll="`); ms > 0 {
			return time.Duration(ms) * time.Millisecond
		}
		a.Refresh = nil
	}
	return a.wait()
}

// waits reports whether the gate, not the shop, answered a protected path.
func (a *Answer) waits() bool { return a.noindex && len(a.RetryAfter) > 0 }

// wait is how long a page says it waits before it loads itself again: "12; url=…".
func (a *Answer) wait() time.Duration {
	said, _, _ := bytes.Cut(a.Refresh, []byte(";"))
	if len(said) == 0 {
		said = a.RetryAfter
	}
	s, err := strconv.Atoi(string(bytes.TrimSpace(said)))
	if err != nil || s < 0 {
		return retryWait
	}
	return time.Duration(s) * time.Second
}

// retry is how long a visitor waits after a failure: apart from the others.
func (v *Visitor) retry() time.Duration {
	return retryWait + time.Duration(v.worker.random.Int64N(int64(retryWait/2)))
}

// fault notes an answer of no use.
func (v *Visitor) fault(a *Answer) time.Duration {
	v.crowd.counts.errors.Add(1)
	v.crowd.tape.note("status " + strconv.Itoa(a.Code) + ": " + strings.ToValidUTF8(string(a.Body[:min(len(a.Body), 120)]), "?"))
	return max(v.retry(), min(a.wait(), time.Minute))
}

// set moves the visitor to a stage and counts it.
func (v *Visitor) set(to stage) {
	n := &v.crowd.counts
	was := v.stage
	v.stage = to
	if (was == waiting || was == called) != (to == waiting || to == called) {
		n.waiting.Add(change(to == waiting || to == called))
	}
	if (was == inside) != (to == inside) {
		n.inside.Add(change(to == inside))
	}
}

func change(more bool) int64 {
	if more {
		return 1
	}
	return -1
}
