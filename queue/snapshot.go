package queue

import "slices"

// snapshot is all that polls are answered from: the last View, moved on by
// what Steps told since. It is immutable; the room swaps it as a whole.
type snapshot struct {
	view    *View
	lines   []line // by lane; those that left the View keep their floor only
	floor   Floor
	out     outlook
	stretch float64
}

// line returns the line of a lane, nil if none is known.
func (s *snapshot) line(lane string) *line {
	for i := range s.lines {
		if s.lines[i].lane == lane {
			return &s.lines[i]
		}
	}
	return nil
}

// estimate tells what is known of the wait of t.
func (s *snapshot) estimate(t Ticket) Estimate {
	l := s.line(t.Lane)
	if l == nil {
		return Estimate{pace: noIdea}
	}
	e := Estimate{Waiting: l.waiting}
	if t.Epoch != l.epoch || s.view.Now.IsZero() {
		return e
	}
	e.Ahead = l.ahead(t.Place)
	s.out.estimate(&e, s.before(l, e.Ahead))
	return e
}

// before returns how many visitors of all lanes enter before one of lane own
// that has so many ahead: lanes are served in proportion to their weights, until they are empty.
func (s *snapshot) before(own *line, ahead int64) float64 {
	sum := float64(ahead)
	for i := range s.lines {
		if l := &s.lines[i]; l != own {
			sum += min(float64(l.waiting), float64(ahead)*l.weight/own.weight)
		}
	}
	return sum
}

// synced returns the snapshot that follows from a View. Nothing goes back in it, even
// if the engine forgot: times, heads, tails and epochs are the highest known.
func (s *snapshot) synced(v *View, p *Policy) *snapshot {
	view := *v
	view.Now = view.Now.Round(0)
	if view.Now.Before(s.view.Now) {
		view.Now = s.view.Now
	}
	if view.Run == s.view.Run {
		view.Presence = max(view.Presence, s.view.Presence)
	}
	view.Lanes = slices.Clone(v.Lanes)
	n := &snapshot{view: &view, out: newOutlook(&view)}
	waiting := int64(0)
	for i := range view.Lanes {
		lv := &view.Lanes[i]
		if was := s.line(lv.Lane); was != nil {
			keepUp(lv, was)
		}
		lv.Present = min(lv.Present, lv.Tail-lv.Head) // counted a while ago
		n.lines = append(n.lines, newLine(*lv, p.weight(lv.Lane)))
		waiting += n.lines[i].waiting
	}
	for _, l := range s.lines {
		if n.line(l.lane) == nil {
			gone := LaneView{Lane: l.lane, Epoch: l.epoch, Head: l.head, Tail: l.tail, From: l.tail}
			n.lines = append(n.lines, newLine(gone, 1))
		}
	}
	n.stretch = n.out.stretch(float64(waiting))
	n.setFloor(view.Run)
	return n
}

// keepUp raises v to what was known.
func keepUp(v *LaneView, was *line) {
	switch {
	case v.Epoch < was.epoch:
		*v = LaneView{
			Lane: v.Lane, Epoch: was.epoch, Head: was.head, Tail: was.tail,
			From: was.from, To: was.to, First: was.first, Blocks: was.blocks,
		}
	case v.Epoch == was.epoch:
		v.Head, v.Tail = max(v.Head, was.head), max(v.Tail, was.tail)
	}
}

// joined returns the snapshot that follows from a Step's answers to joins.
func (s *snapshot) joined(joins []Join, got []Joined, run string, p *Policy) *snapshot {
	n := *s
	n.lines = slices.Clone(s.lines)
	for i, j := range got {
		if j.First <= 0 {
			continue
		}
		tail := j.First + int64(joins[i].N) - 1
		l := n.line(joins[i].Lane)
		switch {
		case l == nil:
			v := LaneView{Lane: joins[i].Lane, Epoch: j.Epoch, Head: j.Head, Tail: tail}
			n.lines = append(n.lines, newLine(v, p.weight(v.Lane)))
		case j.Epoch > l.epoch:
			*l = newLine(LaneView{Lane: l.lane, Epoch: j.Epoch, Head: j.Head, Tail: tail}, int(l.weight))
		case j.Epoch == l.epoch:
			*l = l.at(max(l.head, j.Head), max(l.tail, tail))
		}
	}
	n.setFloor(run)
	return &n
}

func (s *snapshot) setFloor(run string) {
	s.floor = Floor{Run: run, Lanes: make([]LaneFloor, len(s.lines))}
	for i, l := range s.lines {
		s.floor.Lanes[i] = LaneFloor{Lane: l.lane, Epoch: l.epoch, Head: l.head, Tail: l.tail}
	}
}
