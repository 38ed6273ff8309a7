package page

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// view is what a visitor in the middle of a long line is shown.
func view(state, lang string) *View {
	return &View{
		Room: "spring", State: state, Lang: lang,
		HasPlace: true, Place: 35146, Ahead: 3512, Waiting: 80112, Seen: -1,
		Known: true, ETA: 212 * time.Second, Low: 190 * time.Second, High: 230 * time.Second, ReadyAt: noon.Add(212 * time.Second),
		Progress: 0.41, Rate: 50.0 / 60, Message: "Thank you for waiting.", KeptUntil: noon.Add(15 * time.Minute),
		PollAfter: 5 * time.Second, ReturnTo: "/deals/42", Nonce: rand.Text(),
	}
}

var states = []string{Prequeue, Waiting, Called, Admitted, Paused, SoldOut, Closed, Expired, Left}

// element is the text of the element with that id, hidden if it is.
func element(t *testing.T, page []byte, id string) (text string, hidden bool) {
	t.Helper()
	m := regexp.MustCompile(`<(\w+) id="` + id + `"([^>]*)>(?s:(.*?))</`).FindSubmatch(page)
	if m == nil {
		t.Fatalf("no element %q in\n%s", id, page)
	}
	return html.UnescapeString(string(m[3])), strings.HasSuffix(string(m[2]), " hidden")
}

func TestPageSaysWhereOneStands(t *testing.T) {
	f := func(lang string, want map[string]string) {
		t.Helper()
		page := Append(nil, view(Waiting, lang))
		for id, text := range want {
			if got, hidden := element(t, page, id); got != text || hidden {
				t.Errorf("%s: %s says %q (hidden %v), want %q", lang, id, got, hidden, text)
			}
		}
		if !bytes.Contains(page, []byte(`<html lang="`+lang+`"`)) {
			t.Errorf("the page does not say that it is %s", lang)
		}
	}
	f("en", map[string]string{
		"title": "You are in line", "n": "3,512", "ahead": "people ahead of you", "place": "35,146", "inline": "80,112 people in line",
		"wait": "3–4 min", "at": "around 2026-11-20 12:03 UTC", "rate": "50 people a minute get in", "message": "Thank you for waiting.",
		"keep": "You can close this page and come back by 2026-11-20 12:15 UTC: your place is kept.",
	})
	f("ko", map[string]string{
		"title": "순서를 기다리고 있습니다", "n": "3,512", "ahead": "명이 앞에 있습니다", "place": "35,146", "inline": "80,112명 대기 중",
		"wait": "3~4분", "rate": "1분에 50명 입장",
		"keep": "이 화면을 닫고 2026-11-20 12:15 UTC까지 돌아오셔도 순서는 유지됩니다.",
	})
}

func TestTitleShowsThePlace(t *testing.T) {
	page := Append(nil, view(Waiting, "en"))
	if !bytes.Contains(page, []byte("<title>3,512 ahead · place 35,146</title>")) {
		t.Error("the title does not show the place")
	}
}

func TestShowsTheLowestSeen(t *testing.T) {
	f := func(ahead, seen int64, want string) {
		t.Helper()
		v := view(Waiting, "en")
		v.Ahead, v.Seen = ahead, seen
		if got, _ := element(t, Append(nil, v), "n"); got != want {
			t.Errorf("%d ahead, %d seen: shows %s, want %s", ahead, seen, got, want)
		}
	}
	f(3512, -1, "3,512")
	f(3512, 3400, "3,400")
	f(3400, 3512, "3,400")
	f(7, 0, "0")
	f(-3, -1, "0")
}

func TestStates(t *testing.T) {
	// shown: which parts a state shows to one who has a place, and to one who has not
	held := func(state string) bool { return state == Waiting || state == Paused }
	f := func(state, title, withPlace, without string) {
		t.Helper()
		for _, place := range []bool{true, false} {
			want := map[bool]string{true: withPlace, false: without}[place]
			v := view(state, "en")
			v.HasPlace, v.Reason = place, ""
			page := Append(nil, v)
			if !place && held(state) {
				title = "One moment, please"
			}
			if got, _ := element(t, page, "title"); got != title {
				t.Errorf("%s: says %q, want %q", state, got, title)
			}
			var parts []string
			for _, id := range []string{"opens", "go", "line", "waitbox", "speed", "net", "keep", "leave"} {
				if _, hidden := element(t, page, id); !hidden {
					parts = append(parts, id)
				}
			}
			if got := strings.Join(parts, " "); got != want {
				t.Errorf("%s, has a place %v: shows %q, want %q", state, place, got, want)
			}
		}
	}
	f(Prequeue, "Not open yet", "opens net leave", "opens net")
	f(Waiting, "You are in line", "line waitbox speed net keep leave", "waitbox")
	f(Paused, "The line is paused", "line net keep leave", "")
	f(Called, "It is your turn", "go", "go")
	f(Admitted, "You are in", "go", "go")
	f(SoldOut, "Sold out", "go", "go")
	f(Closed, "Closed for now", "go", "go")
	f(Expired, "Your place has run out", "go", "go")
	f(Left, "You have left the line", "go", "go")

	v := view(Waiting, "en")
	v.Ahead = 0
	if got, _ := element(t, Append(nil, v), "title"); got != "You are next" {
		t.Errorf("with nobody ahead: %q", got)
	}
	v.Ahead = 1
	if got, _ := element(t, Append(nil, v), "ahead"); got != "person ahead of you" {
		t.Errorf("with one ahead: %q", got)
	}
}

func TestOnlyWhatIsKnownIsSaid(t *testing.T) {
	v := view(Waiting, "en")
	v.Known, v.Rate, v.Waiting, v.Message, v.KeptUntil = false, 0, 0, "", time.Time{}
	page := Append(nil, v)
	for id, want := range map[string]string{"wait": "not known yet", "between": "", "at": "", "inline": "", "rate": ""} {
		if got, _ := element(t, page, id); got != want {
			t.Errorf("%s says %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"speed", "note", "keep", "reason", "opens"} {
		if _, hidden := element(t, page, id); !hidden {
			t.Errorf("%s is shown, with nothing to say", id)
		}
	}
}

func TestProgressHasANameAndAValue(t *testing.T) {
	page := Append(nil, view(Waiting, "en"))
	want := `<progress id="bar" max="1000" value="410" aria-label="Your way to the front" aria-valuetext="3,512 people ahead of you">`
	if !bytes.Contains(page, []byte(want)) {
		t.Errorf("no %s", want)
	}
	if n := bytes.Count(page, []byte(`role="status"`)); n != 1 {
		t.Errorf("%d status regions, want 1", n)
	}
}

// W14: one response of at most 15 KiB compressed, whatever it shows.
func TestSize(t *testing.T) {
	packed := func(page []byte) int {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(page)
		z.Close()
		return b.Len()
	}
	largest := 0
	for _, lang := range []string{"en", "ko"} {
		for _, state := range states {
			v := view(state, lang)
			v.Message = rand.Text() + strings.Repeat("Lorem ipsum dolor sit amet. ", 70)
			v.ReturnTo = "/" + strings.Repeat(rand.Text(), 2048/26)
			largest = max(largest, packed(Append(nil, v)))
		}
		largest = max(largest, packed(AppendError(nil, &Fault{Status: 502, Lang: lang, Nonce: rand.Text()})))
	}
	v := view(Waiting, "en")
	t.Logf("a usual page: %d bytes, %d compressed; the largest compressed: %d", len(Append(nil, v)), packed(Append(nil, v)), largest)
	if largest > 15<<10 {
		t.Errorf("a page takes %d bytes compressed, more than 15 KiB", largest)
	}
}

// The page asks for nothing: all it needs is in it.
func TestOneRequest(t *testing.T) {
	for _, state := range states {
		page := Append(nil, view(state, "en"))
		for _, m := range regexp.MustCompile(`\b(?:src|href|action|url)\s*[=(]\s*["']?([^"' >)]*)`).FindAllSubmatch(page, -1) {
			switch u := string(m[1]); u {
			case "data:,", "/deals/42", "/.dealgate/rooms/spring/ticket?leave":
			default:
				t.Errorf("%s: refers to %q", state, m[0])
			}
		}
		if bytes.Contains(page, []byte("@import")) || bytes.Contains(page, []byte(" style=")) || bytes.Contains(page, []byte(" onclick=")) {
			t.Errorf("%s: holds what its policy forbids", state)
		}
	}
}

func TestRefresh(t *testing.T) {
	f := func(v *View, want string) {
		t.Helper()
		if got := string(AppendRefresh([]byte("x"), v)); got != "x"+want {
			t.Errorf("%s: %q, want %q", v.State, got, want)
		}
	}
	const page = "; url=/.dealgate/wait?room=spring&return_to=%2Fdeals%2F42"
	v := view(Waiting, "en")
	f(v, "10"+page+"&seen=3512") // W10: not faster than 10 s
	v.PollAfter = 29300 * time.Millisecond
	f(v, "30"+page+"&seen=3512")
	v.Seen = 3000
	f(v, "30"+page+"&seen=3000")
	v.ReturnTo = "/a b;c=d,e?f=g&h=한\"\r\n"
	f(v, "30; url=/.dealgate/wait?room=spring&return_to=%2Fa%20b%3Bc%3Dd%2Ce%3Ff%3Dg%26h%3D%ED%95%9C%22%0D%0A&seen=3000")
	v = view(Prequeue, "en")
	v.HasPlace = false
	f(v, "10"+page)
	f(view(Paused, "en"), "10"+page+"&seen=3512")
	f(view(SoldOut, "en"), "60"+page+"&seen=3512")
	f(view(Expired, "en"), "10; url=/deals/42")
	f(view(Left, "en"), "")
	v = view(Called, "en")
	v.PollAfter = 900 * time.Millisecond
	f(v, "1; url=/deals/42")
	v.ReturnTo = "/a;b=c,d/한 \"<"
	f(v, "1; url=/a;b=c,d/%ED%95%9C%20%22%3C")
}

// W2: nothing runs but what carries this response's nonce.
func TestPolicy(t *testing.T) {
	one, two := view(Waiting, "en"), view(Waiting, "en")
	for _, v := range []*View{one, two} {
		policy := string(Policy(nil, v.Nonce))
		want := "default-src 'none'; script-src 'nonce-" + v.Nonce + "'; style-src 'nonce-" + v.Nonce + "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
		if policy != want {
			t.Errorf("policy %q", policy)
		}
		if n := bytes.Count(Append(nil, v), []byte(` nonce="`+v.Nonce+`"`)); n != 2 {
			t.Errorf("%d elements carry the nonce, want the style and the script", n)
		}
	}
	a := bytes.ReplaceAll(Append(nil, one), []byte(one.Nonce), nil)
	b := bytes.ReplaceAll(Append(nil, two), []byte(two.Nonce), nil)
	if !bytes.Equal(a, b) {
		t.Error("two responses with the same view differ in more than the nonce")
	}
}

func TestErrorPage(t *testing.T) {
	page := AppendError(nil, &Fault{Status: 502, Lang: "ko", Nonce: "n", Reference: "01JD2V8K7C", Back: "/deals/42"})
	for _, want := range []string{`<html lang="ko"`, "상점이 응답하지 않습니다", "01JD2V8K7C", `href="/deals/42"`} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, status := range []int{400, 403, 404, 421, 429, 500, 502, 503, 504, 999} {
		if w := english.fail(status); w.Title == "" || w.Text == "" {
			t.Errorf("nothing is said for %d", status)
		}
	}
}

func TestScriptHoldsItsWords(t *testing.T) {
	page := string(Append(nil, view(Waiting, "ko")))
	_, rest, _ := strings.Cut(page, "const T = ")
	var got live
	if err := json.NewDecoder(strings.NewReader(rest)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Keep != korean.Live.Keep || got.States[Called].Go != korean.Live.States[Called].Go {
		t.Errorf("the script says %+v", got)
	}
}

// W14: a page costs at most 30 µs; appending allocates little.
func TestAppendIsCheap(t *testing.T) {
	v, dst := view(Waiting, "ko"), make([]byte, 0, 64<<10)
	if n := testing.AllocsPerRun(100, func() { Append(dst, v) }); n > 60 {
		t.Errorf("%v allocations a page", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	v, dst := view(Waiting, "en"), make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], v)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkLanguage(b *testing.B) {
	accept := []byte("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7")
	b.ReportAllocs()
	for b.Loop() {
		Language(accept)
	}
}
