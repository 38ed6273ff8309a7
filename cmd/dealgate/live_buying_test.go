package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is bought in these tests: a deal of so many units, by so many who come
// at once.
func units() int  { return size(500, 100) }
func buyers() int { return size(2000, 400) }

// buyingYAML is a gate before the bundled shop: who orders passes the room.
// What is reserved and not paid comes back after 5 s.
func buyingYAML(engine string, rate int) string {
	return fmt.Sprintf(`listen: "{{gate}}"
admin: {listen: "{{admin}}"}
store: {path: "{{dir}}/data", %s}
upstreams: [{name: shop, bundled: true}]
rooms:
  - name: spring
    match: [{path: "/api/v1/orders", methods: [POST]}]
    upstream: shop
    admit: {rate: "%d/s"}
    session: {ttl: 5m}
    deals: [mat]
routes: [{match: [{path: "/*"}], upstream: shop}]
backend:
  pay_within: 5s
  deals: [{id: mat, title: "Yoga mat", sku: mat-1, stock: %d, price: 2400, currency: EUR, per_buyer: 1}]
`, engine, rate, units())
}

const inFiles = "engine: embedded"

func onRedis(r *redisServer) string {
	return fmt.Sprintf(`engine: redis, redis: {addrs: ["%s"]}`, r.addr)
}

// TestLiveBuying: all come at once, and exactly what is there is sold.
func TestLiveBuying(t *testing.T) {
	together(t)
	f := func(name string, engine func(t *testing.T) string) {
		t.Run(name, func(t *testing.T) {
			together(t)
			dir := t.TempDir()
			p := serveYAML(t, dir, buyingYAML(engine(t), 10*buyers()))
			m := newMarket(t, p.gate)
			m.open()
			m.settle(p, dir)
		})
	}
	f("embedded", func(*testing.T) string { return inFiles })
	f("redis", func(t *testing.T) string { return onRedis(startRedis(t)) })
}

// TestLiveBuyingOverKills: kill -9 of the gate three times in the middle, and
// for Redis once of the server too. The buyers repeat what was not answered.
func TestLiveBuyingOverKills(t *testing.T) {
	together(t)
	f := func(name string, r func(t *testing.T) *redisServer) {
		t.Run(name, func(t *testing.T) {
			together(t)
			dir, gate, admin, server := t.TempDir(), freeAddr(t), freeAddr(t), r(t)
			engine := inFiles
			if server != nil {
				engine = onRedis(server)
			}
			yaml := buyingYAML(engine, units()/3)
			p := serveYAMLOn(t, dir, yaml, gate, admin)
			m := newMarket(t, p.gate)
			ended := make(chan struct{})
			go func() { defer close(ended); m.open() }()
			for kills := 1; kills <= 3; kills++ {
				m.until(kills * units() / 5)
				p.kill()
				p = serveYAMLOn(t, dir, yaml, gate, admin)
			}
			if server != nil {
				m.until(4 * units() / 5)
				server.kill()
				server.start(t)
			}
			<-ended
			m.settle(p, dir)
		})
	}
	f("embedded", func(*testing.T) *redisServer { return nil })
	f("redis", startRedis)
}

// market is a deal with its buyers, and what these were told.
type market struct {
	*testing.T
	gate string

	mu      sync.Mutex        // guards what follows
	orders  map[string]string // ids, by idempotency key
	paid    map[string]*buyer // who paid an order
	repeats int               // requests that got no answer, or one that says to try again
	waited  int               // answers that said to wait
	samples int
}

func newMarket(t *testing.T, gate string) *market {
	return &market{T: t, gate: gate, orders: map[string]string{}, paid: map[string]*buyer{}}
}

// open lets all buyers come at once and returns when all have bought or have
// been told that nothing is left.
func (m *market) open() {
	begun := time.Now()
	over := make(chan struct{})
	var watching, buying sync.WaitGroup
	watching.Go(func() { m.watch(over) })
	for n := range buyers() {
		buying.Go(func() { newBuyer(m, n).shop() })
	}
	buying.Wait()
	close(over)
	watching.Wait()
	m.Logf("%d buyers of %d units were done in %v: %d paid, %d were told to wait, %d requests repeated, %d samples of the stock",
		buyers(), units(), time.Since(begun).Round(time.Millisecond), len(m.paid), m.waited, m.repeats, m.samples)
}

// until waits until so many units are paid.
func (m *market) until(n int) {
	m.Helper()
	eventually(m.T, fmt.Sprintf("%d units are paid", n), func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.paid) < n {
			return fmt.Errorf("%d are", len(m.paid))
		}
		return nil
	})
}

// level is a deal's stock, as the API shows it; nil while that is not known.
type level struct {
	Stock                     int64
	Available, Reserved, Sold *int64
}

// watch requires until over that every unit is somewhere at every instant, and
// that what is sold stays sold.
func (m *market) watch(over chan struct{}) {
	b := newBuyer(m, -1)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for sold := int64(0); ; {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		l, ok := b.look()
		if !ok || l.Sold == nil {
			continue // the gate or the ledger is being killed
		}
		m.samples++
		if *l.Available < 0 || *l.Reserved < 0 || *l.Available+*l.Reserved+*l.Sold != int64(units()) {
			m.Errorf("%d available + %d reserved + %d sold, want %d in all", *l.Available, *l.Reserved, *l.Sold, units())
		}
		if *l.Sold < sold {
			m.Errorf("%d were sold, and then %d", sold, *l.Sold)
		}
		sold = *l.Sold
	}
}

// settle requires that exactly what was there is sold, once each, by the
// accounts of the buyers, of the API and of the orders on disk.
func (m *market) settle(p *process, dir string) {
	m.Helper()
	if len(m.paid) != units() {
		m.Errorf("%d orders were paid, want %d", len(m.paid), units())
	}
	if l, ok := newBuyer(m, -1).look(); !ok || l.Sold == nil || *l.Sold != int64(units()) || *l.Available != 0 || *l.Reserved != 0 {
		m.Errorf("the API shows %+v, want all sold", l)
	}
	for id, b := range m.paid {
		var o struct{ Status any } // a problem has the code as its status
		if code := b.ask("GET", "/api/v1/orders/"+id, "", &o); code != 200 || o.Status != "paid" {
			m.Errorf("paid order %s is %d %v", id, code, o.Status)
		}
	}
	if status := p.stop(m.T); status != 0 {
		m.Errorf("exit status %d", status)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "orders.db")+"?mode=ro")
	if err != nil {
		m.Fatal(err)
	}
	defer db.Close()
	var paid, reserved, all, keys int
	err = db.QueryRow(`SELECT count(*) FILTER (WHERE status = 'paid'), count(*) FILTER (WHERE status = 'reserved'),
		count(*), count(DISTINCT buyer || ' ' || key) FROM orders`).Scan(&paid, &reserved, &all, &keys)
	if err != nil {
		m.Fatal(err)
	}
	m.Logf("on disk: %d orders, %d of them paid, %d lapsed", all, paid, all-paid-reserved)
	if paid != units() || reserved != 0 || keys != all {
		m.Errorf("on disk %d orders are paid, %d reserved, and %d keys made %d; want %d paid, none reserved, a key for each",
			paid, reserved, keys, all, units())
	}
}

// jitter waits about d.
func jitter(d time.Duration) { time.Sleep(d/2 + rand.N(d)) } // the real clock is the point

// redisServer is a redis-server of the test's own, which can be killed and
// comes back with what it wrote.
type redisServer struct {
	addr, dir string
	cmd       *exec.Cmd
}

// startRedis starts a Redis that has written what it confirms. It ends with the test.
func startRedis(t *testing.T) *redisServer {
	t.Helper()
	r := &redisServer{addr: freeAddr(t), dir: t.TempDir()}
	r.start(t)
	t.Cleanup(r.kill)
	return r
}

func (r *redisServer) start(t *testing.T) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not installed: it is in the Debian package redis-server")
	}
	host, port, _ := strings.Cut(r.addr, ":")
	r.cmd = exec.Command(path, "--bind", host, "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis-server answers", func() error {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "PING\r\n")
		b := make([]byte, 7)
		if n, _ := c.Read(b); string(b[:n]) != "+PONG\r\n" {
			return fmt.Errorf("it answers %q", b[:n])
		}
		return nil
	})
}

// kill ends the server by kill -9.
func (r *redisServer) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait() //nolint:errcheck // killed
}
