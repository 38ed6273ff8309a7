package proxy

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/queue"
)

// ownPrefix is what all paths of ours begin with. Other spellings of it are
// not ours: they go where any path goes.
const ownPrefix = "/.dealgate/"

// own answers for everything under /.dealgate/.
func (r *request) own() {
	r.decision = Own
	rest := r.path[len(ownPrefix):]
	if name, ok := bytes.CutPrefix(rest, []byte("rooms/")); ok {
		name, call, _ := bytes.Cut(name, []byte{'/'})
		if r.room = r.table.byName[string(name)]; r.room == nil {
			r.missing(problemRoom)
			return
		}
		r.ownRoom(call)
		return
	}
	switch string(rest) {
	case "wait":
		if r.allow("GET", "HEAD") {
			r.waitPage()
		}
	case "jwks.json":
		if r.allow("GET", "HEAD") {
			r.ctx.Response.Header.Set("Cache-Control", "public, max-age=60")
			r.ctx.Response.Header.SetContentType("application/json")
			r.ctx.Response.SetBody(r.table.keys.JWKS())
		}
	default:
		r.missing(problemPath)
	}
}

// ownRoom answers the calls of one room.
func (r *request) ownRoom(call []byte) {
	switch string(call) {
	case "":
		if bytes.HasSuffix(r.path, []byte{'/'}) {
			r.missing(problemPath)
		} else if r.allow("GET", "HEAD") {
			r.roomStatus()
		}
	case "ticket":
		if !r.allow("GET", "HEAD", "DELETE", "POST") || !r.ready() {
			return
		}
		switch string(r.method) {
		case "GET", "HEAD":
			r.ticketStatus()
		case "DELETE":
			r.leave(false)
		case "POST":
			r.leaveByForm()
		}
	case "tickets":
		if r.allow("POST") && r.ready() {
			r.takeTicket()
		}
	default:
		r.missing(problemPath)
	}
}

// ready answers 503 while no engine has answered this node.
func (r *request) ready() bool {
	if r.room.ready() {
		return true
	}
	r.decision = Held
	r.retryAfter(pollHeld)
	r.answerFault(fasthttp.StatusServiceUnavailable, problemStore, "")
	return false
}

// allow answers 405 for other methods than these, and 403 for a change that a
// page of another origin asks for.
func (r *request) allow(methods ...string) bool {
	for _, m := range methods {
		if string(r.method) != m {
			continue
		}
		if m != "GET" && m != "HEAD" && r.foreign() {
			r.decision = Refused
			r.refuse(r.roomName(), "foreign_origin")
			r.answerProblem(fasthttp.StatusForbidden, problemForeign, "")
			return false
		}
		return true
	}
	var list []byte
	for i, m := range methods {
		if i > 0 {
			list = append(list, ", "...)
		}
		list = append(list, m...)
	}
	r.ctx.Response.Header.SetBytesV("Allow", list)
	r.decision = Refused
	r.answerProblem(fasthttp.StatusMethodNotAllowed, problemMethod, "")
	return false
}

// roomStatus tells what everybody may know of the room.
func (r *request) roomStatus() {
	v := r.room.queue.View()
	s := status{room: r.room, message: v.Message, poll: pollHeld}
	var waiting int64
	for i := range v.Lanes {
		waiting += v.Lanes[i].Present
	}
	switch phase := r.room.phase(); {
	case r.room.refuses(phase) != "":
		s.state = r.room.refuses(phase)
	case phase == queue.Hold:
		s.state = statePaused
	case phase == queue.Open, waiting == 0:
		s.state = stateCalled
	default:
		s.state = stateWaiting
	}
	if r.room.queue.Away() {
		s.reason = reasonAway
	}
	h := &r.ctx.Response.Header
	h.Set("Cache-Control", "public, max-age=1")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
	h.SetContentType("application/json")
	s.waiting, s.rate, s.public = waiting, v.Rate, true
	r.out = s.append(r.out[:0])
	r.ctx.Response.SetBody(r.out)
}

func (r *request) roomName() string {
	if r.room == nil {
		return ""
	}
	return r.room.name
}
