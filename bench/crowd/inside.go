package crowd

import (
	"errors"
	"time"
)

// ErrOutside is returned by Do when the session is over.
var ErrOutside = errors.New("the visitor is outside")

// in is the moment the visitor is let in.
func (v *Visitor) in() time.Duration {
	now := v.crowd.since()
	if v.Admitted == 0 {
		v.Admitted = now
		if v.Called == 0 {
			v.Called = now
		}
	}
	v.crowd.counts.admitted.Add(1)
	v.set(inside)
	v.leaving = now + v.crowd.cfg.Stay
	if v.crowd.cfg.OnAdmit != nil {
		v.crowd.cfg.OnAdmit(v)
	}
	if v.crowd.cfg.JoinOnly {
		return -1
	}
	if v.crowd.cfg.Inside != nil {
		return 0
	}
	return v.pause()
}

// pause is the time until an admitted visitor's next look; when its stay is over it leaves.
func (v *Visitor) pause() time.Duration {
	rest := v.leaving - v.crowd.since()
	if rest <= 0 {
		v.farewell()
		return -1
	}
	return min(rest, v.crowd.cfg.Every)
}

// look is the default of those inside: the path again, until the stay is over.
func (v *Visitor) look(due time.Duration) time.Duration {
	if v.crowd.since() >= v.leaving {
		return v.pause()
	}
	a, err := v.exchange(due, Browse, "GET", v.crowd.path, "application/json", "", nil)
	switch {
	case err != nil:
		return v.retry()
	case a.waits(): // the session is over, and this is a place in line again
		v.set(waiting)
		return a.wait()
	}
	return v.pause()
}

// Do lets an admitted visitor ask the shop for something, with its cookies.
// The body is sent if it is not nil. The answer is valid until the next Do.
func (v *Visitor) Do(method, target, header string, body []byte) (*Answer, error) {
	a, err := v.exchange(v.crowd.since(), Browse, method, target, "application/json", header, body)
	if err == nil && a.waits() {
		return a, ErrOutside
	}
	return a, err
}

// farewell tells the gate, if this visitor is so polite.
func (v *Visitor) farewell() {
	if !v.Farewell || len(v.cookies) == 0 {
		return
	}
	now := v.crowd.since()
	if n := len(v.Passes); n > 0 {
		v.Passes[n-1].Until = min(v.Passes[n-1].Until, now)
	}
	v.exchange(now, Leave, "DELETE", "/.dealgate/rooms/"+v.crowd.cfg.Room+"/ticket", "application/json", "", nil)
}

// depart ends the visit.
func (v *Visitor) depart() {
	v.Gone = v.crowd.since()
	v.set(coming)
	v.crowd.counts.gone.Add(1)
}
