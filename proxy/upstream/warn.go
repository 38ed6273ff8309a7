package upstream

import (
	"log/slog"
	"sync"
	"time"
)

// warnEvery is how often one origin's failures are news.
const warnEvery = time.Second

// Warn logs a failure of the origin: the first at once, then at most one a second,
// with how many were left out since as "unsaid". It is safe for concurrent use.
func (u *Upstream) Warn(log *slog.Logger, msg string, args ...any) {
	if unsaid, due := u.warned.due(time.Now()); due {
		log.Warn(msg, append([]any{"upstream", u.cfg.Name, "unsaid", unsaid}, args...)...)
	}
}

// news counts what is not said because something was said just before.
type news struct {
	mu     sync.Mutex // guards what follows
	last   time.Time
	unsaid int
}

// due reports whether to say something at now, and how much was unsaid before.
func (n *news) due(now time.Time) (unsaid int, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.last.IsZero() && now.Sub(n.last) < warnEvery {
		n.unsaid++
		return 0, false
	}
	unsaid, n.unsaid, n.last = n.unsaid, 0, now
	return unsaid, true
}
