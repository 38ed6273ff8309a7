package proxy

import "testing"

func TestPrefersHTML(t *testing.T) {
	f := func(accept string, want bool) {
		t.Helper()
		if got := prefersHTML([]byte(accept)); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
	f("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true)
	f("text/html", true)
	f("TEXT/HTML ; Q=0.9", true)
	f("application/xhtml+xml", true)
	f("text/*", true)
	f("text/html, application/json", true)
	f("text/html;q=0.9, application/json;q=0.8", true)
	f("text/html;q=0.5, */*;q=0.1", true)
	f("text/html;level=1;q=0.3", true)
	f("", false)
	f("*/*", false)
	f("application/json", false)
	f("application/json, text/plain, */*", false)
	f("text/html;q=0.5, application/json", false)
	f("text/html;q=0.5, */*", false)
	f("text/html;q=0.8, application/*;q=0.9", false)
	f("text/html;q=0", false)
	f("text/html;q=0, text/*", false)
	f("text/html;q=0.000, */*;q=0.1", false)
	f("text/html;q=banana, application/json;q=0.1", false)
	f("text/html;q=-1", false)
	f("image/avif,image/webp", false)
	f("x-text/html", false)
	f(",,;;=,q=", false)
}
