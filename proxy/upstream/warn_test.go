package upstream

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFailingOriginIsNewsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log := slog.New(slog.NewTextHandler(&b, nil))
		u, err := New(Config{Name: "shop", Targets: []string{"http://memory"}})
		if err != nil {
			t.Fatal(err)
		}
		f := func(calls, lines int, want string) {
			t.Helper()
			b.Reset()
			for range calls {
				u.Warn(log, "failed", "err", "x")
			}
			if got := b.String(); strings.Count(got, "\n") != lines || !strings.Contains(got, want) {
				t.Errorf("%d calls: %s", calls, got)
			}
		}
		f(1, 1, "upstream=shop unsaid=0 err=x")
		f(1000, 0, "")
		time.Sleep(warnEvery - 1)
		f(1, 0, "")
		time.Sleep(time.Nanosecond)
		f(3, 1, "unsaid=1001")
		time.Sleep(time.Hour)
		f(1, 1, "unsaid=2")
	})
}
