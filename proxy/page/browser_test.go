package page

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The browser of these tests, as Debian's package chromium installs it.
const chromium = "/usr/bin/chromium"

// TestBrowser has one Chromium, in it a tab for each case, all at once: most of
// the time they wait.
func TestBrowser(t *testing.T) {
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("these tests drive a real browser: install the package chromium (apt-get install chromium): %v", err)
	}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	defer stop()
	browser, quit := chromedp.NewContext(alloc)
	defer quit()
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	var cases sync.WaitGroup // not t.Parallel: that is for work, two at once on two cores
	for name, run := range map[string]func(*testing.T, context.Context){
		"number falls, goes on": goesOnByItself, "keeps its page": keepsItsPage, "no script": withoutScript,
		"leaves": leaves, "leaves without script": leavesWithoutScript, "server and script agree": agree,
		"nothing runs": nothingRuns, "backs off": backsOff, "looks when visible": looksWhenVisible,
		"expired": joinsAgain, "reset": forgetsTheOldPlace, "no cookies": noCookies, "called but refused": calledButRefused, "opens again": opensAgain, "store away": storeAway,
	} {
		cases.Go(func() { t.Run(name, func(t *testing.T) { run(t, browser) }) })
	}
	cases.Wait()
}

// A tab shows one gate's page, and notes what goes wrong in it.
type tab struct {
	*testing.T
	ctx  context.Context
	gate *gate

	mu         sync.Mutex
	violations []string // of the policy
	strays     []string // requests to another host
}

// visit opens the protected URL of a gate in a tab of its own. Options are
// actions before that.
func visit(t *testing.T, browser context.Context, g *gate, first ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, gate: g}
	b.do(first...)
	console := chromedp.Console(ctx)
	sent := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for m, err := range console {
			if s := m.String(); err == nil && strings.Contains(s, "Content Security Policy") {
				b.mu.Lock()
				b.violations = append(b.violations, s)
				b.mu.Unlock()
			}
		}
	}()
	go func() {
		for e, err := range sent {
			if err == nil && !strings.HasPrefix(e.Request.URL, g.URL+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
				b.mu.Lock()
				b.strays = append(b.strays, e.Request.URL)
				b.mu.Unlock()
			}
		}
	}()
	b.do(chromedp.Navigate(g.URL + "/deals/42"))
	return b
}

// clean fails the test if the policy was violated or a request left the host.
func (b *tab) clean() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.violations) > 0 || len(b.strays) > 0 {
		b.Errorf("violations %q, requests elsewhere %q", b.violations, b.strays)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// get is the value of a JavaScript expression, as text.
func (b *tab) get(expr string) string {
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](expr))
	if err != nil {
		return "error: " + err.Error() // a page that is being left has no values
	}
	return fmt.Sprint(v)
}

// until waits for an expression to have a value.
func (b *tab) until(expr, want string) {
	b.Helper()
	b.wait(expr+" is "+want, func() bool { return b.get(expr) == want }, func() string { return b.get(expr) })
}

// wait waits for a condition.
func (b *tab) wait(what string, ok func() bool, now func() string) {
	b.Helper()
	timeout, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			b.Fatalf("never: %s; it is %s; asked %q", what, now(), b.gate.all())
		}
	}
}

const (
	title = "document.title"
	shop  = "The shop"
)

func textOf(id string) string { return "document.getElementById('" + id + "').textContent" }

// noScript turns JavaScript off in a tab.
var noScript = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
})

// at is a poll's answer for a visitor with so many ahead.
func at(ahead int) answer {
	return answer{body: map[string]any{
		"room": "spring", "state": Waiting, "place": 35146, "ahead": ahead, "waiting": 80112, "progress": 1 - float64(ahead)/6000,
		"eta": map[string]any{"seconds": ahead / 50, "low": ahead / 60, "high": ahead / 40}, "rate": 50, "poll_after_ms": 300,
	}}
}

func in(state string) answer {
	return answer{body: map[string]any{"room": "spring", "state": state, "place": 35146, "poll_after_ms": 300}}
}

// first is a page that polls as soon as it may.
func first() *View {
	v := view(Waiting, "en")
	v.PollAfter = 300 * time.Millisecond
	return v
}

// before has each document of a tab run a script before its own.
func before(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// watch notes each text that these elements get.
func watch(ids ...string) chromedp.Action[chromedp.Void] {
	return before(`addEventListener('DOMContentLoaded', () => {
		for (const e of ` + jsList(ids) + `.map(id => document.getElementById(id))) if (e) new MutationObserver(() => {
			sessionStorage.noted = (sessionStorage.noted || '') + e.id + ': ' + e.textContent + '\n';
		}).observe(e, {childList: true});
	})`)
}
