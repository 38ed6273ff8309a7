package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
)

// BenchmarkReserve states what an order costs Redis: script-µs is the time in
// the script as Redis counts it (INFO commandstats), server-µs all CPU of the
// server, with reading the request and writing the answer.
func BenchmarkReserve(b *testing.B) {
	l, info := bench(b, 1<<40)
	before := info()
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := l.Reserve(b.Context(), backend.Reserve{
				Deal: "d", Order: backend.NewID(), Buyer: fmt.Sprint("bbbbbbbbbbbbbbbbbbbbbbbb", i), Key: "k", Print: "1 d", Units: 1, Hold: time.Hour,
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	report(b, before, info())
}

// BenchmarkOrder reserves and confirms.
func BenchmarkOrder(b *testing.B) {
	l, info := bench(b, 1<<40)
	before := info()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := backend.NewID()
			h, err := l.Reserve(b.Context(), backend.Reserve{Deal: "d", Order: id, Buyer: id, Key: "k", Units: 1, Hold: time.Hour})
			if err == nil {
				err = l.Confirm(b.Context(), "d", h.Order)
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
	report(b, before, info())
}

// bench returns a ledger with the deal "d", and a reader of the server's counters.
func bench(b *testing.B, total int64) (backend.Ledger, func() usage) {
	addr := ledgertest.Redis(b)
	l := open(b, addr)
	if _, err := l.Put(b.Context(), backend.Terms{Deal: "d", Total: total, PerBuyer: 2}); err != nil {
		b.Fatal(err)
	}
	db := driver.NewClient(&driver.Options{Addr: addr})
	b.Cleanup(func() { db.Close() })
	return l, func() usage {
		s, err := db.Info(b.Context(), "commandstats", "cpu").Result()
		if err != nil {
			b.Fatal(err)
		}
		return usage{
			script: field(s, "cmdstat_evalsha:", "usec="),
			server: 1e6 * (field(s, "used_cpu_user:", "") + field(s, "used_cpu_sys:", "")),
		}
	}
}

// usage is CPU that a server has used, in µs.
type usage struct{ script, server float64 }

// field reads the number after name in the line of INFO that begins with line.
func field(info, line, name string) float64 {
	_, s, _ := strings.Cut(info, "\n"+line)
	s, _, _ = strings.Cut(s, "\r")
	_, s, _ = strings.Cut(s, name)
	s, _, _ = strings.Cut(s, ",")
	v, _ := strconv.ParseFloat(s, 64)
	return v
}

func report(b *testing.B, before, after usage) {
	b.ReportMetric((after.script-before.script)/float64(b.N), "script-µs/order")
	b.ReportMetric((after.server-before.server)/float64(b.N), "server-µs/order")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
