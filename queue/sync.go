package queue

import (
	"context"
	"errors"
	"time"
)

// syncSoon asks for a Sync without waiting for its time.
func (r *Room) syncSoon() {
	select {
	case r.sync <- struct{}{}:
	default:
	}
}

// syncs sends a Sync every SyncEvery, or several where more marks are due than
// one may carry, until ctx ends. Only changes between failing and not are logged.
func (r *Room) syncs(ctx context.Context) {
	failing := false
	for {
		began := time.Now()
		more, err := r.syncOnce(ctx)
		for more && err == nil && ctx.Err() == nil {
			more, err = r.syncOnce(ctx)
		}
		switch {
		case err != nil && !failing:
			r.cfg.Log.Warn("engine does not answer", "room", r.cfg.Name, "err", err)
		case err == nil && failing:
			r.cfg.Log.Info("engine answers again", "room", r.cfg.Name)
		}
		failing = err != nil
		soon := r.sync
		if failing {
			soon = nil
		}
		if !pause(ctx, r.cfg.SyncEvery-time.Since(began), soon) {
			return
		}
	}
}

// syncOnce sends one Sync and learns from its answer. It reports whether another
// should follow at once. Marks stay due until the engine has them.
func (r *Room) syncOnce(ctx context.Context) (more bool, err error) {
	s := r.snap.Load()
	marks, due := r.marks.next(nil, MaxMarks)
	req := &Sync{
		Room: r.cfg.Name, Policy: r.Policy(), Floor: s.floor, Marks: marks,
		Presence: s.view.Presence, EndSeq: s.view.EndSeq,
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	sent := time.Now()
	v, err := r.cfg.Engine.Sync(ctx, req)
	if err == nil && v == nil {
		err = errors.New("the engine did not answer a sync")
	}
	if err != nil {
		return false, r.away(err)
	}
	r.marks.confirm(marks)
	again := r.learnView(v, s.view, sent)
	r.synced.Store(int64(time.Since(r.made)))
	return again || due > MaxMarks, nil
}

// learnView publishes v, the answer to a Sync after the view was. It reports whether
// another run of the engine must be asked for its whole end list.
func (r *Room) learnView(v, was *View, sent time.Time) (again bool) {
	r.learn.Lock()
	defer r.learn.Unlock()
	r.clock.Store(r.clock.Load().next(v.Now, sent))
	n := r.snap.Load().synced(v, r.policy.Load())
	if v.Run != was.Run {
		r.marks.forget()
		if again = was.EndSeq != 0; again {
			n.view.EndSeq = 0
		}
	}
	for i := range n.lines {
		r.marks.passed(n.lines[i].lane, n.lines[i].epoch, n.lines[i].head)
	}
	r.ended.add(v.Ended, n.view.Now)
	r.snap.Store(n)
	return again
}
