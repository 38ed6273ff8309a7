package proxy

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// admission is why a request is forwarded, and what is to be settled with its answer.
type admission struct {
	claims *token.Claims // whose session it is; nil: nobody's
	pass   *token.Claims // to sign and to give with the answer; nil: none
	settle *settling     // what is asked of the queue meanwhile; nil: nothing
}

// going is an admission that waits for the client's body.
type going struct {
	room     *room
	to       *upstream.Upstream
	why      admission
	decision Decision
}

// settled is an answer of the queue that makes a pass: none without an end.
type settled struct {
	ticket      queue.Ticket
	ends        time.Time
	provisional bool
}

// settling is a question to the queue that runs beside the forwarded request.
type settling struct{ answer chan settled }

// grace is how long an origin's answer is kept back for the queue's. It is a
// matter of a Step; a renewal that comes later is asked for again by the next request.
const grace = 100 * time.Millisecond

func settle(ask func(context.Context) settled) *settling {
	s := &settling{make(chan settled, 1)}
	go func() { s.answer <- ask(context.Background()) }()
	return s
}

// get returns the answer if it is there in time.
func (s *settling) get() settled {
	if s == nil {
		return settled{}
	}
	select {
	case a := <-s.answer:
		return a
	default:
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case a := <-s.answer:
		return a
	case <-late.C:
		return settled{}
	}
}

// admit is the admission of a session that has just begun, or that its ticket found again.
func admit(tk *token.Claims, ends time.Time, provisional bool) admission {
	pass := passOf(ticketOf(tk), tk.Room, ends, provisional)
	return admission{claims: pass, pass: pass}
}

func passOf(t queue.Ticket, room string, ends time.Time, provisional bool) *token.Claims {
	return &token.Claims{
		Kind: token.Pass, Room: room, Lane: t.Lane, Epoch: t.Epoch, Place: t.Place,
		Provisional: provisional, Expires: ends.Unix(),
	}
}

// renewal asks for a longer lease where one is due: past half the pass's life,
// or at once if nobody knew yet whether the pass would come back. It is nil where none is.
func (r *request) renewal(p *token.Claims) *settling {
	if !p.Provisional && now(r.room).Unix() < p.IssuedAt+(p.Expires-p.IssuedAt)/2 {
		return nil
	}
	q, t, ends := r.room.queue, ticketOf(p), p.Expires
	provisional := p.Provisional
	return settle(func(ctx context.Context) settled {
		out, err := q.Renew(ctx, t)
		if err != nil || out.Standing != queue.Claimed || out.Ends.Unix() <= ends && out.Provisional == provisional {
			return settled{}
		}
		return settled{t, out.Ends, out.Provisional}
	})
}

// booking asks for a session in an open room, for the ticket's place or a new one.
func (r *request) booking(tk *token.Claims) *settling {
	q, lane := r.room.queue, r.room.lane()
	if tk != nil {
		t := ticketOf(tk)
		return settle(func(ctx context.Context) settled {
			if out, err := q.Claim(ctx, t); err == nil && out.Standing == queue.Claimed {
				return settled{t, out.Ends, out.Provisional}
			}
			return settled{}
		})
	}
	return settle(func(ctx context.Context) settled {
		if e, err := q.Join(ctx, lane); err == nil {
			return settled{e.Ticket, e.Ends, true}
		}
		return settled{}
	})
}

// forward sends the request to its origin and settles what goes with the
// answer. That holds for an upgrade too: its head is written after this.
func (r *request) forward(to *upstream.Upstream, a admission) {
	if r.asks {
		r.letGo(to, a)
		return
	}
	var f upstream.Forwarding
	r.describe(&f, a.claims)
	// Known before: the request may be out of bounds once it was forwarded.
	browses := (a.pass != nil || a.settle != nil) && r.kind() == browser
	err := to.Forward(r.ctx, &f)
	if err != nil {
		r.failed(to, err, f.RequestID)
	}
	if r.command() {
		r.end(to, a.claims)
		return
	}
	if r.room == nil {
		return
	}
	if s := a.settle.get(); s.ends.After(now(r.room)) {
		a.pass = passOf(s.ticket, r.room.name, s.ends, s.provisional)
	}
	if a.pass != nil {
		r.give(a.pass, browses)
	}
}

// give signs a pass and sets it; the answer is the visitor's alone. What browses is
// asked to bring a provisional one back at once: who reads a page that loads
// nothing else would lose its session after half a minute.
func (r *request) give(pass *token.Claims, browses bool) {
	pass.IssuedAt = min(now(r.room).Unix(), pass.Expires)
	if r.sign(pass) {
		r.setCookie(token.Pass, r.token, pass)
		private(&r.ctx.Response.Header)
		if pass.Provisional && browses {
			r.ctx.Response.Header.Add("Link", "</.dealgate/rooms/"+r.room.name+"/ticket>; rel=prefetch")
		}
	}
}

// letGo keeps an admission until the client has sent its body: it is told to
// when the origin can be reached.
func (r *request) letGo(to *upstream.Upstream, a admission) {
	if err := to.Ready(); err != nil {
		r.failed(to, err, nil)
		if a.pass != nil {
			r.give(a.pass, r.kind() == browser)
		}
		return
	}
	r.goesOn = &going{r.room, to, a, r.decision}
}

// describe says what the origin is told of the request.
func (r *request) describe(f *upstream.Forwarding, c *token.Claims) {
	f.ForwardedFor, f.Trusted = r.forwardedFor()
	f.Host = r.host
	f.Proto = "http"
	if r.https {
		f.Proto = "https"
	}
	r.id = upstream.AppendRequestID(r.id[:0], &r.ctx.Request.Header)
	f.RequestID = r.id
	f.DropAuthorization = r.bearsOurs()
	if r.room == nil {
		return
	}
	f.Room = r.room.name
	if c != nil {
		b := append(r.line[:0], c.Lane...)
		b = strconv.AppendInt(append(b, '.'), c.Epoch, 10)
		r.line = strconv.AppendInt(append(b, '.'), c.Place, 10)
		f.Session = r.line
	}
}

// failed answers for an origin that did not. What the client spoiled is no news.
func (r *request) failed(to *upstream.Upstream, err error, id []byte) {
	log := r.table.log
	switch {
	case errors.Is(err, upstream.ErrGone):
		r.decision = Gone
		r.ctx.Response.SetConnectionClose()
		log.Debug("client left before the answer", "err", err, "request", string(id))
		return
	case errors.Is(err, upstream.ErrRequest):
		r.decision = Refused
		r.answerFault(fasthttp.StatusBadRequest, problemRequest, string(id))
		r.ctx.Response.SetConnectionClose()
		log.Debug("request broke off or is not fit to be forwarded", "err", err, "request", string(id))
		return
	case errors.Is(err, upstream.ErrTimeout):
		r.answerFault(fasthttp.StatusGatewayTimeout, problemOriginLate, string(id))
	default:
		r.answerFault(fasthttp.StatusBadGateway, problemOrigin, string(id))
	}
	r.decision = Failed
	to.Warn(log, "request not answered by its origin", "err", err, "status", r.ctx.Response.StatusCode(), "request", string(id))
}

// command takes the origin's word for us out of its answer. It reports whether
// it was to end the session.
func (r *request) command() (end bool) {
	dropField(&r.ctx.Response.Header, "x-dealgate-command", func(v []byte) {
		end = end || bytes.EqualFold(trim(v), []byte("end"))
	})
	return end
}

// dropField removes a field however its name is written, after its values were seen.
func dropField(h *fasthttp.ResponseHeader, lower string, see func(value []byte)) {
	for {
		name := ""
		for k, v := range h.All() {
			if fold(k, lower) {
				see(v)
				name = string(k)
			}
		}
		if name == "" {
			return
		}
		h.Del(name)
	}
}

// end ends the session of a visitor because the origin says so: that of the
// room, or where none protects the path, of all rooms before the same origin.
func (r *request) end(to *upstream.Upstream, c *token.Claims) {
	if r.room != nil {
		r.endSession(c)
		return
	}
	for _, rm := range r.table.rooms {
		if r.room = rm; rm.Upstream == to {
			r.endSession(r.pass().claims)
		}
	}
	r.room = nil
}

func (r *request) endSession(c *token.Claims) {
	if c == nil {
		return
	}
	q, log, t := r.room.queue, r.table.log, ticketOf(c)
	settle(func(ctx context.Context) settled {
		if err := q.End(ctx, t); err != nil {
			log.Warn("session not ended", "room", q.Name(), "err", err)
		}
		return settled{}
	}).get()
	r.clearCookie(token.Pass)
	r.clearCookie(token.Ticket)
	private(&r.ctx.Response.Header)
}

// private keeps shared caches from an answer that carries a cookie of ours.
// What the origin said stays where it is as strict; what it said to particular
// caches, which they would heed before Cache-Control, goes.
func private(h *fasthttp.ResponseHeader) {
	for _, name := range [...]string{"cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "x-accel-expires"} {
		dropField(h, name, func([]byte) {})
	}
	var said []byte
	dropField(h, "cache-control", func(v []byte) { said = append(append(said, ','), bytes.ToLower(v)...) })
	value := "private"
	switch {
	case bytes.Contains(said, []byte("no-store")):
		value = "no-store"
	case bytes.Contains(said, []byte("no-cache")):
		value = "private, no-cache"
	}
	h.Set("Cache-Control", value)
}
