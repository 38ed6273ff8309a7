package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestLiveBrowserBuys: a person without JavaScript browses, buys and pays, and
// another, who waits meanwhile, sees that nothing is left.
func TestLiveBrowserBuys(t *testing.T) {
	yaml := strings.Replace(lastOne("unused"), `targets: ["unused"]`, "bundled: true", 1)
	p := serveYAML(t, t.TempDir(), yaml)
	chrome := browser(t)
	buyer := open(t, chrome, p.gate, desktop, noScript)
	buyer.do(chromedp.Navigate(p.gate + "/"))
	buyer.until(`document.querySelectorAll('a.card').length === 1`)
	buyer.shot("shop-list")
	buyer.do(chromedp.Click(chromedp.CSS("a.card")))
	buyer.until(`document.querySelector('form[action="/deals/mat"]') !== null`)
	buyer.shot("shop-deal")

	others := map[string]*tab{
		"phone": open(t, chrome, p.gate, phone), "desktop-dark": open(t, chrome, p.gate, desktop, dark),
		"phone-korean": open(t, chrome, p.gate, phone, korean),
	}
	for _, b := range others {
		b.do(chromedp.Navigate(p.gate + "/deals/mat"))
		b.until(waiting)
	}

	buyer.do(chromedp.Click(chromedp.CSS("form button")))
	buyer.until(`location.pathname.startsWith('/orders/') && document.querySelector('.pill.reserved') !== null`)
	buyer.shot("shop-order")
	buyer.do(chromedp.Click(chromedp.CSS(`form[action$="/pay"] button`)))
	buyer.until(`document.querySelector('.pill.paid') !== null`)
	buyer.shot("shop-paid")
	buyer.clean()

	for name, b := range others {
		b.until(`document.body?.dataset.state === 'sold_out'`)
		b.shot("sold-out-" + name)
		if pages := fmt.Sprint(b.documents()); pages != "[/deals/mat]" {
			b.Errorf("the page that learnt it asked for %s", pages)
		}
		b.clean()
	}
}
