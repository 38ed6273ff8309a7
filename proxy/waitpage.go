package proxy

import (
	"errors"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// waitPage is the waiting page by itself: who is sent here joins, and is led
// on when called.
func (r *request) waitPage() {
	args := r.ctx.QueryArgs()
	back := returnTo(args.Peek("return_to"))
	if r.room = r.waitRoom(args.Peek("room")); r.room == nil {
		r.missing(problemRoom)
		return
	}
	if !r.ready() {
		return
	}
	seen, err := strconv.ParseInt(string(args.Peek("seen")), 10, 64)
	if err != nil || seen < 0 {
		seen = -1
	}
	k := r.kind()
	if k == program {
		k = browser // the page is what this address is for
	}
	phase := r.room.phase()
	if r.pass().claims != nil || phase == queue.Open {
		r.lead(back)
		return
	}
	told := r.room.refuses(phase)
	tk := r.find(token.Ticket).claims
	var s *status
	switch {
	case tk != nil:
		r.decision = Waited
		s = r.holderStatus(tk)
	case told != "":
		s = r.about(nil, told)
	case k.joins():
		var led bool
		if s, led = r.joinHere(back); led {
			return
		}
	default:
		s = r.about(nil, r.room.waits(phase))
	}
	if s.state == stateAdmitted {
		s.state = stateCalled // it has no pass yet: the way on claims it
		s.poll = queue.PollCalled
	}
	if k == passive {
		r.answerPassive(s, fasthttp.StatusTooManyRequests)
		return
	}
	r.answerPage(s, fasthttp.StatusOK, back, seen, k.joins())
}

// joinHere joins from the waiting page. Who is admitted at once is led on.
func (r *request) joinHere(back string) (s *status, led bool) {
	tk, entry, err := r.join()
	switch {
	case errors.Is(err, queue.ErrClosed):
		r.decision = Held
		return r.about(nil, stateClosed), false
	case err != nil:
		r.decision = Held
		s := r.about(nil, statePaused)
		s.reason = reasonAway
		return s, false
	case entry.Ends.IsZero():
		r.decision = Joined
		return r.about(tk, r.room.waits(r.room.phase())), false
	}
	r.decision = Entered
	r.waited(tk)
	r.give(admit(tk, entry.Ends, true).pass, r.kind() == browser)
	r.lead(back)
	return nil, true
}

// lead sends an admitted visitor on.
func (r *request) lead(back string) {
	r.noStore()
	r.ctx.Response.SetStatusCode(fasthttp.StatusSeeOther)
	r.ctx.Response.Header.Set("Location", back)
}

// waitRoom is the room of that name; where there is but one room, it needs no name.
func (r *request) waitRoom(name []byte) *room {
	if len(name) == 0 && len(r.table.rooms) == 1 {
		return r.table.rooms[0]
	}
	return r.table.byName[string(name)]
}
