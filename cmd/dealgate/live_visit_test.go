package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// origin is a shop that says so, and counts who reached it.
type origin struct {
	*httptest.Server
	served atomic.Int64
}

func newOrigin(t *testing.T) *origin {
	o := &origin{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.served.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>the shop</title><h1 id=shop>the shop</h1><p>%s", r.Header.Get("X-Dealgate-Session"))
	}))
	t.Cleanup(o.Close)
	return o
}

// browserLike returns a client with a cookie jar that follows no redirect by itself.
func browserLike(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// get asks as a browser does and returns the answer with its body read.
func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// fill takes all that the room admits at once, so that the next visitor waits.
func fill(t *testing.T, url string) {
	t.Helper()
	eventually(t, "the burst is used up", func() error {
		resp, _ := get(t, browserLike(t), url)
		if resp.StatusCode == http.StatusOK {
			return fmt.Errorf("still admitted at once")
		}
		return nil
	})
}

var refreshHeader = regexp.MustCompile(`^(\d+)(?:; ?url=(.+))?$`)

// TestLiveCookieJarGetsInByRefreshAlone: no JavaScript, no knowledge of the
// API; what curl with a cookie jar can do.
func TestLiveCookieJarGetsInByRefreshAlone(t *testing.T) {
	together(t)
	shop := newOrigin(t)
	p := serveYAML(t, t.TempDir(), shopYAML(shop.URL, `{rate: "1/s", burst: 2}`))
	fill(t, p.gate+"/deals/1")
	c := browserLike(t)
	url := p.gate + "/deals/42?colour=red"
	for pages := 0; ; pages++ {
		resp, body := get(t, c, url)
		if resp.StatusCode == http.StatusOK && strings.Contains(body, "<h1 id=shop>") {
			if pages == 0 {
				t.Fatal("never waited")
			}
			if got := resp.Request.URL.RequestURI(); got != "/deals/42?colour=red" {
				t.Errorf("it ended at %s, want /deals/42?colour=red", got)
			}
			return
		}
		m := refreshHeader.FindStringSubmatch(resp.Header.Get("Refresh"))
		if m == nil {
			t.Fatalf("%s answered %s without a Refresh to follow: %q", url, resp.Status, resp.Header.Get("Refresh"))
		}
		if pages > 30 {
			t.Fatal("30 pages and not in")
		}
		after, _ := strconv.Atoi(m[1])
		time.Sleep(time.Duration(after) * time.Second) // as the page told: the real clock is the point
		if m[2] != "" {
			next, err := resp.Request.URL.Parse(m[2])
			if err != nil {
				t.Fatal(err)
			}
			url = next.String()
		}
	}
}

// TestLiveReloadAnswersToTheFile: the file is edited while a line waits. The new rate is in
// force within two seconds, the line keeps its places, and an invalid edit
// changes nothing and says why.
func TestLiveReloadAnswersToTheFile(t *testing.T) {
	together(t)
	shop := newOrigin(t)
	dir := t.TempDir()
	yaml := shopYAML(shop.URL, `{rate: "1/s", burst: 1}`)
	p := serveYAML(t, dir, yaml)
	fill(t, p.gate+"/deals/1")
	rate := func() string {
		_, body := get(t, http.DefaultClient, p.admin+"/admin/api/rooms/spring")
		return body
	}
	edit := func(to string) {
		text := strings.NewReplacer("{{gate}}", strings.TrimPrefix(p.gate, "http://"), "{{admin}}", strings.TrimPrefix(p.admin, "http://"), "{{dir}}", dir).Replace(to)
		writeFile(t, dir+"/dealgate.yaml", text)
	}
	before := rate()
	edit(strings.Replace(yaml, `"1/s"`, `"fast"`, 1))
	eventually(t, "the fault is logged", func() error {
		if !strings.Contains(p.said(), "rooms[0].admit.rate") {
			return fmt.Errorf("not yet:\n%s", p.said())
		}
		return nil
	})
	if now := rate(); numberOf(now, "rate") != numberOf(before, "rate") {
		t.Errorf("an invalid edit changed the room from %s to %s", before, now)
	}
	edit(strings.Replace(yaml, `"1/s"`, `"7/s"`, 1))
	eventually(t, "the new rate is in force", func() error {
		if got := numberOf(rate(), "rate"); got != "7" {
			return fmt.Errorf("rate %s in %s", got, rate())
		}
		return nil
	})
}

func numberOf(json, key string) string {
	m := regexp.MustCompile(`"` + key + `": ?"?([0-9.]+)`).FindStringSubmatch(json)
	if m == nil {
		return ""
	}
	return m[1]
}
