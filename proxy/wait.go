package proxy

import (
	"crypto/rand"
	"math"
	"strconv"
	"time"

	"github.com/dealgate/dealgate/proxy/page"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// How soon to come back, where the queue has no opinion.
const (
	pollHeld = 5 * time.Second  // the store is away, or the room holds
	pollShut = 30 * time.Second // closed or sold out
)

// about makes the status of a visitor of the room; tk is nil for one without a place.
func (r *request) about(tk *token.Claims, state string) *status {
	v := r.room.queue.View()
	s := &r.status
	*s = status{room: r.room, state: state, message: v.Message, now: now(r.room)}
	if r.room.queue.Away() {
		s.reason = reasonAway
	}
	switch state {
	case stateSoldOut, stateClosed:
		s.poll = r.jitter(pollShut)
	case stateCalled, stateExpired:
		s.poll = queue.PollCalled
	}
	if tk == nil {
		if s.poll == 0 {
			s.poll = r.jitter(pollHeld)
		}
		return s
	}
	s.ticket = ticketOf(tk)
	if !s.inLine() {
		return s
	}
	s.estimate = r.room.queue.Estimate(s.ticket)
	s.progress = progress(tk.Place, tk.Head, head(v, tk.Lane))
	s.poll = r.room.queue.PollAfter(s.estimate)
	s.kept = min(s.now.Add(s.estimate.ETA+r.room.queue.Policy().ReturnWithin).Unix(), tk.Expires)
	return s
}

// jitter spreads those who were told the same.
func (r *request) jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*r.table.random()))
}

func ticketOf(c *token.Claims) queue.Ticket {
	return queue.Ticket{Lane: c.Lane, Epoch: c.Epoch, Place: c.Place}
}

func head(v *queue.View, lane string) int64 {
	for i := range v.Lanes {
		if v.Lanes[i].Lane == lane {
			return v.Lanes[i].Head
		}
	}
	return 0
}

// wait answers a request for a protected path that may not pass.
func (r *request) wait(s *status, k kind) {
	code := r.room.WaitingStatus
	if k == program || k == passive || k == looking && !prefersHTML(r.heads.accept) {
		code = 429
	}
	if s.state == stateExpired && k != passive {
		code = 200
	}
	switch {
	case k == passive:
		r.answerPassive(s, code)
	case k == program || code == 429 && !prefersHTML(r.heads.accept):
		s.returnTo = ""
		r.answerStatus(s, code, k.joins())
	default:
		r.answerPage(s, code, r.wayBack(), -1, k.joins())
	}
}

// answerStatus answers with the status object. present says that the visitor
// itself asked, and not a link checker: it promises to come back.
func (r *request) answerStatus(s *status, code int, present bool) {
	if present && s.inLine() {
		r.room.queue.Promise(s.ticket, s.poll)
	}
	resp := &r.ctx.Response
	resp.SetStatusCode(code)
	r.noStore()
	if s.poll > 0 {
		r.retryAfter(s.poll)
	}
	if code != 200 && code != 201 {
		resp.Header.Set("Vary", "Accept, Cookie")
	}
	resp.Header.SetContentType("application/json")
	r.out = s.append(r.out[:0])
	resp.SetBody(r.out)
}

// answerPassive says no more than that there is a line.
func (r *request) answerPassive(s *status, code int) {
	resp := &r.ctx.Response
	resp.SetStatusCode(code)
	r.noStore()
	r.retryAfter(s.poll)
	resp.Header.Set("Vary", "Accept, Cookie")
	resp.Header.SetContentType("application/json")
	r.out = append(r.out[:0], `{"room":"`...)
	r.out = append(r.out, r.room.name...)
	r.out = append(r.out, `","state":"`...)
	r.out = append(r.out, s.state...)
	r.out = append(r.out, "\"}\n"...)
	resp.SetBody(r.out)
}

// answerPage answers with the waiting page. seen is the lowest number ahead
// that its visitor was shown before; below 0: none.
func (r *request) answerPage(s *status, code int, back string, seen int64, present bool) {
	v := s.view()
	v.Lang = page.Language(r.heads.language)
	v.ReturnTo, v.Seen, v.Nonce = back, seen, rand.Text()
	if present && s.inLine() {
		r.room.queue.Promise(s.ticket, max(s.poll, page.RefreshAfter(v)))
	}
	resp := &r.ctx.Response
	r.pageHeaders(code, v.Nonce)
	if s.poll > 0 {
		r.retryAfter(max(s.poll, page.RefreshAfter(v)))
	}
	if r.line = page.AppendRefresh(r.line[:0], v); len(r.line) > 0 {
		resp.Header.SetBytesV("Refresh", r.line)
	}
	r.out = page.Append(r.out[:0], v)
	resp.SetBody(r.out)
}

// view is the status as the page shows it.
func (s *status) view() *page.View {
	e := &s.estimate
	v := &page.View{
		Room: s.room.name, State: s.state, Message: s.message, Reason: s.reason, PollAfter: s.poll,
		HasPlace: s.ticket.Place > 0, Place: s.ticket.Place,
	}
	if !s.inLine() {
		return v
	}
	v.Ahead, v.Waiting, v.Progress, v.Rate = e.Ahead, e.Waiting, s.progress, e.Rate
	if s.kept > 0 {
		v.KeptUntil = time.Unix(s.kept, 0)
	}
	if e.Known && s.state == stateWaiting {
		v.Known, v.AtLeast, v.ETA, v.Low, v.High = true, e.AtLeast, e.ETA, e.Low, e.High
		v.ReadyAt = s.now.Add(e.ETA)
	}
	return v
}

// pageHeaders are those of every page of ours.
func (r *request) pageHeaders(code int, nonce string) {
	h := &r.ctx.Response.Header
	r.ctx.Response.SetStatusCode(code)
	r.noStore()
	h.SetContentType("text/html; charset=utf-8")
	h.Set("Vary", "Accept, Accept-Language, Cookie")
	h.Set("Referrer-Policy", "same-origin")
	r.line = page.Policy(r.line[:0], nonce)
	h.SetBytesV("Content-Security-Policy", r.line)
	if r.https {
		h.Set("Strict-Transport-Security", "max-age=86400")
	}
}

// noStore sets what every answer about a visitor has: nobody else may get it.
func (r *request) noStore() {
	h := &r.ctx.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (r *request) retryAfter(d time.Duration) {
	r.line = strconv.AppendInt(r.line[:0], max(int64(math.Ceil(d.Seconds())), 1), 10)
	r.ctx.Response.Header.SetBytesV("Retry-After", r.line)
}
