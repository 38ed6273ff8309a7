package embedded_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
)

// BenchmarkReserve states the orders a second that the file takes, durably,
// with a crowd waiting.
func BenchmarkReserve(b *testing.B) {
	l, err := embedded.Open(b.Context(), filepath.Join(b.TempDir(), "stock.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Put(b.Context(), backend.Terms{Deal: "d", Total: 1 << 40, PerBuyer: 2}); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := backend.NewID()
			r := backend.Reserve{Deal: "d", Order: id, Buyer: id, Key: "k", Print: "1 d", Units: 1, Hold: time.Hour}
			if _, err := l.Reserve(b.Context(), r); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
