package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// protect decides about a request for a path that the request's room protects.
func (r *request) protect(to *upstream.Upstream) {
	if !r.room.ready() {
		r.storeAway(to, nil, r.kind(), errNotReady)
		return
	}
	if p := r.pass(); p.claims != nil {
		r.decision = Admitted
		r.forward(to, admission{claims: p.claims, settle: r.renewal(p.claims)})
		return
	}
	k := r.kind()
	tk := r.find(token.Ticket)
	state := r.room.phase()
	if state == queue.Open {
		r.passOpen(to, tk.claims, k)
		return
	}
	switch told := r.room.refuses(state); {
	case tk.claims != nil:
		r.protectHolder(to, tk.claims, k, told)
	case told != "":
		r.decision = Held
		r.wait(r.about(nil, told), k)
	case !k.joins():
		r.decision = Held
		r.wait(r.about(nil, r.room.waits(state)), k)
	default:
		r.protectNewcomer(to, k)
	}
}

// protectHolder decides about one who holds a ticket. told is what all are
// told whom the room does not let in any more.
func (r *request) protectHolder(to *upstream.Upstream, tk *token.Claims, k kind, told string) {
	ask := r.room.queue.Look
	if k.joins() && told == "" {
		ask = r.room.queue.Claim
	}
	out, err := ask(context.Background(), ticketOf(tk))
	switch {
	case err != nil:
		r.storeAway(to, tk, k, err)
	case r.runs(out) && k.joins():
		r.decision = Claimed
		r.waited(tk)
		r.forward(to, admit(tk, out.Ends, out.Provisional))
	case r.over(out):
		r.expired(tk, k)
	case told != "":
		r.decision = Waited
		r.wait(r.about(tk, told), k)
	default:
		r.decision = Waited
		r.wait(r.about(tk, r.standing(out)), k)
	}
}

// runs reports whether out is a session that still runs.
func (r *request) runs(out queue.Outcome) bool {
	return out.Standing == queue.Claimed && out.Ends.After(now(r.room))
}

// over reports whether a place is of no use any more.
func (r *request) over(out queue.Outcome) bool {
	return out.Standing == queue.Expired || out.Standing == queue.Claimed && !r.runs(out)
}

// standing is the state of a place that may still come in.
func (r *request) standing(out queue.Outcome) string {
	state := r.room.phase()
	switch {
	case r.runs(out):
		return stateAdmitted
	case state == queue.Hold:
		return statePaused
	case state == queue.Open, out.Standing == queue.Called, out.Standing == queue.Returned:
		return stateCalled
	}
	return stateWaiting
}

// expired tells a visitor once that its place or session is gone, and forgets
// it: its next request joins. What a page loads by itself does not use that once up.
func (r *request) expired(tk *token.Claims, k kind) {
	s := r.about(nil, stateExpired)
	s.ticket.Lane = tk.Lane
	r.decision = Held
	if k == browser || k == program {
		r.clearCookie(token.Ticket)
		r.clearCookie(token.Pass)
	}
	r.wait(s, k)
}

// protectNewcomer gives a place to one who has none.
func (r *request) protectNewcomer(to *upstream.Upstream, k kind) {
	tk, entry, err := r.join()
	switch {
	case errors.Is(err, queue.ErrClosed):
		r.decision = Held
		r.wait(r.about(nil, stateClosed), k)
	case err != nil:
		r.storeAway(to, nil, k, err)
	case !entry.Ends.IsZero():
		r.decision = Entered
		r.waited(tk)
		r.forward(to, admit(tk, entry.Ends, true))
	default:
		r.decision = Joined
		r.wait(r.about(tk, r.room.waits(r.room.phase())), k)
	}
}

// join takes a place for a newcomer, and unless that admitted it at once, signs the
// ticket and sets it.
func (r *request) join() (*token.Claims, queue.Entry, error) {
	entry, err := r.room.queue.Join(context.Background(), r.room.lane())
	if err != nil {
		return nil, entry, err
	}
	at := now(r.room)
	t := entry.Ticket
	tk := &token.Claims{
		Kind: token.Ticket, Room: r.room.name, Lane: t.Lane, Epoch: t.Epoch, Place: t.Place, Head: entry.Head,
		IssuedAt: at.Unix(), Expires: at.Add(r.room.TicketTTL).Unix(),
	}
	if entry.Ends.IsZero() {
		r.sign(tk)
		r.setCookie(token.Ticket, r.token, tk)
	}
	return tk, entry, nil
}

// sign leaves the signed form of c in r.token.
func (r *request) sign(c *token.Claims) bool {
	var err error
	if r.token, err = r.table.keys.Append(r.token[:0], c); err != nil {
		r.table.log.Error("token not signed", "room", c.Room, "kind", c.Kind.String(), "err", err)
		r.token = r.token[:0]
		return false
	}
	return true
}

// storeAway answers where nobody can say who is next. A room that fails open
// does so for those it would let in: what the operator has closed or holds, and
// what is sold out, stays shut.
func (r *request) storeAway(to *upstream.Upstream, tk *token.Claims, k kind, err error) {
	r.table.log.Debug("visitor not placed", "room", r.room.name, "err", err)
	phase := r.room.phase()
	state := r.room.refuses(phase)
	switch {
	case state != "":
	case r.room.OnStoreFailure == "open" && phase != queue.Hold && to != nil:
		r.decision = Opened
		r.forward(to, admission{})
		return
	case r.room.OnStoreFailure == "closed":
		state = stateClosed
	default:
		state = statePaused
	}
	if r.decision = Held; tk != nil {
		r.decision = Waited
	}
	s := r.about(tk, state)
	s.reason = reasonAway
	s.poll = max(s.poll, r.jitter(pollHeld))
	r.wait(s, k)
}

// passOpen forwards without a pass: the room is open to all. A session is
// booked beside it, so that those inside are counted once the room is not open any more.
func (r *request) passOpen(to *upstream.Upstream, tk *token.Claims, k kind) {
	r.decision = Opened
	var s *settling
	if k.joins() {
		s = r.booking(tk)
	}
	r.forward(to, admission{claims: tk, settle: s})
}

// pass returns the visitor's pass, if it is good for this room now.
func (r *request) pass() held {
	p := r.find(token.Pass)
	if p.claims != nil && r.room.queue.Ended(ticketOf(p.claims)) {
		r.refuse(r.room.name, "pass_ended")
		return held{}
	}
	return p
}

// errNotReady says that this node has not heard of its engine since it started.
var errNotReady = errors.New("no engine has answered yet")

// ready reports whether an engine has told this node the time: until then
// nobody knows whether a pass is over. A node that starts is waited for, for a second.
func (r *room) ready() bool {
	if r.queue.View().Run != "" {
		return true
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		<-tick.C
		if r.queue.View().Run != "" {
			return true
		}
	}
	return false
}

// phase is the state in force, the operator's included.
func (r *room) phase() queue.State {
	if s := r.queue.View().State; s != "" {
		return s
	}
	if s := r.queue.Policy().State; s != "" {
		return s
	}
	return queue.Auto
}

// refuses is what all are told who are not admitted yet, "" if the room lets
// people in: it is closed, or nothing is left to buy.
func (r *room) refuses(s queue.State) string {
	switch {
	case s == queue.Closed:
		return stateClosed
	case s == queue.Open:
		return ""
	case r.Stock != nil:
		if n, known := r.Stock.Left(); known && n <= 0 {
			return stateSoldOut
		}
	}
	return ""
}

// waits is the state of those who wait.
func (r *room) waits(s queue.State) string {
	if s == queue.Hold {
		return statePaused
	}
	return stateWaiting
}

func (r *room) lane() string {
	if r.Lane != "" {
		return r.Lane
	}
	if lanes := r.queue.Policy().Lanes; len(lanes) > 0 {
		return lanes[0].Name
	}
	return ""
}

// waited reports how long an admitted visitor stood in line.
func (r *request) waited(tk *token.Claims) {
	if o := r.table.observe; o != nil {
		o.Waited(r.room.name, max(now(r.room).Sub(time.Unix(tk.IssuedAt, 0)), 0))
	}
}
