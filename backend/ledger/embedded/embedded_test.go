package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/ledger/embedded"
	"github.com/dealgate/dealgate/backend/ledger/ledgertest"
)

func open(t *testing.T) backend.Ledger { return openFile(t, filepath.Join(t.TempDir(), "stock.db")) }

func openFile(t *testing.T, path string) *embedded.Ledger {
	t.Helper()
	l, err := embedded.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLedger(t *testing.T)      { ledgertest.Run(t, open) }
func TestLedgerClock(t *testing.T) { ledgertest.RunClock(t, open) }
func TestLedgerLive(t *testing.T)  { ledgertest.RunLive(t, open) }

func TestKeepsStockOverRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stock.db")
	l := openFile(t, path)
	ctx := t.Context()
	if _, err := l.Put(ctx, backend.Terms{Deal: "d", Total: 3}); err != nil {
		t.Fatal(err)
	}
	h, err := l.Reserve(ctx, backend.Reserve{Deal: "d", Order: "o", Buyer: "b", Key: "k", Units: 2, Hold: 1e9 * 3600})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Confirm(ctx, "d", h.Order); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = openFile(t, path)
	got, err := l.Put(ctx, backend.Terms{Deal: "d", Total: 3})
	if err != nil || got.Available != 1 || got.Sold != 2 {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}

func TestRefusesASecondOpener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stock.db")
	openFile(t, path)
	if _, err := embedded.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a second opener: %v", err)
	}
}

func TestLeavesACorruptFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stock.db")
	want := strings.Repeat("not a database at all\n", 500)
	if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened a corrupt file: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Error("the corrupt file was changed")
	}
}
