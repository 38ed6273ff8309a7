package memory

import (
	"time"

	"github.com/dealgate/dealgate/queue"
)

// view is what a node answers polls from.
func (r *room) view(endSeq int64, now time.Time) *queue.View {
	v := &queue.View{
		Now: now, Run: r.run, Presence: r.presence,
		State: r.policy.State, Rate: r.policy.Rate, Capacity: r.policy.Capacity,
		Overrides:   r.over,
		Lanes:       make([]queue.LaneView, len(r.lanes)),
		Sessions:    len(r.sessions.slots) - r.sessions.over,
		Entered:     r.entered.PerSecond(),
		Leaving:     max(0, r.leaving.PerSecond()),
		Yield:       r.yield.Value(),
		MeanSession: r.stay.Value(),
		Begun:       r.count.Begun,
		Abandoned:   r.count.Abandoned,
		EndSeq:      r.sessions.seq,
		Ended:       r.sessions.since(endSeq),
	}
	if r.over.Message != nil {
		v.Message = *r.over.Message
	}
	for i, l := range r.lanes {
		v.Called += len(l.called) + len(l.tries)
		lv := &v.Lanes[i]
		lv.Lane, lv.Epoch, lv.Head, lv.Tail, lv.Present = l.name, l.epoch, l.line.head, l.line.tail, l.line.present
		lv.From, lv.To = l.line.head, l.line.tail // the counts are always those of now
		lv.First, lv.Blocks = l.line.view()
	}
	return v
}

// control changes the overrides, or resets the room. A change that is refused changes nothing.
func (r *room) control(c *queue.Control, now time.Time) (queue.Overrides, error) {
	if err := r.over.Apply(c); err != nil {
		return queue.Overrides{}, err
	}
	if c.Reset {
		r.reset(now)
	}
	r.dirty = true
	return r.over, nil
}
