package shop_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
	"github.com/dealgate/dealgate/backend/shop"
)

func TestDuration(t *testing.T) {
	f := func(d time.Duration, en, ko string) {
		t.Helper()
		if got := (&shop.Page{Lang: "en"}).Duration(d); got != en {
			t.Errorf("%v is %q, want %q", d, got, en)
		}
		if got := (&shop.Page{Lang: "ko"}).Duration(d); got != ko {
			t.Errorf("%v is %q, want %q", d, got, ko)
		}
	}
	f(-time.Second, "0 s", "0초")
	f(time.Millisecond, "1 s", "1초")
	f(59*time.Second, "59 s", "59초")
	f(5*time.Minute, "5 min", "5분")
	f(4*time.Minute+56*time.Second, "4 min 56 s", "4분 56초")
	f(35146*time.Second, "9 h 45 min", "9시간 45분")
	f(26*time.Hour, "1 d 2 h", "1일 2시간")
	f(24*time.Hour+5*time.Minute, "1 d", "1일")
}

// TestEveryTextIsThere reads the template for the names of texts, and what
// the API calls its problems.
func TestEveryTextIsThere(t *testing.T) {
	page, err := os.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := os.ReadFile("../api/problem.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`\.T "(\w+)"`).FindAllStringSubmatch(string(page), -1) {
		names = append(names, m[1])
	}
	for _, m := range regexp.MustCompile(`\{Type: "([a-z-]+)"`).FindAllStringSubmatch(string(problems), -1) {
		if m[1] != "deal-exists" && m[1] != "try-again" { // a seller's; and the text for all else
			names = append(names, "wrong_"+m[1])
		}
	}
	for _, s := range []backend.State{backend.Live, backend.Scheduled, backend.SoldOut, backend.Ended} {
		names = append(names, "state_"+string(s))
	}
	for _, s := range []backend.Status{backend.Reserved, backend.Paid, backend.Cancelled, backend.Expired} {
		names = append(names, "status_"+string(s), "say_"+string(s))
	}
	en, ko := &shop.Page{Lang: "en"}, &shop.Page{Lang: "ko"}
	for _, name := range names {
		if en.T(name) == en.T("wrong_") {
			t.Errorf("no text %q", name)
		}
		if en.T(name) == ko.T(name) {
			t.Errorf("%q is not translated", name)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d texts found", len(names))
	}
}

// TestPageIsSmall keeps the page, with its style, under what one gets at once.
func TestPageIsSmall(t *testing.T) {
	l := backend.Listing{Deal: backend.Deal{ID: "mat", Title: "Yoga mat", Price: 1, Currency: "EUR"}, State: backend.Live}
	var b bytes.Buffer
	if err := shop.Write(&b, &shop.Page{Lang: "en", Now: time.Now(), Deal: &l, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 14<<10 || !strings.HasSuffix(strings.TrimSpace(b.String()), "</html>") {
		t.Errorf("%d bytes, ending %q", b.Len(), b.String()[b.Len()-50:])
	}
}
