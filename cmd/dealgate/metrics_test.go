package main

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/dealgate/dealgate/proxy"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/queue/memory"
)

func scraped(t *testing.T, m *metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsSayWhatHappened(t *testing.T) {
	m := newMetrics()
	engine, err := memory.New(memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	room, err := queue.NewRoom(queue.Config{
		Name: "spring", Engine: engine,
		Policy: queue.Policy{Rate: 5, Burst: 5, SessionTTL: time.Minute, ReturnWithin: time.Minute, Lanes: []queue.Lane{{Name: lane, Weight: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.registry.MustRegister(scrape{
		rooms: func() []*queue.Room { return []*queue.Room{room} },
		stock: func() map[string]int64 { return map[string]int64{"mat": 7} },
	})
	m.Observe("spring", proxy.Polled, time.Millisecond)
	m.Observe("spring", proxy.Polled, time.Millisecond)
	m.Rejected("spring", "expired")
	m.Waited("spring", 90*time.Second)
	m.reloaded(errors.New("broken"))
	observedEngine{failed: m.store}.count("step", queue.ErrAway)

	text := scraped(t, m)
	for _, want := range []string{
		`dealgate_requests_total{decision="polled",room="spring"} 2`,
		`dealgate_request_duration_seconds_count{room="spring"} 2`,
		`dealgate_ticket_rejected_total{reason="expired",room="spring"} 1`,
		`dealgate_queue_wait_seconds_sum{room="spring"} 90`,
		`dealgate_config_last_reload_successful 0`,
		`dealgate_store_errors_total{op="step"} 1`,
		`dealgate_stock_remaining{deal="mat"} 7`,
		`dealgate_waiting_visitors{room="spring"} 0`,
		`dealgate_build_info{version=`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "dealgate_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestMetricsCostOfARequest(t *testing.T) {
	m := newMetrics()
	m.Observe("spring", proxy.Polled, time.Millisecond)
	if n := testing.AllocsPerRun(100, func() { m.Observe("spring", proxy.Polled, time.Millisecond) }); n > 0 {
		t.Errorf("%v allocations per observed request, want none", n)
	}
}
