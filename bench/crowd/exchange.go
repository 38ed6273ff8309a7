package crowd

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// exchange sends a request of the visitor's and takes in the cookies of its
// answer. The answer's time counts from due, when the visitor meant to send it.
func (v *Visitor) exchange(due time.Duration, kind Kind, method, target, accept, header string, body []byte) (*Answer, error) {
	w, c := v.worker, v.crowd
	w.request = v.appendRequest(w.request[:0], method, target, accept, header, body)
	a, err := w.do()
	now := c.since()
	if err != nil {
		c.counts.errors.Add(1)
		c.tape.note(err.Error())
		return nil, err
	}
	c.counts.requests.Add(1)
	c.tape.record(kind, a.Code, now-due)
	for _, line := range a.SetCookie {
		v.take(line, now)
	}
	return a, nil
}

// do sends the worker's request on its connection, on a new one if the kept one was closed.
func (w *worker) do() (*Answer, error) {
	for {
		if w.conn == nil {
			conn, err := w.crowd.cfg.Dial()
			if err != nil {
				return nil, err
			}
			w.conn = NewConn(conn)
		}
		a, err := w.conn.Do(w.request)
		if err != nil || a.Closes() {
			w.conn.Close()
			w.conn = nil
		}
		if !errors.Is(err, errStale) {
			return a, err
		}
		w.crowd.counts.stale.Add(1)
	}
}

func (v *Visitor) appendRequest(dst []byte, method, target, accept, header string, body []byte) []byte {
	dst = append(append(append(append(dst, method...), ' '), target...), " HTTP/1.1\r\nHost: "...)
	dst = append(append(dst, v.crowd.host...), "\r\nAccept: "...)
	dst = append(append(dst, accept...), "\r\n"...)
	dst = append(append(dst, v.crowd.cfg.Header...), header...)
	if v.crowd.cfg.Bearer {
		token := v.token("pass")
		if token == "" {
			token = v.token("ticket")
		}
		if token != "" {
			dst = append(append(append(dst, "Authorization: Bearer "...), token...), "\r\n"...)
		}
	} else if len(v.cookies) > 0 {
		sep := "Cookie: "
		for _, k := range v.cookies {
			dst = append(append(append(append(dst, sep...), k.name...), '='), k.value...)
			sep = "; "
		}
		dst = append(dst, "\r\n"...)
	}
	if body != nil || method == "POST" {
		dst = append(strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(body)), 10), "\r\n"...)
	}
	return append(append(dst, "\r\n"...), body...)
}

// take keeps or drops the cookie of a Set-Cookie line.
func (v *Visitor) take(line []byte, now time.Duration) {
	pair, rest, _ := bytes.Cut(line, []byte(";"))
	name, value, _ := bytes.Cut(bytes.TrimSpace(pair), []byte("="))
	at := -1
	for i := range v.cookies {
		if v.cookies[i].name == string(name) {
			at = i
		}
	}
	if len(value) == 0 || over(rest) {
		if at >= 0 {
			v.cookies = append(v.cookies[:at], v.cookies[at+1:]...)
		}
		return
	}
	if at < 0 {
		if len(v.cookies) == 0 {
			v.crowd.counts.holding.Add(1)
		}
		v.cookies = append(v.cookies, cookie{v.crowd.tape.name(name), string(value)})
	} else if v.cookies[at].value == string(value) {
		return
	} else {
		v.cookies[at].value = string(value)
	}
	switch kind, room, _ := strings.Cut(strings.TrimPrefix(string(name), "__Host-"), "-"+v.crowd.cfg.Room); {
	case room != "":
	case kind == "dealgate-ticket":
		v.ticket(claims(value), now)
	case kind == "dealgate-pass":
		v.pass(claims(value), now)
	}
}

// over reports whether a cookie's attributes delete it.
func over(attributes []byte) bool {
	for len(attributes) > 0 {
		var a []byte
		a, attributes, _ = bytes.Cut(attributes, []byte(";"))
		name, value, _ := bytes.Cut(bytes.TrimSpace(a), []byte("="))
		switch {
		case bytes.EqualFold(name, []byte("Max-Age")):
			seconds, err := strconv.Atoi(string(value))
			return err == nil && seconds <= 0
		case bytes.EqualFold(name, []byte("Expires")):
			at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", string(value))
			if err == nil && time.Since(at) > 0 {
				return true
			}
		}
	}
	return false
}

// token returns the visitor's ticket or pass, "" if it has none.
func (v *Visitor) token(kind string) string {
	for _, k := range v.cookies {
		name := strings.TrimPrefix(k.name, "__Host-")
		if len(name) == len("dealgate-")+len(kind)+1+len(v.crowd.cfg.Room) && strings.HasPrefix(name[len("dealgate-"):], kind) &&
			strings.HasSuffix(name, v.crowd.cfg.Room) {
			return k.value
		}
	}
	return ""
}

// Ticket returns the ticket the visitor holds, "" if none; Pass its pass.
func (v *Visitor) Ticket() string { return v.token("ticket") }

// Pass returns the pass the visitor holds, "" if none.
func (v *Visitor) Pass() string { return v.token("pass") }

// ticket notes the place of a new ticket.
func (v *Visitor) ticket(payload []byte, now time.Duration) {
	p := Place{Lane: string(text(payload, `"lane":"`)), Epoch: number(payload, `"epoch":`), Place: number(payload, `"place":`), Given: now}
	if n := len(v.Places); n > 0 && v.Places[n-1].Epoch == p.Epoch && v.Places[n-1].Place == p.Place && v.Places[n-1].Lane == p.Lane {
		return
	}
	v.Places = append(v.Places, p)
}

// pass notes a session, or that it was renewed. A pass says in whole seconds of Unix time
// when it ends.
func (v *Visitor) pass(payload []byte, now time.Duration) {
	until := time.Unix(number(payload, `"exp":`), 0).Sub(v.crowd.start)
	s := Stay{Lane: string(text(payload, `"lane":"`)), Epoch: number(payload, `"epoch":`), Place: number(payload, `"place":`), From: now, Until: until}
	if n := len(v.Passes); n > 0 {
		if last := &v.Passes[n-1]; last.Place == s.Place && last.Epoch == s.Epoch && last.Lane == s.Lane && last.Until >= now {
			last.Until = until
			return
		}
	}
	v.Passes = append(v.Passes, s)
}

// claims returns the claims of a token, unverified: visitors have no key.
func claims(token []byte) []byte {
	_, rest, _ := bytes.Cut(token, []byte("."))
	payload, _, _ := bytes.Cut(rest, []byte("."))
	out, err := base64.RawURLEncoding.AppendDecode(nil, payload)
	if err != nil {
		return nil
	}
	return out
}

// number returns the whole number after a key of a flat JSON text, 0 if there is none.
func number(text []byte, key string) (n int64) {
	i := bytes.Index(text, []byte(key))
	if i < 0 {
		return 0
	}
	for _, c := range text[i+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// text returns the string after a key, without escapes.
func text(json []byte, key string) []byte {
	i := bytes.Index(json, []byte(key))
	if i < 0 {
		return nil
	}
	s, _, _ := bytes.Cut(json[i+len(key):], []byte(`"`))
	return s
}

// Cookies returns the visitor's cookies as a Cookie header has them.
func (v *Visitor) Cookies() string {
	var all []string
	for _, k := range v.cookies {
		all = append(all, k.name+"="+k.value)
	}
	return strings.Join(all, "; ")
}
