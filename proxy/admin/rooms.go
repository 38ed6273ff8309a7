package admin

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// roomState is a room as the API shows it. Rates are per second; a rate or a
// capacity of 0 is unlimited.
type roomState struct {
	Name     string      `json:"name"`
	State    queue.State `json:"state"` // in force, as the three below
	Rate     float64     `json:"rate"`
	Capacity int         `json:"capacity"`
	Message  string      `json:"message"`

	Configured limits    `json:"configured"`
	Overrides  overrides `json:"overrides"`

	Waiting   int64       `json:"waiting"`  // present visitors, over all lanes
	Sessions  int64       `json:"sessions"` // live leases
	Entered   float64     `json:"entered_per_second"`
	Begun     int64       `json:"sessions_begun"` // since the engine started, as the next
	Abandoned int64       `json:"abandoned"`
	Stay      float64     `json:"mean_session_seconds"`
	Lanes     []laneState `json:"lanes"`

	StoreAway bool       `json:"store_away"`      // what follows from the store is as old as as_of
	AsOf      *time.Time `json:"as_of,omitempty"` // by the engine's clock
}

// limits are what the configuration asks of a room.
type limits struct {
	State    queue.State `json:"state"`
	Rate     float64     `json:"rate"`
	Burst    int         `json:"burst"`
	Capacity int         `json:"capacity"`
}

// overrides are what operators set; what is absent is as configured.
type overrides struct {
	State    *queue.State `json:"state,omitempty"`
	Rate     *float64     `json:"rate,omitempty"`
	Capacity *int         `json:"capacity,omitempty"`
	Message  *string      `json:"message,omitempty"`
}

type laneState struct {
	Lane    string   `json:"lane"`
	Epoch   int64    `json:"epoch"`
	Head    int64    `json:"head"`
	Tail    int64    `json:"tail"`
	Waiting int64    `json:"waiting"`
	Wait    *float64 `json:"wait_seconds,omitempty"` // expected by who joins now; absent: not known
}

// stateOf describes r with the overrides o in force.
func stateOf(r *queue.Room, o queue.Overrides) roomState {
	p, v := r.Policy(), r.View()
	s := roomState{
		Name:       r.Name(),
		State:      valueOr(o.State, p.State),
		Rate:       valueOr(o.Rate, p.Rate),
		Capacity:   valueOr(o.Capacity, p.Capacity),
		Message:    valueOr(o.Message, ""),
		Configured: limits{p.State, p.Rate, p.Burst, p.Capacity},
		Overrides:  overrides(o),
		Sessions:   int64(v.Sessions),
		Entered:    v.Entered,
		Begun:      v.Begun,
		Abandoned:  v.Abandoned,
		Stay:       v.MeanSession.Seconds(),
		Lanes:      make([]laneState, len(v.Lanes)),
		StoreAway:  r.Away(),
	}
	for i, l := range v.Lanes {
		e := r.Estimate(queue.Ticket{Lane: l.Lane, Epoch: l.Epoch, Place: l.Tail + 1})
		s.Lanes[i] = laneState{Lane: l.Lane, Epoch: l.Epoch, Head: l.Head, Tail: l.Tail, Waiting: e.Waiting}
		if e.Known {
			wait := e.ETA.Seconds()
			s.Lanes[i].Wait = &wait
		}
		s.Waiting += e.Waiting
	}
	if !v.Now.IsZero() {
		s.AsOf = &v.Now
	}
	return s
}

func valueOr[T any](override *T, configured T) T {
	if override != nil {
		return *override
	}
	return configured
}

func (h *handler) states() []roomState {
	states := []roomState{}
	for _, r := range h.cfg.Rooms() {
		states = append(states, stateOf(r, r.View().Overrides))
	}
	return states
}

func (h *handler) rooms(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, "application/json", map[string]any{"rooms": h.states()})
}

// room looks up the room of the address for f.
func (h *handler) room(f func(http.ResponseWriter, *http.Request, *queue.Room)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, room := range h.cfg.Rooms() {
			if room.Name() == r.PathValue("room") {
				f(w, r, room)
				return
			}
		}
		unknownRoom.with("GET /admin/api/rooms lists those there are").write(w)
	}
}

func (h *handler) show(w http.ResponseWriter, _ *http.Request, room *queue.Room) {
	writeJSON(w, http.StatusOK, "application/json", stateOf(room, room.View().Overrides))
}

// change merges a patch (RFC 7396) into the overrides of the room: null clears
// one, what is absent stays.
func (h *handler) change(w http.ResponseWriter, r *http.Request, room *queue.Room) {
	body, p := bodyOf(w, r)
	if p != nil {
		p.write(w)
		return
	}
	c, faults := decodePatch(body)
	if len(faults) == 0 && unlimited(room, c) {
		faults = []fault{{"capacity", "want a rate or a capacity above 0: the room would be unlimited; state open admits all"}}
	}
	if len(faults) > 0 {
		invalidChange.because(faults).write(w)
		return
	}
	h.control(w, r, room, c)
}

// unlimited says whether c takes away the last limit of the room.
func unlimited(room *queue.Room, c queue.Control) bool {
	o, p := room.View().Overrides, room.Policy()
	if c.Rate.Set {
		o.Rate = c.Rate.To
	}
	if c.Capacity.Set {
		o.Capacity = c.Capacity.To
	}
	return (c.Rate.Set || c.Capacity.Set) && valueOr(o.Rate, p.Rate) == 0 && valueOr(o.Capacity, p.Capacity) == 0
}

func (h *handler) reset(w http.ResponseWriter, r *http.Request, room *queue.Room) {
	body, p := bodyOf(w, r)
	if body = bytes.TrimSpace(body); p == nil && len(body) > 0 && string(body) != "{}" {
		p = new(invalidChange.with("want no body, or {}"))
	}
	if p != nil {
		p.write(w)
		return
	}
	h.control(w, r, room, queue.Control{Reset: true})
}

func (h *handler) control(w http.ResponseWriter, r *http.Request, room *queue.Room, c queue.Control) {
	before := stateOf(room, room.View().Overrides)
	o, err := room.Control(r.Context(), c)
	if errors.Is(err, queue.ErrRefused) { // two changes at once left nothing this one may change
		invalidChange.with("%v", err).write(w)
		return
	}
	if err != nil {
		h.cfg.Log.Warn("room not changed", "room", room.Name(), "by", r.RemoteAddr, "err", err)
		w.Header().Set("Retry-After", "1")
		storeAway.with("it is not known whether the change was made: repeat it").write(w)
		return
	}
	after := stateOf(room, o)
	h.cfg.Log.Info("room changed by an operator", "room", room.Name(), "by", r.RemoteAddr, "reset", c.Reset,
		"state", after.State, "rate", after.Rate, "capacity", after.Capacity, "message", after.Message,
		"state_before", before.State, "rate_before", before.Rate, "capacity_before", before.Capacity)
	writeJSON(w, http.StatusOK, "application/json", after)
}

// maxBody bounds the body of a change, in bytes.
const maxBody = 16 << 10

func bodyOf(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, new(wrongMedia.with("want Content-Type: application/json"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, new(tooLarge.with("want at most %d bytes", maxBody))
	case err != nil:
		return nil, new(invalidChange.with("the body ended early"))
	}
	return body, nil
}
