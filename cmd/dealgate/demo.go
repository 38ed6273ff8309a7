package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/dealgate/dealgate/bench/crowd"
	"github.com/dealgate/dealgate/configs"
)

//go:embed demo.yaml
var demoYAML []byte

func demo(ctx context.Context, args []string, std streams) error {
	fs := newFlags("demo")
	size := fs.Int("crowd", 3000, "how many synthetic `VISITORS` come")
	rate := fs.String("rate", "50/s", "sessions that may begin: `N/s`, N/m or N/h")
	listen := fs.String("listen", "127.0.0.1:8080", "where visitors come in")
	admin := fs.String("admin", "127.0.0.1:9090", "where operators and metrics come in")
	lasts := fs.Duration("for", 0, "end after this `TIME`, such as 2m; 0 is until Ctrl-C")
	if goOn, err := parseFlags(fs, args, std); !goOn {
		return err
	}
	if *size < 0 || *lasts < 0 {
		return usagef("demo: --crowd and --for: want 0 or more")
	}
	cfg, err := configs.Parse("demo.yaml", demoYAML, os.LookupEnv)
	if err != nil {
		return err
	}
	given, err := inline("demo", map[string]string{"listen": *listen, "admin": *admin, "rate": *rate,
		"data": "demo", "to": "http://127.0.0.1:1", "path": "/*", "capacity": "0"})
	if err != nil {
		return err
	}
	cfg.Listen, cfg.Admin.Listen = given.Listen, given.Admin.Listen
	cfg.Rooms[0].Admit.Rate, cfg.Rooms[0].Admit.Burst = given.Rooms[0].Admit.Rate, given.Rooms[0].Admit.Burst
	if cfg.Store.Path, err = os.MkdirTemp("", "dealgate-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(cfg.Store.Path)
	if *lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *lasts)
		defer cancel()
	}
	return runGate(ctx, cfg, std, func(ctx context.Context, g *gate) error { return runDemo(ctx, g, *size, std.out) })
}

// runDemo lets the crowd come and says how it goes, until ctx ends; then it
// sums up.
func runDemo(ctx context.Context, g *gate, size int, out io.Writer) error {
	url := visit(g.addr)
	fmt.Fprintf(out, "  Open %s/ and pick a deal: you really wait, and you really get in. Ctrl-C ends it.\n", url)
	if rate := float64(g.cfg.Rooms[0].Admit.Rate); rate > 0 && size > 0 {
		lasts := time.Duration(float64(size)/rate) * time.Second
		fmt.Fprintf(out, "  %d visitors come within five seconds: the line lasts about %v.\n", size, lasts)
	}
	fmt.Fprintln(out)
	came := make(chan *crowd.Report, 1)
	var visitors *crowd.Crowd
	if size > 0 {
		shoppers := newShoppers(size)
		var err error
		visitors, err = crowd.New(crowd.Config{
			URL: url + "/deals/" + shoppers.deals[0], Room: g.cfg.Rooms[0].Name, Mode: crowd.Page,
			Visitors: size, Over: 5 * time.Second, Conns: 256, Seed: 1,
			Leave: 0.1, Patience: 2 * time.Minute, Background: 0.05, Farewell: 0.5,
			Inside: shoppers.turn,
		})
		if err != nil {
			return err
		}
		go func() {
			report, err := visitors.Run(ctx)
			if err != nil {
				g.log.Error("the crowd", "err", err)
			}
			came <- report
		}()
	}
	before := g.stockLeftSum()
	watchDemo(ctx, g, before, out)
	var report *crowd.Report
	if visitors != nil {
		report = <-came
	}
	sumUp(out, g, report, before)
	return nil
}

// watchDemo shows the live line until ctx ends.
func watchDemo(ctx context.Context, g *gate, before int64, out io.Writer) {
	line := newLiveLine(out)
	defer line.end()
	var pace recent
	tick := time.NewTicker(line.every())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r := g.roomList()[0]
		v := r.View()
		var waiting int64
		for _, l := range v.Lanes {
			waiting += l.Present
		}
		line.show(fmt.Sprintf("  waiting %6d   admitted %6d   inside %5d   entering %5.1f/s of %s   sold %5d of %d",
			waiting, v.Begun, v.Sessions, pace.perSecond(time.Now(), v.Begun), ratePerSecond(v.Rate), before-g.stockLeftSum(), before))
	}
}

// recent is the pace of a counter over the last few seconds.
type recent struct {
	at []time.Time
	n  []int64
}

// perSecond notes the counter and returns its pace over the last 5 s.
func (r *recent) perSecond(now time.Time, n int64) float64 {
	r.at, r.n = append(r.at, now), append(r.n, n)
	for now.Sub(r.at[0]) > 5*time.Second {
		r.at, r.n = r.at[1:], r.n[1:]
	}
	if span := now.Sub(r.at[0]).Seconds(); span >= 1 {
		return float64(n-r.n[0]) / span
	}
	return 0
}

// sumUp says what came of the demo.
func sumUp(out io.Writer, g *gate, report *crowd.Report, before int64) {
	v := g.roomList()[0].View()
	left := g.stockLeftSum()
	fmt.Fprintf(out, "\n  %d sessions begun, %d units sold, %d left of %d: oversold %d\n", v.Begun, before-left, left, before, max(0, -left))
	if report == nil {
		return
	}
	fmt.Fprintf(out, "  places given twice: %d   errors: %d\n", len(report.Duplicates()), report.Counts.Errors)
	fmt.Fprintf(out, "  %v\n", report)
}

// stockLeftSum is what is left of all configured deals.
func (g *gate) stockLeftSum() (n int64) {
	for _, left := range g.stockLeft() {
		n += left
	}
	return n
}

// shoppers are the crowd once inside: they look around, most buy and pay, and
// they go.
type shoppers struct {
	deals  []string
	turns  []int8   // by visitor
	orders []string // ids, by visitor
}

func newShoppers(n int) *shoppers {
	return &shoppers{deals: []string{"mat", "lamp", "kettle", "ticket"}, turns: make([]int8, n), orders: make([]string, n)}
}

// turn is what a visitor does next: look, order, pay, leave.
func (s *shoppers) turn(v *crowd.Visitor) time.Duration {
	turn, deal := s.turns[v.Number], s.deals[v.Number%len(s.deals)]
	s.turns[v.Number]++
	buys := v.Number%10 < 7
	var err error
	switch {
	case turn == 0:
		_, err = v.Do("GET", "/deals/"+deal, "", nil)
	case turn == 1 && buys:
		s.orders[v.Number], err = order(v, deal)
	case turn == 2 && s.orders[v.Number] != "":
		_, err = v.Do("POST", "/api/v1/orders/"+s.orders[v.Number]+"/pay", "", []byte{})
	default:
		return -1
	}
	if err != nil {
		return -1
	}
	return time.Duration(1+v.Number%4) * time.Second
}

// order reserves one unit of the deal and returns the order's id, "" if the
// shop refused.
func order(v *crowd.Visitor, deal string) (id string, err error) {
	body := fmt.Appendf(nil, `{"deal":%q,"quantity":1}`, deal)
	header := fmt.Sprintf("Content-Type: application/json\r\nIdempotency-Key: demo-%d\r\n", v.Number)
	a, err := v.Do("POST", "/api/v1/orders", header, body)
	if err != nil || a.Code != http.StatusCreated {
		return "", err
	}
	var o struct{ ID string }
	err = json.Unmarshal(a.Body, &o)
	return o.ID, err
}
