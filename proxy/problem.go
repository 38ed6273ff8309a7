package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/dealgate/dealgate/proxy/page"
	"github.com/dealgate/dealgate/token"
)

// problem is a kind of error: its type is stable, for programs to go by
// (RFC 9457), its title for people.
type problem struct{ kind, title string }

var (
	problemRequest    = problem{"malformed-request", "The request is malformed."}
	problemPath       = problem{"not-found", "There is nothing at this address."}
	problemRoom       = problem{"unknown-room", "There is no such room."}
	problemMethod     = problem{"method-not-allowed", "The method is not allowed here."}
	problemForeign    = problem{"foreign-origin", "Pages of another origin may not do this."}
	problemTicket     = problem{"no-ticket", "There is no valid ticket or pass with the request."}
	problemStore      = problem{"store-away", "The state of the line is out of reach at the moment."}
	problemOrigin     = problem{"origin-unreachable", "The shop behind this gate could not be reached."}
	problemOriginLate = problem{"origin-timeout", "The shop behind this gate did not answer in time."}
	problemInternal   = problem{"internal", "Something went wrong in the gate."}
)

// problemType is what the types of problems begin with.
const problemType = "urn:dealgate:problem:"

// answerFault answers an error to whoever may be a browser: as a page, else as a problem.
func (r *request) answerFault(code int, p problem, reference string) {
	if !prefersHTML(r.heads.accept) {
		r.answerProblem(code, p, reference)
		return
	}
	f := &page.Fault{
		Status: code, Lang: page.Language(r.heads.language), Nonce: rand.Text(), Reference: reference, Back: r.wayBack(),
	}
	r.pageHeaders(code, f.Nonce)
	r.out = page.AppendError(r.out[:0], f)
	r.ctx.Response.SetBody(r.out)
}

// answerProblem answers an error as problem+json.
func (r *request) answerProblem(code int, p problem, reference string) {
	r.noStore()
	r.ctx.Response.SetStatusCode(code)
	r.ctx.Response.Header.SetContentType("application/problem+json")
	b := append(r.out[:0], `{"type":"`+problemType...)
	b = append(b, p.kind...)
	b = append(b, `","title":"`...)
	b = append(b, p.title...)
	b = strconv.AppendInt(append(b, `","status":`...), int64(code), 10)
	if r.room != nil {
		b = append(append(b, `,"room":"`...), r.room.name...)
		b = append(b, '"')
	}
	b = appendText(b, `,"reference":`, reference)
	r.out = append(b, "}\n"...)
	r.ctx.Response.SetBody(r.out)
}

// missing answers 404.
func (r *request) missing(p problem) {
	r.decision = Missed
	r.answerFault(fasthttp.StatusNotFound, p, "")
}

// malformed refuses a request and closes its connection: what follows on it
// cannot be told from its rest.
func (r *request) malformed(f fault) {
	r.decision = Refused
	r.refuse("", f.reason)
	r.answerProblem(f.status, problemRequest, "")
	r.ctx.Response.SetConnectionClose()
}

// rejected reports a token that is not good.
func (r *request) rejected(kind token.Kind, err error) {
	reason := "pass_invalid"
	switch expired := errors.Is(err, token.ErrExpired); {
	case kind == token.Ticket && expired:
		reason = "ticket_expired"
	case kind == token.Ticket:
		reason = "ticket_invalid"
	case expired:
		reason = "pass_expired"
	}
	r.refuse(r.room.name, reason)
}

// refuse reports a refusal.
func (r *request) refuse(room, reason string) {
	if o := r.table.observe; o != nil {
		o.Rejected(room, reason)
	}
	if log := r.table.log; log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("refused", "room", room, "reason", reason)
	}
}
