// Package crowd is a crowd of visitors of a waiting room, for demonstrations,
// measurements and tests.
//
// Each visitor is a browser with cookies of its own that does as it is told: it
// takes its place, asks again when the answer said so, goes in when called,
// looks around and leaves. They come at their times whether or not the gate
// keeps up, and what they wait is measured from the moment they meant to ask. Some thousand
// connections carry any number of them; none has a goroutine of its own. A crowd
// trusts nobody's account but what its visitors were answered.
package crowd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Mode is how visitors come.
type Mode uint8

// The modes.
const (
	API   Mode = iota // POST for a ticket, GET its status as JSON, GET the path when called
	Page              // GET the path as HTML; the page's script then polls as in API
	Plain             // GET the path as HTML, again and again as Refresh says: no JavaScript
)

// Config says who comes.
type Config struct {
	URL      string        // of what the room protects, as http://127.0.0.1:8080/deals/42
	Room     string        // its name
	Visitors int           // at least 1
	Over     time.Duration // they come evenly over this time; 0: all at once
	Mode     Mode
	Bearer   bool   // sends its newest token as Authorization: Bearer, no cookies
	JoinOnly bool   // goes as soon as it holds a ticket or is inside
	Header   string // further lines of every request, each ending in CRLF
	Seed     uint64 // of what is left to chance

	Conns int                      // connections kept at most. Default 1024
	Dial  func() (net.Conn, error) // default: TCP to the URL's host

	Leave      float64       // share of visitors that lose patience, each at a random time
	Patience   time.Duration // within this after coming. Default 1 min
	Background float64       // share of visitors whose browser lets them ask once a minute only
	Farewell   float64       // share of those leaving, the line or the shop, that say so (DELETE)

	// Inside is what an admitted visitor does at its turn. It returns how long
	// until its next turn, or a negative time to leave. It may call v.Do. The default asks
	// for the path every Every until Stay is over.
	Inside func(v *Visitor) time.Duration
	Stay   time.Duration // default 0: leaves once inside
	Every  time.Duration // default 5 s

	OnAdmit func(v *Visitor) // called by many goroutines
}

// Counts are what a crowd has come to so far.
type Counts struct {
	Arrived  int64 // have sent their first request
	Holding  int64 // have ever held a ticket or a pass
	Waiting  int64 // are waiting now
	Inside   int64 // are inside now
	Admitted int64 // admissions so far
	Gone     int64 // have left, or were turned away
	Requests int64 // answered
	Errors   int64 // exchanges that failed, and answers of no use
	Stale    int64 // kept connections the server had closed: the request was sent anew
}

// counts is Counts as it grows.
type counts struct {
	arrived, holding, waiting, inside, admitted, gone, requests, errors, stale atomic.Int64
}

// A Crowd runs once.
type Crowd struct {
	cfg     Config
	host    string
	path    string
	start   time.Time
	counts  counts
	tape    tape
	lasting []Visitor

	mu      sync.Mutex // guards what follows
	wheel   *wheel
	idle    []*worker // that wait for work, the last to do so first
	leading bool      // a worker sleeps until the next visitor is due
	left    int       // visitors not gone
	over    chan struct{}
	ended   bool
	nudge   chan struct{} // wakes the leader early
	until   int64         // when the leader wakes
}

// A worker carries one visitor at a time over its connection.
type worker struct {
	crowd   *Crowd
	conn    *Conn
	request []byte
	wake    chan struct{}
	timer   *time.Timer
	random  *rand.Rand
}

// New checks the configuration. Nobody comes before Run.
func New(cfg Config) (*Crowd, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("crowd: URL %q: want http://host:port/path", cfg.URL)
	}
	if cfg.Room == "" || cfg.Visitors < 1 {
		return nil, errors.New("crowd: want a room and at least one visitor")
	}
	cfg.Conns = min(cmp.Or(cfg.Conns, 1024), cfg.Visitors)
	cfg.Patience = cmp.Or(cfg.Patience, time.Minute)
	cfg.Every = cmp.Or(cfg.Every, 5*time.Second)
	address := u.Host
	if u.Port() == "" {
		address += ":80"
	}
	if cfg.Dial == nil {
		cfg.Dial = func() (net.Conn, error) { return net.DialTimeout("tcp", address, 10*time.Second) }
	}
	c := &Crowd{cfg: cfg, host: u.Host, path: cmp.Or(u.RequestURI(), "/"), left: cfg.Visitors,
		wheel: newWheel(cfg.Visitors), over: make(chan struct{}), nudge: make(chan struct{}, 1)}
	c.tape.init()
	c.lasting = make([]Visitor, cfg.Visitors)
	random := rand.New(rand.NewPCG(cfg.Seed, 0))
	for i := range c.lasting {
		v := &c.lasting[i]
		v.crowd, v.Number = c, i
		v.Arrived = cfg.Over * time.Duration(i) / time.Duration(cfg.Visitors)
		v.Background = random.Float64() < cfg.Background
		if random.Float64() < cfg.Leave {
			v.leaves = v.Arrived + 1 + time.Duration(random.Float64()*float64(cfg.Patience))
		}
		v.Farewell = random.Float64() < cfg.Farewell
		c.wheel.add(int32(i), v.Arrived.Milliseconds())
	}
	return c, nil
}

// Run is New and Run.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return c.Run(ctx)
}

// Run lets the visitors come, until all are gone or ctx ends, and reports. It
// fails only if nobody could be reached at all.
func (c *Crowd) Run(ctx context.Context) (*Report, error) {
	probe, err := c.cfg.Dial()
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	c.start = time.Now()
	var workers sync.WaitGroup
	for i := range c.cfg.Conns {
		w := &worker{crowd: c, wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour),
			random: rand.New(rand.NewPCG(c.cfg.Seed, uint64(i+1)))}
		if i == 0 {
			w.conn = NewConn(probe)
		}
		workers.Go(w.run)
	}
	select {
	case <-ctx.Done():
		c.mu.Lock()
		c.endLocked()
		c.mu.Unlock()
	case <-c.over:
	}
	workers.Wait()
	return c.report(), nil
}

// Counts returns what the crowd has come to; also while it runs.
func (c *Crowd) Counts() Counts {
	n := &c.counts
	return Counts{Arrived: n.arrived.Load(), Holding: n.holding.Load(), Waiting: n.waiting.Load(), Inside: n.inside.Load(), Admitted: n.admitted.Load(),
		Gone: n.gone.Load(), Requests: n.requests.Load(), Errors: n.errors.Load(), Stale: n.stale.Load()}
}

// since is the crowd's clock.
func (c *Crowd) since() time.Duration { return time.Since(c.start) }

// endLocked sends the workers home.
func (c *Crowd) endLocked() {
	if c.ended {
		return
	}
	c.ended = true
	close(c.over)
	for _, w := range c.idle {
		w.wake <- struct{}{}
	}
	c.idle = nil
}

// run serves visitors as they are due until the crowd ends.
func (w *worker) run() {
	defer w.timer.Stop()
	for {
		v := w.next()
		if v == nil {
			break
		}
		wait := v.turn(w, time.Duration(w.crowd.wheel.due[v.Number])*time.Millisecond)
		w.crowd.again(v, wait)
	}
	if w.conn != nil {
		w.conn.Close()
	}
}

// next returns the next visitor due, nil when the crowd has ended. One worker
// at a time leads: it sleeps until somebody is due and takes that one, while
// another leads. The rest wait, and who waited last is the first to go on.
func (w *worker) next() *Visitor {
	c := w.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended {
		now := c.since().Milliseconds()
		if i := c.wheel.take(now); i >= 0 {
			c.callLocked()
			return &c.lasting[i]
		}
		if c.leading {
			c.idle = append(c.idle, w)
			c.mu.Unlock()
			<-w.wake
			c.mu.Lock()
			continue
		}
		c.leading = true
		c.until = c.wheel.soonest(now)
		c.mu.Unlock()
		w.sleep(time.Duration(c.until) * time.Millisecond)
		c.mu.Lock()
		c.leading = false
	}
	return nil
}

// callLocked gets a worker for what is due next, unless one leads.
func (c *Crowd) callLocked() {
	if n := len(c.idle); n > 0 && !c.leading {
		c.idle[n-1].wake <- struct{}{}
		c.idle = c.idle[:n-1]
	}
}

// sleep waits until the crowd's time, a nudge, or the end.
func (w *worker) sleep(until time.Duration) {
	w.timer.Reset(until - w.crowd.since())
	select {
	case <-w.timer.C:
	case <-w.crowd.nudge:
	case <-w.crowd.over:
	}
}

// again makes a visitor due after a wait, or sees it off if that is negative.
func (c *Crowd) again(v *Visitor, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait < 0 {
		if c.left--; c.left == 0 {
			c.endLocked()
		}
		return
	}
	due := (c.since() + wait + time.Millisecond - 1).Milliseconds()
	c.wheel.add(int32(v.Number), due)
	if c.leading && due < c.until {
		select {
		case c.nudge <- struct{}{}:
		default:
		}
	}
}
