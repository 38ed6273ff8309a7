package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
	"github.com/dealgate/dealgate/backend/ledger/redis"
	"github.com/dealgate/dealgate/backend/store/sqlite"
)

// kills are the steps after which the shop is killed, one after the other,
// each at its n-th time, n at random; see victim_test.go.
var kills = []string{"Reserve", "AddOrder", "Charged", "Settle", "Confirm", "Paid", "Release", "Cancelled", "Reserve", "Confirm", "Settle", "AddOrder"}

// TestKilledBetweenAnyTwoSteps has 2,000 buyers after 500 units, while the
// shop is killed again and again. Whoever has no answer asks again.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		crash(t, dir, "", func(ctx context.Context) (closing, error) { return embedded.Open(ctx, filepath.Join(dir, "stock.db")) })
	})
	t.Run("redis", func(t *testing.T) {
		addr := ledgertest.Redis(t)
		crash(t, t.TempDir(), addr, func(ctx context.Context) (closing, error) {
			return redis.Open(ctx, redis.Options{Addrs: []string{addr}})
		})
	})
}

type closing interface {
	backend.Ledger
	Close() error
}

func crash(t *testing.T, dir, redisAddr string, open func(context.Context) (closing, error)) {
	c := &scene{T: t, dir: dir, redis: redisAddr, paid: map[string]int64{}, over: make(chan struct{}), back: make(chan struct{}, stock)}
	c.client = &http.Client{Transport: &http.Transport{
		MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "shop"))
		},
	}}
	provider := c.provider()
	var shop, all sync.WaitGroup
	gone := make(chan struct{})
	shop.Go(func() { c.keepUp(provider, gone) })
	all.Go(c.watch)
	for i := range crowd {
		all.Go(func() { c.buyer(i) })
	}
	all.Wait()
	close(gone)
	shop.Wait()
	c.client.CloseIdleConnections()
	if c.killed != len(kills) {
		t.Errorf("killed %d times, want %d", c.killed, len(kills))
	}

	l, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c.reckon(l, store)
}

// reckon compares what the ledger, the book of orders, the payment provider
// and the buyers think was sold.
func (c *scene) reckon(l backend.Ledger, store *sqlite.Store) {
	levels, err := l.Sweep(c.Context(), "mat")
	if err != nil || levels.Sold != stock || levels.Available != 0 || levels.Reserved != 0 {
		c.Errorf("the ledger: %+v, %v", levels, err)
	}
	if n, err := store.Sold(c.Context(), "mat"); n != stock || err != nil {
		c.Errorf("%d units in paid orders, %v; want %d", n, err, stock)
	}
	if got := c.bought.Load(); got != stock {
		c.Errorf("%d buyers were told that they bought, want %d", got, stock)
	}
	pending, err := store.Pending(c.Context(), levels.Now.Add(time.Hour), 100)
	if len(pending) > 0 || err != nil {
		c.Errorf("orders left open: %+v, %v", pending, err)
	}
	var kept int64
	for id, amount := range c.paid {
		o, err := store.Order(c.Context(), id)
		if err != nil {
			c.Errorf("paid for %s: %v", id, err)
		}
		if (o.Status == backend.Paid) != (amount == o.Total().Minor) || o.Status != backend.Paid && amount != 0 {
			c.Errorf("paid %d for an order that is %s", amount, o.Status)
		}
		kept += amount
	}
	if kept != stock*mat().Price {
		c.Errorf("%d was paid, want %d", kept, stock*mat().Price)
	}
	c.Logf("killed after %s; %d orders were asked about", strings.Join(kills, ", "), len(c.paid))
}

// scene is everything around the shop that is killed.
type scene struct {
	*testing.T
	dir, redis string
	client     *http.Client
	bought     atomic.Int64
	over       chan struct{} // closed when all is sold
	back       chan struct{} // a token for each unit seen to be available
	killed     int

	mu   sync.Mutex // guards paid
	paid map[string]int64
}

// provider is the payment provider, which outlives the shop.
func (c *scene) provider() (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s struct {
			Order  string
			Amount int64
		}
		json.NewDecoder(r.Body).Decode(&s)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.paid[s.Order] = s.Amount
	})}
	go srv.Serve(l)
	c.Cleanup(func() { srv.Close() })
	return "http://" + l.Addr().String()
}

// keepUp starts the shop, each time to be killed by another step, and at last
// to live until the buyers are gone.
func (c *scene) keepUp(provider string, gone <-chan struct{}) {
	for _, step := range append(kills, "") {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SHOP_DIR="+c.dir, "SHOP_REDIS="+c.redis, "SHOP_PROVIDER="+provider,
			fmt.Sprintf("SHOP_KILL=%s %d", step, 1+rand.IntN(stock/80)))
		var log bytes.Buffer
		cmd.Stderr = &log
		_, err := cmd.StdinPipe() // the shop ends with it
		var out io.Reader
		if err == nil {
			out, err = cmd.StdoutPipe()
		}
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			c.Error(err)
			return
		}
		if line, _ := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
			cmd.Wait()
			c.Errorf("the shop did not start: %s %s", line, log.String())
			return
		}
		ended := make(chan struct{})
		go func() {
			cmd.Wait()
			close(ended)
		}()
		select {
		case <-gone:
			cmd.Process.Kill()
			<-ended
			return
		case <-ended:
			c.killed++
		}
		if !strings.Contains(cmd.ProcessState.String(), "killed") || strings.Contains(log.String(), "DATA RACE") {
			c.Errorf("the shop ended by itself: %v\n%s", cmd.ProcessState, log.String())
			return
		}
	}
}

// send sends a request until there is an answer that says what happened.
func (c *scene) send(method, path, cookie, key, body string) (int, map[string]any, *http.Response) {
	for {
		r, err := http.NewRequest(method, "http://shop"+path, strings.NewReader(body))
		if err != nil {
			c.Error(err)
			return 0, nil, nil
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Idempotency-Key", key)
		if resp, err := c.client.Do(r); err == nil {
			answer, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			var fields map[string]any
			if err == nil && json.Unmarshal(answer, &fields) == nil && resp.StatusCode != http.StatusServiceUnavailable &&
				fields["type"] != "urn:dealgate:problem:order-busy" {
				return resp.StatusCode, fields, resp
			}
		}
		c.wait()
	}
}

// buyer buys until it has bought or all is sold. One in four thinks better of
// it the first time.
func (c *scene) buyer(i int) {
	_, _, resp := c.send("GET", "/api/v1/deals", "", "", "")
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	try := 0
	for {
		status, fields, _ := c.send("POST", "/api/v1/orders", cookie, fmt.Sprint("key ", try), `{"deal":"mat","quantity":1}`)
		switch {
		case status == http.StatusCreated:
			if c.have(cookie, fields["id"].(string), i%4 == 0 && try == 0) {
				c.bought.Add(1)
				return
			}
			try++
		case status == http.StatusConflict && fields["type"] == "urn:dealgate:problem:lapsed":
			try++
		case status == http.StatusConflict && fields["type"] == "urn:dealgate:problem:sold-out":
			select {
			case <-c.over:
				return
			case <-c.back:
			}
		default:
			c.Errorf("ordering: %d %v", status, fields)
			return
		}
	}
}

// have pays an order, or cancels it, and reports whether it is paid.
func (c *scene) have(cookie, id string, cancel bool) bool {
	what := "/pay"
	if cancel {
		what = "/cancel"
	}
	status, fields, _ := c.send("POST", "/api/v1/orders/"+id+what, cookie, "", "")
	lapsed := status == http.StatusConflict && fields["type"] == "urn:dealgate:problem:lapsed"
	if status != http.StatusOK && !lapsed {
		c.Errorf("%s: %d %v", what, status, fields)
	}
	return fields["status"] == "paid"
}

// wait waits before something is asked again.
func (c *scene) wait() {
	select {
	case <-c.over:
	case <-time.After(50 * time.Millisecond):
	}
}

// watch lets as many try again as units have come back, and ends it all when
// nothing is left, not even reserved.
func (c *scene) watch() {
	for {
		_, fields, _ := c.send("GET", "/api/v1/deals/mat", "", "", "")
		a, known := fields["available"].(float64)
		if known && a == 0 && fields["reserved"] == 0.0 {
			close(c.over)
			return
		}
		for range int(a) - len(c.back) {
			select {
			case c.back <- struct{}{}:
			default:
			}
		}
		c.wait()
	}
}
