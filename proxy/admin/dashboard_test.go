package admin

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (n *node) page() string {
	n.t.Helper()
	resp := n.ask("GET", "/", "")
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		n.t.Fatalf("%d %s", resp.StatusCode, b.String())
	}
	return b.String()
}

// TestDashboardShowsTheRooms: without a script too, and with nothing from elsewhere.
func TestDashboardShowsTheRooms(t *testing.T) {
	on(t, Config{Loopback: true}, func(n *node) {
		n.ask("PATCH", "/admin/api/rooms/spring", `{"message":"<script>alert(1)</script> \"quoted\" & more"}`)
		time.Sleep(time.Second)
		page := n.page()
		for _, want := range []string{`data-room="spring"`, `data-room="autumn"`, `<dd data-f="begun">1,200</dd>`, `49.5/s`, `50/s`, `5,000`, `http-equiv="refresh"`, `&lt;script&gt;alert(1)`} {
			if !strings.Contains(page, want) {
				t.Errorf("no %s in\n%s", want, page)
			}
		}
		if strings.Contains(page, "<script>") || regexp.MustCompile(`(https?:)?//[a-z]|style=|\son[a-z]+=`).MatchString(page) {
			t.Errorf("something strange in\n%s", page)
		}
		for _, file := range regexp.MustCompile(`/admin/assets/[a-z.]+`).FindAllString(page, -1) {
			n.ok("GET", file)
		}
	})
}

func TestFormats(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(count(0), "0")
	f(count(999), "999")
	f(count(35146), "35,146")
	f(count(1234567), "1,234,567")
	f(rate(0), "unlimited")
	f(rate(50), "50/s")
	f(rate(1./3), "0.3333/s")
	f(pace(0), "0/s")
	f(capacity(0), "unlimited")
	secs := func(s float64) []laneState { return []laneState{{}, {Wait: &s}} }
	f(wait(nil), "not known")
	f(wait(secs(59.9)), "59 s")
	f(wait(secs(212)), "3 min 32 s")
	f(wait(secs(35146)), "9 h 46 min")
}
