package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dealgate/dealgate/proxy"
	"github.com/dealgate/dealgate/queue"
)

// metrics counts what the gate does. It observes the proxy and the engine, and
// reads the rooms' views and the shop's stock when it is scraped.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	waited   *prometheus.HistogramVec
	rejected *prometheus.CounterVec
	store    *prometheus.CounterVec
	loaded   prometheus.Gauge
	loadedAt prometheus.Gauge

	mu    sync.Mutex // guards making series
	rooms atomic.Pointer[map[string]*roomSeries]
}

// roomSeries are the series of one room, looked up once: a request costs two
// additions.
type roomSeries struct {
	requests []prometheus.Counter // by decision
	took     prometheus.Observer
}

var _ proxy.Observer = (*metrics)(nil)

func newMetrics() *metrics {
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("dealgate_requests_total", "Requests by what became of them.", "room", "decision"),
		rejected: counters("dealgate_ticket_rejected_total", "Tokens and requests that were refused.", "room", "reason"),
		store:    counters("dealgate_store_errors_total", "Calls of the rooms' store that failed.", "op"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dealgate_request_duration_seconds", Help: "Time until the answer began, the origin's included.", Buckets: buckets,
		}, []string{"room"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dealgate_queue_wait_seconds", Help: "Time from a visitor's place to its session.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 16),
		}, []string{"room"}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dealgate_config_last_reload_successful", Help: "1 if the last configuration read was taken over.",
		}),
		loadedAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dealgate_config_last_reload_success_timestamp_seconds", Help: "When a configuration was last taken over.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "dealgate_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": fullVersion()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.waited, m.rejected, m.store, m.loaded, m.loadedAt, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.rooms.Store(&map[string]*roomSeries{})
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// reloaded records whether a configuration was taken over.
func (m *metrics) reloaded(err error) {
	if err != nil {
		m.loaded.Set(0)
		return
	}
	m.loaded.Set(1)
	m.loadedAt.SetToCurrentTime()
}

// Observe implements [proxy.Observer].
func (m *metrics) Observe(room string, d proxy.Decision, took time.Duration) {
	s := (*m.rooms.Load())[room]
	if s == nil {
		s = m.series(room)
	}
	if int(d) < len(s.requests) {
		s.requests[d].Inc()
	}
	s.took.Observe(took.Seconds())
}

// Rejected implements [proxy.Observer].
func (m *metrics) Rejected(room, reason string) { m.rejected.WithLabelValues(room, reason).Inc() }

// Waited implements [proxy.Observer].
func (m *metrics) Waited(room string, d time.Duration) {
	m.waited.WithLabelValues(room).Observe(d.Seconds())
}

// series makes the series of a room. The map is copied, so that readers need
// no lock; rooms are few and seldom new.
func (m *metrics) series(room string) *roomSeries {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.rooms.Load()
	if s := old[room]; s != nil {
		return s
	}
	s := &roomSeries{took: m.took.WithLabelValues(room)}
	for d := proxy.Decision(0); d == 0 || d.String() != proxy.Decision(0).String(); d++ {
		s.requests = append(s.requests, m.requests.WithLabelValues(room, d.String()))
	}
	all := make(map[string]*roomSeries, len(old)+1)
	for name, series := range old {
		all[name] = series
	}
	all[room] = s
	m.rooms.Store(&all)
	return s
}

// observedEngine counts the failures of an engine.
type observedEngine struct {
	queue.Engine
	failed *prometheus.CounterVec
}

func (e observedEngine) Step(ctx context.Context, s *queue.Step) (*queue.StepReply, error) {
	r, err := e.Engine.Step(ctx, s)
	e.count("step", err)
	return r, err
}

func (e observedEngine) Sync(ctx context.Context, s *queue.Sync) (*queue.View, error) {
	v, err := e.Engine.Sync(ctx, s)
	e.count("sync", err)
	return v, err
}

func (e observedEngine) Control(ctx context.Context, c *queue.Control) (queue.Overrides, error) {
	o, err := e.Engine.Control(ctx, c)
	e.count("control", err)
	return o, err
}

func (e observedEngine) count(op string, err error) {
	if err != nil {
		e.failed.WithLabelValues(op).Inc()
	}
}

// scrape reports the rooms and the stock as they are when it is asked.
type scrape struct {
	rooms func() []*queue.Room
	stock func() map[string]int64 // what is left, by deal
}

type roomMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(r *queue.Room, v *queue.View) float64
}

func perRoom(name, help string, kind prometheus.ValueType, read func(*queue.Room, *queue.View) float64) roomMetric {
	return roomMetric{prometheus.NewDesc(name, help, []string{"room"}, nil), kind, read}
}

func roomMetrics() []roomMetric {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	return []roomMetric{
		perRoom("dealgate_waiting_visitors", "Visitors present in line.", gauge,
			func(_ *queue.Room, v *queue.View) (n float64) {
				for _, l := range v.Lanes {
					n += float64(l.Present)
				}
				return n
			}),
		perRoom("dealgate_active_sessions", "Live sessions.", gauge,
			func(_ *queue.Room, v *queue.View) float64 { return float64(v.Sessions) }),
		perRoom("dealgate_capacity_sessions", "Sessions at once that are allowed; 0 is unlimited.", gauge,
			func(_ *queue.Room, v *queue.View) float64 { return float64(v.Capacity) }),
		perRoom("dealgate_admission_rate_per_second", "Sessions that may begin per second; 0 is unlimited.", gauge,
			func(_ *queue.Room, v *queue.View) float64 { return v.Rate }),
		perRoom("dealgate_admitted_total", "Sessions begun since the engine started.", counter,
			func(_ *queue.Room, v *queue.View) float64 { return float64(v.Begun) }),
		perRoom("dealgate_abandoned_total", "Places that left or went absent uncalled since the engine started.", counter,
			func(_ *queue.Room, v *queue.View) float64 { return float64(v.Abandoned) }),
		perRoom("dealgate_invitation_yield_ratio", "Share of invitations that are claimed.", gauge,
			func(_ *queue.Room, v *queue.View) float64 { return v.Yield }),
		perRoom("dealgate_store_degraded", "1 while the rooms' store does not answer.", gauge,
			func(r *queue.Room, _ *queue.View) float64 {
				if r.Away() {
					return 1
				}
				return 0
			}),
	}
}

var stockLeft = prometheus.NewDesc("dealgate_stock_remaining", "Units available or reserved.", []string{"deal"}, nil)

// Describe implements [prometheus.Collector].
func (s scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range roomMetrics() {
		ch <- m.desc
	}
	ch <- stockLeft
}

// Collect implements [prometheus.Collector].
func (s scrape) Collect(ch chan<- prometheus.Metric) {
	for _, r := range s.rooms() {
		v := r.View()
		for _, m := range roomMetrics() {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(r, v), r.Name())
		}
	}
	for deal, left := range s.stock() {
		ch <- prometheus.MustNewConstMetric(stockLeft, prometheus.GaugeValue, float64(left), deal)
	}
}
