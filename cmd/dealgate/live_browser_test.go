package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/dealgate/dealgate/bench/crowd"
)

// shots takes pictures of the real pages, to be looked at.
var shots = flag.String("shots", "", "`folder` for screenshots of the pages; none: not taken")

// The browser of these tests, as Debian's package chromium installs it.
const chromium = "/usr/bin/chromium"

// browser starts a Chromium that ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("this test drives a real browser: install the package chromium (apt-get install chromium): %v", err)
	}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(stop)
	ctx, quit := chromedp.NewContext(alloc)
	t.Cleanup(quit)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a person's browser: cookies of its own, and notes of what goes wrong in it.
type tab struct {
	*testing.T
	ctx context.Context

	mu     sync.Mutex
	wrong  []string // console errors, requests to another host
	loaded []string // documents asked for
}

// open opens a tab for a person who stays on one host.
func open(t *testing.T, browser context.Context, host string, first ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx}
	b.do(first...)
	console, sent := chromedp.Console(ctx), chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for m, err := range console {
			if err == nil && (m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException()) {
				b.note(&b.wrong, m.String()+" "+m.URL)
			}
		}
	}()
	go func() {
		for e, err := range sent {
			if err != nil {
				continue
			}
			if !strings.HasPrefix(e.Request.URL, host+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
				b.note(&b.wrong, "asked for "+e.Request.URL)
			}
			if e.Type == network.ResourceTypeDocument {
				b.note(&b.loaded, strings.TrimPrefix(e.Request.URL, host))
			}
		}
	}()
	return b
}

func (b *tab) note(list *[]string, s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(*list, s)
}

// documents are the pages the tab asked for.
func (b *tab) documents() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.loaded)
}

// clean fails the test if the console had an error, the policy was violated or
// a request left the host.
func (b *tab) clean() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrong {
		// The page is answered with the room's waiting_status, and the browser remarks on it.
		if !strings.Contains(w, "the server responded with a status of 503") {
			b.Errorf("in the browser: %s", w)
		}
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

// until waits for an expression to be true.
func (b *tab) until(expr string) {
	b.Helper()
	eventually(b.T, expr, func() error {
		if got := b.get(expr); got != "true" {
			return fmt.Errorf("%s on %s", got, b.get("document.title"))
		}
		return nil
	})
}

// shot takes a picture, if pictures are asked for.
func (b *tab) shot(name string) {
	b.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	writeFile(b.T, filepath.Join(*shots, "live-"+name+".png"), string(png))
}

// noScript turns JavaScript off in a tab; dark and korean are a person's taste,
// phone and desktop its screen.
var (
	noScript = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	dark = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	})
	korean = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": "ko-KR,ko;q=0.9"}})
		return err
	})
	phone   = chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile)
	desktop = chromedp.EmulateViewport(1280, 800)
)

const waiting = `document.body?.dataset.state === 'waiting'`

// waits watches the waiting page until the shop is there, and returns the
// numbers of people ahead that it showed.
func (b *tab) waits(shown string) (ahead []int) {
	b.Helper()
	b.until(waiting)
	b.shot(shown)
	eventually(b.T, "the shop appears by itself", func() error {
		if n, err := strconv.Atoi(b.get(`document.getElementById('n')?.textContent`)); err == nil && (len(ahead) == 0 || ahead[len(ahead)-1] != n) {
			ahead = append(ahead, n)
		}
		if b.get(`document.getElementById('shop') !== null`) != "true" {
			return fmt.Errorf("it is %q, ahead %v", b.get("document.title"), ahead)
		}
		return nil
	})
	return ahead
}

// TestLiveBrowser: people with real browsers stand in a line behind forty others,
// and the shop appears by itself at the very address they asked for.
func TestLiveBrowser(t *testing.T) {
	shop := newOrigin(t)
	p := serveYAML(t, t.TempDir(), shopYAML(shop.URL, `{rate: "2/s", burst: 1}`))
	others, err := crowd.New(crowd.Config{URL: p.gate + "/deals/1", Room: "spring", Visitors: 42, Seed: 11})
	if err != nil {
		t.Fatal(err)
	}
	go others.Run(t.Context()) //nolint:errcheck // they are only in the way
	chrome := browser(t)
	eventually(t, "the line is there", func() error {
		if n := others.Counts(); n.Holding < 42 {
			return fmt.Errorf("%+v", n)
		}
		return nil
	})
	const asked = "/deals/42?colour=red&size=%C3%BC"
	var people sync.WaitGroup // not t.Parallel: that is for work, two at once on two cores
	f := func(name string, look ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		person := func(t *testing.T) {
			b := open(t, chrome, p.gate, look...)
			b.do(chromedp.Navigate(p.gate + asked))
			ahead := b.waits("waiting-" + strings.ReplaceAll(name, " ", "-"))
			t.Logf("people ahead: %v; pages: %q", ahead, b.documents())
			if len(ahead) < 2 || !slices.IsSortedFunc(ahead, func(a, b int) int { return b - a }) {
				t.Errorf("people ahead were %v, want a number that falls", ahead)
			}
			if at := b.get("location.href"); at != p.gate+asked {
				t.Errorf("the shop is at %s, want %s", at, p.gate+asked)
			}
			// Who is called before others have come in asks at the address itself, and may be told to stay.
			other := func(page string) bool { return page != asked }
			if pages := b.documents(); !strings.Contains(name, "no script") && slices.ContainsFunc(pages, other) {
				t.Errorf("a page that keeps itself asked for %q", pages)
			}
			b.clean()
		}
		people.Go(func() { t.Run(name, person) })
	}
	f("desktop", desktop)
	f("phone dark", phone, dark)
	f("phone korean", phone, korean)
	f("no script", desktop, noScript)
	f("no script phone", phone, dark, korean, noScript)
	people.Wait()
}

// TestLiveDemo: the demo is there within moments, and who opens it meanwhile
// really waits and really gets in.
func TestLiveDemo(t *testing.T) {
	chrome := browser(t)
	gate, admin := freeAddr(t), freeAddr(t)
	begun := time.Now()
	p := start(t, "demo", "--crowd", "200", "--rate", "20/s", "--listen", gate, "--admin", admin)
	p.gate, p.admin = "http://"+gate, "http://"+admin
	eventually(t, "the banner", func() error {
		if !strings.Contains(p.said(), p.gate) {
			return fmt.Errorf("%s", p.said())
		}
		return nil
	})
	t.Logf("the banner was there after %v", time.Since(begun).Round(time.Millisecond))
	b := open(t, chrome, p.gate, desktop)
	eventually(t, "a line", func() error {
		_, body := get(t, http.DefaultClient, p.admin+"/admin/api/rooms/spring")
		if n, _ := strconv.Atoi(numberOf(body, "waiting")); n < 40 {
			return fmt.Errorf("%s", body)
		}
		return nil
	})
	b.do(chromedp.Navigate(p.gate + "/deals/mat"))
	b.until(waiting)
	b.shot("demo-waiting")
	b.until(`document.querySelector('form[action="/deals/mat"]') !== null`)
	// Once to wait, once to go in, and again for each claim that was refused for the moment.
	if pages := b.documents(); len(pages) < 2 || slices.ContainsFunc(pages, func(page string) bool { return page != "/deals/mat" }) {
		t.Errorf("the browser asked for %q, want /deals/mat alone", pages)
	}
	b.clean()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := p.exit(t); status != 0 {
		t.Errorf("Ctrl-C: exit status %d", status)
	}
	for _, says := range []string{`\d+ sessions begun, \d+ units sold, \d+ left of 2200: oversold 0`, `places given twice: 0   errors: 0`} {
		if !regexp.MustCompile(says).MatchString(p.said()) {
			t.Errorf("the summary says no %q", says)
		}
	}
}
