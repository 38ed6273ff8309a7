// Package redis keeps the stock of deals in Redis, for any number of processes.
//
// Every decision is one Lua script, which reads the clock of the server it
// runs on. All keys of a deal carry its id in braces, so that a Cluster keeps
// them together. Scripts may be repeated, but are never retried unasked: a
// shop that got no answer says so.
package redis

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dealgate/dealgate/backend"
)

var (
	//go:embed put.lua
	putLua string
	//go:embed giveback.lua
	givebackLua string
	//go:embed reserve.lua
	reserveLua string
	//go:embed confirm.lua
	confirmLua string
	//go:embed release.lua
	releaseLua string
	//go:embed sweep.lua
	sweepLua string

	putScript     = redis.NewScript(putLua)
	reserveScript = redis.NewScript(reserveLua)
	confirmScript = redis.NewScript(givebackLua + confirmLua)
	releaseScript = redis.NewScript(givebackLua + releaseLua)
	sweepScript   = redis.NewScript(givebackLua + sweepLua)
)

// keyLife is backend.KeyLife as scripts take it.
const keyLife = int64(backend.KeyLife / time.Millisecond)

// Options say where Redis is. One address means a single server, several a
// Cluster; with Master set, the addresses are those of its Sentinels.
type Options struct {
	Addrs    []string
	Master   string
	Username string
	Password string
	TLS      bool
	DB       int

	Log *slog.Logger // what the driver has to say; default: silent. The last Open's is everybody's.
}

// Ledger is a [backend.Ledger] in Redis.
type Ledger struct {
	db    redis.Scripter
	close func() error
}

var _ backend.Ledger = (*Ledger)(nil)

// New returns a ledger on a client of the caller's.
func New(db redis.Scripter) *Ledger {
	return &Ledger{db: db, close: func() error { return nil }}
}

// Open connects, and fails if Redis does not answer.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	u := &redis.UniversalOptions{
		Addrs: o.Addrs, MasterName: o.Master, Username: o.Username, Password: o.Password, DB: o.DB,
		MaxRetries:               -1,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if o.TLS {
		u.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	redis.SetLogger(logger{cmp.Or(o.Log, slog.New(slog.DiscardHandler))})
	db := redis.NewUniversalClient(u)
	if err := db.Ping(ctx).Err(); err != nil {
		db.Close()
		return nil, fmt.Errorf("redis %v: %w", o.Addrs, err)
	}
	return &Ledger{db: db, close: db.Close}, nil
}

// Close ends the connections that Open made.
func (l *Ledger) Close() error { return l.close() }

// Put implements [backend.Ledger].
func (l *Ledger) Put(ctx context.Context, t backend.Terms) (backend.Levels, error) {
	v, err := putScript.Run(ctx, l.db, keys(t.Deal), t.Total, t.Sold, t.PerBuyer, orZero(t.OpensAt), orZero(t.ClosesAt)).Int64Slice()
	return levels(t.Deal, v, err, backend.ErrBelowSold)
}

// Reserve implements [backend.Ledger].
func (l *Ledger) Reserve(ctx context.Context, r backend.Reserve) (backend.Hold, error) {
	answer, err := reserveScript.Run(ctx, l.db, keys(r.Deal), r.Order, r.Buyer, r.Units,
		r.Hold.Milliseconds(), r.Print, hash(r.Buyer, r.Key), keyLife).Text()
	if err != nil {
		return backend.Hold{}, away(err)
	}
	if refused, ok := refusals[answer]; ok {
		return backend.Hold{}, refused
	}
	var what string
	var created, expires int64
	var h backend.Hold
	if _, err := fmt.Sscan(answer, &what, &created, &expires, &h.Order); err != nil {
		return backend.Hold{}, away(fmt.Errorf("reserve answered %q: %w", answer, err))
	}
	h.Created, h.Expires, h.Replayed, h.Gone = at(created), at(expires), what != "held", what == "gone"
	return h, nil
}

// refusals are what reserve.lua answers instead of a hold.
var refusals = map[string]error{
	"key reused": backend.ErrKeyReused,
	"no deal":    backend.ErrNoDeal,
	"not open":   backend.ErrNotOpen,
	"ended":      backend.ErrEnded,
	"limit":      backend.ErrLimit,
	"sold out":   backend.ErrSoldOut,
	"not enough": backend.ErrNotEnough,
}

// Confirm implements [backend.Ledger].
func (l *Ledger) Confirm(ctx context.Context, deal, order string) error {
	err := confirmScript.Run(ctx, l.db, keys(deal), order, keyLife).Err()
	if errors.Is(err, redis.Nil) {
		return backend.ErrLapsed
	}
	return away(err)
}

// Release implements [backend.Ledger].
func (l *Ledger) Release(ctx context.Context, deal, order string) (sold bool, err error) {
	n, err := releaseScript.Run(ctx, l.db, keys(deal), order, keyLife).Int()
	return n == 1, away(err)
}

// Sweep implements [backend.Ledger].
func (l *Ledger) Sweep(ctx context.Context, deal string) (backend.Levels, error) {
	v, err := sweepScript.Run(ctx, l.db, keys(deal), backend.SweepMax, keyLife).Int64Slice()
	return levels(deal, v, err, backend.ErrNoDeal)
}

// logger is what the driver, which has one for the whole process, writes to.
type logger struct{ log *slog.Logger }

func (l logger) Printf(_ context.Context, format string, v ...any) {
	l.log.Debug("redis driver", "msg", fmt.Sprintf(format, v...))
}

// keys are those of a deal, in the order every script takes them.
func keys(deal string) []string {
	k := "dealgate:stock:{" + deal + "}"
	return []string{k, k + ":due"}
}

// hash makes a buyer's idempotency key short and of plain letters, whatever
// the buyer made up.
func hash(buyer, key string) string {
	sum := sha256.Sum256([]byte(buyer + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// levels reads the answer of put and sweep, of which nil means refused.
func levels(deal string, v []int64, err, refused error) (backend.Levels, error) {
	if errors.Is(err, redis.Nil) {
		return backend.Levels{}, refused
	}
	if err != nil {
		return backend.Levels{}, away(err)
	}
	l := backend.Levels{Deal: deal, Total: v[0], Available: max(v[1], 0), Sold: v[2], Now: at(v[3])}
	l.Reserved = l.Total - l.Available - l.Sold
	return l, nil
}

func away(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: redis: %w", backend.ErrAway, err)
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func orZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
