package page

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
)

var hostile = []string{
	`</script><script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	"</title><svg/onload=alert(1)>",
	"a\u2028b\u2029c",
	"\u202Eevil\u202Dorder\u2066\u200F",
	"{{.nonce}} {{js}} {n} {d} ${1}",
	"nul\x00 esc\x1b \x7f broken\xff\xc3 utf8 \xed\xa0\x80",
	"-->]]><![CDATA[<!--<script>",
	`javascript:alert(1)`,
	"&lt;script&gt; &amp;amp; &#x3c;",
	"한국어 日本語 עברית العربية 🧘",
}

// W3: no value becomes a tag, an attribute or a script.
func TestNothingBecomesMarkup(t *testing.T) {
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	plain := func(page []byte) []string {
		var shapes []string
		for _, tag := range tags.FindAllString(string(page), -1) { // names of tags and attributes, without values
			shapes = append(shapes, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`))
		}
		return shapes
	}
	for _, evil := range hostile {
		calm, v := view(Waiting, "en"), view(Waiting, "en")
		v.Room, v.Message, v.Reason, v.ReturnTo = evil, evil, evil, "/"+evil
		v.StatusURL, v.LeaveURL = "/s"+evil, "/l"+evil
		page := Append(nil, v)
		if got, want := plain(page), plain(Append(nil, calm)); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q changed the page:\n%q\nwant\n%q", evil, got, want)
		}
		if got, _ := element(t, page, "message"); got != strings.ToValidUTF8(clean(evil), "\uFFFD") && !strings.Contains(evil, "\xff") {
			t.Errorf("%q reads %q", evil, got)
		}
		if bytes.ContainsAny(page, "\x00\x1b\x7f") {
			t.Errorf("%q leaves control characters", evil)
		}
		calmFault := AppendError(nil, &Fault{Status: 404, Lang: "en", Reference: "r", Back: "/"})
		if got := AppendError(nil, &Fault{Status: 404, Lang: "en", Reference: evil, Back: "/" + evil}); strings.Join(plain(got), "") != strings.Join(plain(calmFault), "") {
			t.Errorf("%q changed the error page", evil)
		}
	}
}

// clean is s with what no text may hold replaced.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f {
			return '\uFFFD'
		}
		return r
	}, s)
}

// W6: whatever reaches the page as the way back, it leads by http(s) alone.
func TestLeadsNowhereElse(t *testing.T) {
	for _, to := range []string{
		"", "//evil.example", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x",
		"/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "https:evil.example", "vbscript:x", "deals/42", "/x\x00y",
	} {
		v := view(Called, "en")
		v.ReturnTo = to
		if page := Append(nil, v); !bytes.Contains(page, []byte(`href="/" id="golink"`)) || !bytes.Contains(page, []byte(`data-to="/"`)) {
			t.Errorf("%q is followed", to)
		}
		if got := string(AppendRefresh(nil, v)); got != "5; url=/" {
			t.Errorf("%q: Refresh: %s", to, got)
		}
	}
	for _, to := range []string{"/", "/deals/42?a=b&c=d#e", "https://shop.example/x", "http://localhost:3000/"} {
		v := view(Called, "en")
		v.ReturnTo = to
		if page := Append(nil, v); !bytes.Contains(page, []byte(`href="`+html.EscapeString(to)+`" id="golink"`)) {
			t.Errorf("%q is not followed", to)
		}
	}
}
