package page

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	f := func(d time.Duration, en, ko string) {
		t.Helper()
		if got := Duration("en", d); got != en {
			t.Errorf("Duration(en, %v) = %q, want %q", d, got, en)
		}
		if got := Duration("ko", d); got != ko {
			t.Errorf("Duration(ko, %v) = %q, want %q", d, got, ko)
		}
	}
	f(35146*time.Second, "9 h 46 min", "9시간 46분")
	f(-time.Hour, "0 s", "0초")
	f(0, "0 s", "0초")
	f(400*time.Millisecond, "0 s", "0초")
	f(time.Second, "1 s", "1초")
	f(45*time.Second, "45 s", "45초")
	f(59499*time.Millisecond, "59 s", "59초")
	f(59500*time.Millisecond, "1 min", "1분")
	f(89*time.Second, "1 min", "1분")
	f(90*time.Second, "2 min", "2분")
	f(212*time.Second, "4 min", "4분")
	f(59*time.Minute+29*time.Second, "59 min", "59분")
	f(59*time.Minute+30*time.Second, "1 h", "1시간")
	f(10*time.Hour, "10 h", "10시간")
	f(23*time.Hour+59*time.Minute, "23 h 59 min", "23시간 59분")
	f(24*time.Hour-time.Second, "1 day", "1일")
	f(27*time.Hour, "1 day 3 h", "1일 3시간")
	f(51*time.Hour+40*time.Minute, "2 days 4 h", "2일 4시간")
	f(1234*24*time.Hour, "1,234 days", "1,234일")
	f(1<<63-1, "106,752 days", "106,752일")
	if got := Duration("fr", time.Minute); got != "1 min" {
		t.Errorf("an unknown language says %q, want English", got)
	}
}

func TestWait(t *testing.T) {
	f := func(v View, main, between string) {
		t.Helper()
		if gotMain, gotBetween := english.wait(&v); gotMain != main || gotBetween != between {
			t.Errorf("%+v: %q, %q; want %q, %q", v, gotMain, gotBetween, main, between)
		}
	}
	known := func(eta, low, high int) View {
		s := time.Second
		return View{Known: true, ETA: time.Duration(eta) * s, Low: time.Duration(low) * s, High: time.Duration(high) * s}
	}
	f(View{}, "not known yet", "")
	f(View{ETA: time.Hour}, "not known yet", "")
	f(known(212, 190, 230), "3–4 min", "")
	f(known(212, 0, 0), "3–4 min", "") // no range given: of the estimate, to the minute
	f(known(240, 0, 0), "about 4 min", "")
	f(known(5, 2, 8), "less than 1 min", "")
	f(known(0, 0, 0), "less than 1 min", "")
	f(known(70, 40, 100), "less than 2 min", "")
	f(known(120, 120, 120), "about 2 min", "")
	f(known(1500, 1200, 1860), "20–31 min", "")
	f(known(3000, 2400, 3600), "40–60 min", "")
	f(known(3300, 2400, 3601), "about 55 min", "40 min to 1 h")
	f(known(35146, 35146, 35146), "about 9 h 46 min", "")
	f(known(35146, 0, 0), "about 9 h 46 min", "")
	f(known(35146, 33000, 39000), "about 9 h 46 min", "9 h 10 min to 10 h 50 min")
	f(known(100, 300, 200), "about 5 min", "") // a range upside down
	least := known(300, 240, 0)
	least.AtLeast = true
	f(least, "at least 4 min", "")
	least.Low = 0
	f(least, "at least 5 min", "")
}

func TestRate(t *testing.T) {
	f := func(r float64, en, ko string) {
		t.Helper()
		if got := english.rate(r); got != en {
			t.Errorf("%v a second: %q, want %q", r, got, en)
		}
		if got := korean.rate(r); got != ko {
			t.Errorf("%v a second: %q, want %q", r, got, ko)
		}
	}
	f(50.0/60, "50 people a minute get in", "1분에 50명 입장")
	f(50, "3,000 people a minute get in", "1분에 3,000명 입장")
	f(1.0/60, "1 person a minute gets in", "1분에 1명 입장")
	f(1.0/120, "30 people an hour get in", "1시간에 30명 입장")
	f(1.0/3600, "1 person an hour gets in", "1시간에 1명 입장")
	f(1e-9, "1 person an hour gets in", "1시간에 1명 입장")
	f(0, "", "")
	f(-1, "", "")
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 35146: "35,146", 123456: "123,456", 1 << 40: "1,099,511,627,776", -1000: "-1,000", -123: "-123"} {
		if got := english.number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
