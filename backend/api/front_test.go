package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/backend"
)

// form sends a form as a browser does.
func (b *buyer) form(path string, v url.Values) *answer {
	b.Helper()
	return b.send("POST "+path, "Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin", "", v.Encode())
}

// says checks the status and that the page holds the texts.
func (a *answer) says(status int, texts ...string) *answer {
	a.t.Helper()
	page := html.UnescapeString(a.Body.String())
	if a.Code != status {
		a.t.Errorf("answered %d, want %d: %s", a.Code, status, page)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			a.t.Errorf("the page does not say %q: %s", text, page[strings.Index(page, "<body"):])
		}
	}
	return a
}

var hiddenKey = regexp.MustCompile(`name="key" value="([a-z0-9]+)"`)

func TestBuyInABrowserWithoutScript(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	b := s.buyer()
	b.send("GET /").says(200, "Yoga mat", "₩15,000", "₩30,000", "−50%", "10 of 10 left", `href="/deals/mat"`)
	page := b.send("GET /deals/mat").says(200, "You save ₩15,000", "<option>1</option><option>2</option></select>", "Buy now")
	k := hiddenKey.FindStringSubmatch(page.Body.String())[1]
	v := url.Values{"key": {k}, "quantity": {"2"}}
	to := b.form("/deals/mat", v).says(303).Header().Get("Location")
	if again := b.form("/deals/mat", v).says(303).Header().Get("Location"); again != to { // a double click
		t.Errorf("one form made %s and %s", to, again)
	}
	reserved := b.send("GET "+to).says(200, "Pay ₩30,000", "2 × ₩15,000", "Please pay within 5 min")
	if got := reserved.Header().Get("Refresh"); !strings.HasSuffix(got, "; url="+to) {
		t.Errorf("Refresh: %s", got)
	}
	s.buyer().send("GET "+to).says(404, "There is no such order")
	s.buyer().form(to+"/pay", nil).says(404)
	s.payment.Fail = func(string, backend.Money) error { return backend.ErrDeclined }
	b.form(to+"/pay", nil).says(402, "The payment was declined", "Pay ₩30,000")
	s.payment.Fail = nil
	if got := b.form(to+"/pay", nil).says(303).Header().Get("Location"); got != to {
		t.Errorf("paid, and sent to %s", got)
	}
	b.send("GET "+to).says(200, "Thank you!")
	b.form("/deals/mat", url.Values{"key": {"new"}, "quantity": {"1"}}).says(409, "You already have as many", "Buy now")

	b = s.buyer()
	to = b.form("/deals/mat", v).says(303).Header().Get("Location")
	b.form(to+"/cancel", nil).says(303)
	b.send("GET "+to).says(200, "You cancelled this order")
	b.form(to+"/pay", nil).says(409, "cannot be changed")
}

func TestFormsOfNoUse(t *testing.T) {
	s := open(t, openEmbedded(t), mat())
	f := func(status int, v url.Values) {
		t.Helper()
		s.buyer().form("/deals/mat", v).says(status)
	}
	f(422, nil)
	for _, quantity := range []string{"", "0", "-1", "1.5", "x", "9223372036854775808"} {
		f(422, url.Values{"key": {"k"}, "quantity": {quantity}})
	}
	f(422, url.Values{"quantity": {"1"}})
	f(422, url.Values{"key": {strings.Repeat("k", 256)}, "quantity": {"1"}})
	f(409, url.Values{"key": {"k"}, "quantity": {"9"}})
	f(400, url.Values{"key": {strings.Repeat("k", 64<<10)}, "quantity": {"1"}})
	s.buyer().form("/deals/none", url.Values{"key": {"k"}, "quantity": {"1"}}).says(404, "There is no such deal")
	s.buyer().send("GET /deals/none").says(404)
	s.buyer().send("GET /favicon.ico").says(404)
	s.untouched()
}

func TestPagesSayHowItStands(t *testing.T) {
	out, soon, over := mat(), mat(), mat()
	out.ID, out.Stock = "out", 0
	soon.ID, soon.OpensAt = "soon", time.Now().Add(30*time.Minute+time.Second/2)
	over.ID, over.ClosesAt = "over", time.Now().Add(-time.Minute)
	s := open(t, openEmbedded(t), mat(), out, soon, over)
	s.buyer().send("GET /").says(200, "On sale", "Sold out", "Soon", "Ended")
	s.buyer().send("GET /deals/out").says(200, "None left")
	if a := s.buyer().send("GET /deals/soon").says(200, "Opens in 30 min"); a.Header().Get("Refresh") != "1801; url=/deals/soon" {
		t.Errorf("Refresh: %s", a.Header().Get("Refresh"))
	}
	s.buyer().form("/deals/soon", url.Values{"key": {"k"}, "quantity": {"1"}}).says(409, "not opened yet")
	s.buyer().form("/deals/over", url.Values{"key": {"k"}, "quantity": {"1"}}).says(409, "has ended")
	s.buyer().form("/deals/out", url.Values{"key": {"k"}, "quantity": {"1"}}).says(409, "Sold out just now")
	s.buyer().send("GET /deals/mat", "Accept-Language: ko-KR,ko;q=0.9,en;q=0.8").says(200, `lang="ko"`, "구매하기", "10개 중 10개 남음", "1인당 최대 2개")
	s.buyer().send("GET /deals/mat", "Accept-Language: fr, en;q=0.1").says(200, `lang="en"`)
	s.buyer().send("GET /deals/mat", "Accept-Language: "+strings.Repeat("x-", 5000)).says(200, `lang="en"`)
}

// TestW2W3PagesRunNothing checks the policy, that the style is the one it
// allows, and that what sellers write is shown, never run.
func TestW2W3PagesRunNothing(t *testing.T) {
	evil := mat()
	evil.Title = `</title><script>alert(1)</script><img src=x onerror="alert(2)">'{{.}}`
	s := open(t, openEmbedded(t), evil)
	b := s.buyer()
	to := b.form("/deals/mat", url.Values{"key": {"k"}, "quantity": {"1"}}).says(303).Header().Get("Location")
	for _, path := range []string{"/", "/deals/mat", to, "/nothing"} {
		a := b.send("GET " + path)
		body, csp := a.Body.String(), a.Header().Get("Content-Security-Policy")
		if strings.Contains(body, "<script") || strings.Contains(body, "<img") {
			t.Errorf("%s lets a title through: %s", path, body)
		}
		style := body[strings.Index(body, "<style>")+len("<style>") : strings.Index(body, "</style>")]
		sum := sha256.Sum256([]byte(style))
		if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(csp, want) {
			t.Errorf("%s: %s does not allow %s", path, csp, want)
		}
		for _, want := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: %s lacks %s", path, csp, want)
			}
		}
		if a.Header().Get("Cache-Control") != "no-store" || a.Header().Get("X-Content-Type-Options") != "nosniff" || strings.Contains(body, "style=") {
			t.Errorf("%s: %v", path, a.Header())
		}
	}
}
