package page

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func goesOnByItself(t *testing.T, browser context.Context) {
	g := newGate(t, first(), at(3000), at(3100), at(40), at(1), at(0), in(Called))
	b := visit(t, browser, g, watch("n", "say", "turn"))
	b.until(title, shop)
	// The number never rises. It is announced when it is heard first, then not
	// for 30 s but for a change of state.
	want := `n: 3,000
say: 3,000 people ahead of you. Estimated wait: less than 2 min.
n: 40
n: 1
n: 0
say: You are next. There is nobody ahead of you. Stay on this page: it goes on by itself.
turn: It is your turn
`
	if got := b.get("sessionStorage.noted"); got != want {
		t.Errorf("noted\n%swant\n%s", got, want)
	}
	if got := b.get("location.href + ' ' + history.length"); got != g.URL+"/deals/42 2" {
		t.Errorf("ended at %s, want no step back to the line", got)
	}
	b.clean()
}

// The Refresh header must not reload a page whose script keeps it up to date.
func keepsItsPage(t *testing.T, browser context.Context) {
	g := newGate(t, first(), at(3000))
	b := visit(t, browser, g)
	begun := time.Now()
	b.wait("12 s of polls", func() bool { return time.Since(begun) > 12*time.Second }, func() string { return "waiting" })
	if got := g.all(); !slices.Equal(got, []string{"GET /deals/42"}) {
		t.Errorf("asked for %q, want the page once and polls", got)
	}
	if n := len(g.requests(poll)); n < 10 {
		t.Errorf("%d polls in 12 s, want one each 0.3 s", n)
	}
	// the detector of violations detects
	b.get("document.body.insertAdjacentHTML('beforeend', '<img src=/x.png onerror=1>')")
	b.wait("the planted violation is seen", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.violations) > 0
	}, func() string { return "not" })
}

func withoutScript(t *testing.T, browser context.Context) {
	g := newGate(t, first(), answer{status: 500})
	g.onWait = Called
	b := visit(t, browser, g, noScript)
	b.until("document.querySelector('noscript').textContent", "This page reloads itself every 10 s.")
	b.until(title, shop)
	want := []string{"GET /deals/42", "GET /.dealgate/wait?room=spring&return_to=%2Fdeals%2F42&seen=3512", "GET /deals/42"}
	if got := g.all(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	b.clean()
}

func leaves(t *testing.T, browser context.Context) {
	g := newGate(t, first(), at(3000))
	b := visit(t, browser, g)
	b.do(chromedp.Click(chromedp.CSS("summary")))
	if got := g.all(); len(got) != 1 {
		t.Errorf("left without being asked: %q", got)
	}
	b.do(chromedp.Click(chromedp.CSS("#leaveform button")))
	b.until(textOf("title"), "You have left the line")
	if got := g.all(); !slices.Equal(got, []string{"GET /deals/42", "DELETE /.dealgate/rooms/spring/ticket"}) {
		t.Errorf("asked for %q", got)
	}
	if got := b.get("[...document.querySelectorAll('#line,#leave,#keep,#net,#note')].every(e => e.hidden)"); got != "true" {
		t.Error("one who left is still shown a place")
	}
	if got := b.get(goBack); got != "0" {
		t.Error("one who left asks for a place when the page is gone back to")
	}
	b.clean()
}

func leavesWithoutScript(t *testing.T, browser context.Context) {
	g := newGate(t, first(), answer{status: 500})
	b := visit(t, browser, g, noScript)
	b.do(chromedp.Click(chromedp.CSS("summary")), chromedp.Click(chromedp.CSS("#leaveform button")))
	b.until(title, "You have left the line")
	if got := g.all(); !slices.Equal(got, []string{"GET /deals/42", "POST /.dealgate/rooms/spring/ticket?leave"}) {
		t.Errorf("asked for %q", got)
	}
	b.clean()
}

// What the script says of a status object is what the server says of the same.
func agree(t *testing.T, browser context.Context) {
	s := time.Second
	var views []*View
	add := func(change func(*View)) {
		v := first()
		v.Lang, v.Place, v.ReadyAt, v.KeptUntil, v.Progress = "ko", int64(1000+len(views)), time.Time{}, time.Time{}, float64(len(views))/100
		change(v)
		views = append(views, v)
	}
	for _, e := range [][3]time.Duration{{212, 190, 230}, {35146, 35146, 35146}, {35146, 33000, 39000}, {5, 2, 8}, {70, 40, 100}, {3300, 2400, 3601}, {200000, 160000, 260000}} {
		add(func(v *View) { v.ETA, v.Low, v.High = e[0]*s, e[1]*s, e[2]*s })
	}
	add(func(v *View) { v.Known = false })
	add(func(v *View) { v.AtLeast, v.Low = true, 45*s })
	add(func(v *View) { v.Ahead, v.Message, v.Waiting = 0, "", 0 })
	add(func(v *View) { v.Ahead, v.Rate = 1234567, 1.0/7200 })
	add(func(v *View) { v.State, v.Reason = Paused, "store_away" })
	var answers []answer
	for _, v := range views {
		answers = append(answers, answer{body: status(v)})
	}
	start := view(Waiting, "ko")
	start.PollAfter = time.Hour // the test says when to poll
	g := newGate(t, start, answers...)
	b := visit(t, browser, g)
	b.get("const now = Date.now; let ahead = 0; Date.now = () => now() + ahead")
	ids := []string{"title", "text", "reason", "n", "ahead", "wait", "between", "place", "inline", "rate", "message"}
	for _, v := range views {
		b.get("ahead += 4e6; document.dispatchEvent(new Event('visibilitychange'))")
		b.until(textOf("place"), korean.number(v.Place))
		served := Append(nil, v)
		shown := b.get("JSON.stringify(" + jsList(ids) + ".map(id => document.getElementById(id)).map(e => e.textContent + (e.hidden ? ' hidden' : '')))")
		var got []string
		if err := json.Unmarshal([]byte(shown), &got); err != nil {
			t.Fatal(shown)
		}
		for i, id := range ids {
			want, hidden := element(t, served, id)
			if hidden {
				want += " hidden"
			}
			if got[i] != want {
				t.Errorf("%+v:\n%s says %q in the browser, %q from the server", v, id, got[i], want)
			}
		}
		if got, want := b.get("document.getElementById('bar').value"), fmt.Sprint(math.Floor(v.Progress*1000)); got != want {
			t.Errorf("progress %s, want %s", got, want)
		}
	}
	if got := b.get("document.activeElement.tagName"); got != "BODY" {
		t.Errorf("the focus went to %s", got)
	}
	b.clean()
}

// status is the status object for a view.
func status(v *View) map[string]any {
	m := map[string]any{
		"room": v.Room, "state": v.State, "place": v.Place, "ahead": v.Ahead, "progress": v.Progress, "waiting": v.Waiting,
		"rate": v.Rate, "message": v.Message, "reason": v.Reason, "poll_after_ms": 3600e3,
	}
	if v.Known {
		m["eta"] = map[string]any{"seconds": v.ETA / time.Second, "low": v.Low / time.Second, "high": v.High / time.Second, "at_least": v.AtLeast}
	}
	return m
}

func jsList(ids []string) string { return "['" + strings.Join(ids, "','") + "']" }

// W3 in a browser: hostile values are text, whichever way they come.
func nothingRuns(t *testing.T, browser context.Context) {
	v := first()
	v.Message = strings.Join(hostile[:3], "\n")
	later := at(7)
	later.body["message"], later.body["reason"] = strings.Join(hostile[:7], "\n"), "constructor"
	g := newGate(t, v, later)
	b := visit(t, browser, g)
	b.until(textOf("n"), "7")
	b.until(textOf("message"), strings.Join(hostile[:7], "\n"))
	b.until(textOf("reason"), "") // no words for such a code
	if got := b.get("document.scripts.length + ' ' + document.images.length + ' ' + document.querySelectorAll('svg').length"); got != "1 0 1" {
		t.Errorf("scripts, images and drawings: %s, want the page's own", got)
	}
	b.clean()
}

func backsOff(t *testing.T, browser context.Context) {
	g := newGate(t, first(), answer{status: 503, after: "1"}, answer{status: 502}, at(5))
	b := visit(t, browser, g)
	look := "document.getElementById('net').className + ': ' + " + textOf("live")
	b.until(look, "net off: "+english.Live.Lost)
	b.until(look, "net: "+english.Page["auto"])
	polls := g.requests(poll)
	if d := polls[1].Sub(polls[0]); d < 1500*time.Millisecond {
		t.Errorf("asked again after %v, told to wait a second and more", d)
	}
	if d := polls[2].Sub(polls[1]); d < 500*time.Millisecond {
		t.Errorf("asked again after %v", d)
	}
	b.clean()
}

func looksWhenVisible(t *testing.T, browser context.Context) {
	v, later := first(), at(3000)
	v.PollAfter, later.body["poll_after_ms"] = time.Hour, 3600e3
	g := newGate(t, v, later)
	b := visit(t, browser, g, before("window.fetches = 0; const get = fetch; window.fetch = (...a) => { fetches++; return get(...a) }"))
	if got := b.get("document.dispatchEvent(new Event('visibilitychange')), fetches"); got != "0" {
		t.Error("asked before its time was over")
	}
	if got := b.get("const now = Date.now; Date.now = () => now() + 4e6; document.dispatchEvent(new Event('visibilitychange')), fetches"); got != "1" {
		t.Error("did not ask when seen again after its time")
	}
	b.until(textOf("n"), "3,000")
	if got := b.get(goBack); got != "1" {
		t.Error("did not ask when the page was gone back to")
	}
	b.clean()
}

// goBack shows the page again as from the browser's memory, and is the number
// of requests that it makes then.
const goBack = `(() => {
	const get = fetch;
	let asked = 0;
	window.fetch = (...a) => { asked++; return get(...a) };
	dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
	window.fetch = get;
	return asked;
})()`

// After a reset the same number is another place, with more people ahead.
func forgetsTheOldPlace(t *testing.T, browser context.Context) {
	g := newGate(t, first(), at(40), in(Expired), at(5900))
	b := visit(t, browser, g)
	b.until(textOf("n"), "40")
	b.until(textOf("title"), "Your place has run out")
	if got := b.get("sessionStorage.getItem('dealgate:spring:seen')"); got != "" {
		t.Errorf("still keeps %q", got)
	}
	b.get(goBack)
	b.until(textOf("n"), "5,900")
	b.clean()
}

func joinsAgain(t *testing.T, browser context.Context) {
	g := newGate(t, first(), in(Expired), at(5900))
	b := visit(t, browser, g)
	b.until(textOf("title"), "Your place has run out")
	begun := time.Now()
	b.until(textOf("title"), "You are in line") // the page of the new place
	if d := time.Since(begun); d < 500*time.Millisecond {
		t.Errorf("joined again after %v, want that jittered", d)
	}
	if got := g.all(); !slices.Equal(got, []string{"GET /deals/42", "GET /deals/42"}) {
		t.Errorf("asked for %q", got)
	}
	b.clean()
}

// A browser that sends no cookies would join for ever, each time at the end.
func noCookies(t *testing.T, browser context.Context) {
	g := newGate(t, first(), answer{status: 401})
	b := visit(t, browser, g, before("Math.random = () => 0"))
	b.until(textOf("title"), "Cookies are blocked")
	if got := g.all(); len(got) != 3 {
		t.Errorf("joined %d times, want 3", len(got))
	}
	if got := b.get(goBack); got != "0" {
		t.Error("asks again when the page is gone back to")
	}
}

// A claim that is refused for now is tried again in a second, by the page.
func calledButRefused(t *testing.T, browser context.Context) {
	v := view(Called, "en")
	v.PollAfter = time.Second
	g := newGate(t, v, in(Called))
	b := visit(t, browser, g)
	b.until("document.getElementById('golink').getAttribute('href')", "/deals/42")
	b.wait("three claims", func() bool { return len(g.requests("GET /deals/42")) == 3 }, func() string { return fmt.Sprint(g.all()) })
	claims := g.requests("GET /deals/42")
	if d := claims[2].Sub(claims[1]); d < 900*time.Millisecond {
		t.Errorf("claimed again after %v, told a second", d)
	}
	b.clean()
}

// One who found the room closed comes in when it is not.
func opensAgain(t *testing.T, browser context.Context) {
	v := view(Closed, "en")
	v.HasPlace, v.PollAfter = false, 300*time.Millisecond
	room := func(state string) answer {
		return answer{body: map[string]any{"room": "spring", "state": state, "poll_after_ms": 300}}
	}
	g := newGate(t, v, room(Closed), room(SoldOut), room(Waiting))
	b := visit(t, browser, g)
	b.until(textOf("title"), "Sold out")
	b.wait("it comes in", func() bool { return len(g.requests("GET /deals/42")) == 2 }, func() string { return fmt.Sprint(g.all()) })
	b.clean()
}

// One who came while the store was away gets a place when it is back.
func storeAway(t *testing.T, browser context.Context) {
	v := view(Paused, "en")
	v.HasPlace, v.Reason, v.PollAfter = false, "store_away", 300*time.Millisecond
	away := answer{body: map[string]any{"room": "spring", "state": Waiting, "reason": "store_away", "poll_after_ms": 300}}
	back := answer{body: map[string]any{"room": "spring", "state": Waiting, "poll_after_ms": 300}}
	g := newGate(t, v, away, away, back)
	b := visit(t, browser, g, before("Math.random = () => 0.1"))
	b.until(textOf("title"), "One moment, please")
	b.wait("it comes in", func() bool { return len(g.requests("GET /deals/42")) >= 2 }, func() string { return fmt.Sprint(g.all()) })
	if n := len(g.requests("GET /.dealgate/rooms/spring")); n < 3 {
		t.Errorf("went on after %d answers, of which two said that the store is away", n)
	}
	b.clean()
}
