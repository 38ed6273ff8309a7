package proxy

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/proxy/page"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// ticketStatus tells a visitor where it stands: the poll. It marks presence,
// and asks the queue only from the head on.
func (r *request) ticketStatus() {
	r.decision = Polled
	if p := r.pass(); p.claims != nil {
		r.passStatus(p)
		return
	}
	tk := r.find(token.Ticket)
	if tk.claims == nil {
		r.ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
		r.noStore()
		r.answerProblem(fasthttp.StatusUnauthorized, problemTicket, "")
		return
	}
	s := r.holderStatus(tk.claims)
	r.answerStatus(s, fasthttp.StatusOK, string(r.method) == "GET")
}

// holderStatus is the status of one who holds a ticket, without claiming.
func (r *request) holderStatus(tk *token.Claims) *status {
	out, err := r.room.queue.Look(context.Background(), ticketOf(tk))
	phase := r.room.phase()
	told := r.room.refuses(phase)
	switch {
	case err != nil:
		s := r.about(tk, r.room.waits(phase))
		s.reason = reasonAway
		return s
	case r.over(out):
		r.clearCookie(token.Ticket)
		r.clearCookie(token.Pass)
		s := r.about(nil, stateExpired)
		s.ticket.Lane = tk.Lane
		return s
	case told != "" && !r.runs(out):
		return r.about(tk, told)
	}
	s := r.about(tk, r.standing(out))
	if r.runs(out) {
		s.passEnds = out.Ends.Unix()
	}
	return s
}

// passStatus tells an admitted visitor so, and renews the pass where that is
// due: apps have no other way to.
func (r *request) passStatus(p held) {
	c := p.claims
	if set := r.renewal(c).get(); set.ends.After(now(r.room)) {
		c = passOf(set.ticket, r.room.name, set.ends, set.provisional)
		r.give(c, r.kind() == browser)
	}
	s := r.about(c, stateAdmitted)
	s.passEnds = c.Expires
	if p.bearer && c != p.claims {
		s.pass = r.token
	}
	r.answerStatus(s, fasthttp.StatusOK, false)
}

// takeTicket gives the caller a place, or claims for the one it has.
func (r *request) takeTicket() {
	if p := r.pass(); p.claims != nil {
		r.passStatus(p)
		return
	}
	phase := r.room.phase()
	told := r.room.refuses(phase)
	if tk := r.find(token.Ticket); tk.claims != nil && r.claimStatus(tk, told) {
		return
	}
	if told != "" {
		r.decision = Held
		r.answerStatus(r.about(nil, told), fasthttp.StatusTooManyRequests, false)
		return
	}
	tk, entry, err := r.join()
	switch {
	case err != nil:
		r.notPlaced(err)
	case !entry.Ends.IsZero():
		r.decision = Entered
		r.waited(tk)
		r.admitted(tk, admit(tk, entry.Ends, true).pass, fasthttp.StatusCreated, r.byProgram())
	default:
		r.decision = Joined
		s := r.about(tk, r.room.waits(phase))
		if r.byProgram() {
			s.token = r.token
		}
		r.answerStatus(s, fasthttp.StatusCreated, true)
	}
}

// byProgram reports whether the caller is no page's script: browsers say with
// every POST where it comes from. Only programs get tokens in the answer's body.
func (r *request) byProgram() bool { return r.heads.origin == nil && r.heads.site == nil }

// claimStatus claims for a ticket that the caller holds. It reports false
// where the ticket is of no use any more.
func (r *request) claimStatus(tk held, told string) bool {
	ask := r.room.queue.Claim
	if told != "" {
		ask = r.room.queue.Look
	}
	out, err := ask(context.Background(), ticketOf(tk.claims))
	switch {
	case err != nil:
		r.notPlaced(err)
	case r.runs(out):
		r.decision = Claimed
		r.waited(tk.claims)
		r.admitted(tk.claims, admit(tk.claims, out.Ends, out.Provisional).pass, fasthttp.StatusOK, tk.bearer)
	case r.over(out):
		return false
	case told != "":
		r.decision = Waited
		r.answerStatus(r.about(tk.claims, told), fasthttp.StatusOK, true)
	default:
		r.decision = Waited
		r.answerStatus(r.about(tk.claims, r.standing(out)), fasthttp.StatusOK, true)
	}
	return true
}

// admitted answers with a fresh pass.
func (r *request) admitted(tk, pass *token.Claims, code int, inBody bool) {
	r.give(pass, r.kind() == browser)
	s := r.about(tk, stateAdmitted)
	s.passEnds = pass.Expires
	if inBody {
		s.pass = r.token
	}
	r.answerStatus(s, code, false)
}

// notPlaced answers a program where the queue cannot.
func (r *request) notPlaced(err error) {
	r.decision = Held
	state := statePaused
	if errors.Is(err, queue.ErrClosed) || r.room.OnStoreFailure == "closed" {
		state = stateClosed
	}
	s := r.about(nil, state)
	if !errors.Is(err, queue.ErrClosed) {
		s.reason = reasonAway
	}
	r.answerStatus(s, fasthttp.StatusTooManyRequests, false)
}

// leave gives up what the caller holds: the session, the place, or both. It
// reports whether that is done, and answers 204, or 503 if it is not.
func (r *request) leave(byForm bool) bool {
	r.decision = Left
	ctx, q := context.Background(), r.room.queue
	var err error
	if p := r.pass(); p.claims != nil {
		err = q.End(ctx, ticketOf(p.claims))
	}
	if tk := r.find(token.Ticket); tk.claims != nil {
		t := ticketOf(tk.claims)
		if t.Place <= head(q.View(), t.Lane) {
			err = errors.Join(err, q.End(ctx, t)) // the claim may have been another tab's
		}
		err = errors.Join(err, q.Leave(ctx, t))
	}
	if err != nil {
		r.table.log.Debug("place not given up", "room", r.room.name, "err", err)
		r.retryAfter(pollHeld)
		r.answerFault(fasthttp.StatusServiceUnavailable, problemStore, "")
		return false
	}
	r.clearCookie(token.Ticket)
	r.clearCookie(token.Pass)
	if !byForm {
		r.noStore()
		r.ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	}
	return true
}

// leaveByForm leaves for a page without JavaScript, whose forms only post.
func (r *request) leaveByForm() {
	if string(r.query) != "leave" {
		r.decision = Refused
		r.answerProblem(fasthttp.StatusMethodNotAllowed, problemMethod, "")
		return
	}
	html := prefersHTML(r.heads.accept)
	if r.leave(html) && html {
		s := r.about(nil, page.Left)
		s.poll = 0
		r.answerPage(s, fasthttp.StatusOK, r.wayBack(), -1, false)
	}
}
