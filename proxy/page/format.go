package page

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration says d in words, rounded to the second below a minute, to the minute
// below a day, then to the hour: "45 s", "9 h 46 min", "2 days 3 h". Below
// zero is zero. The page's script says it alike.
func Duration(lang string, d time.Duration) string {
	return language(lang).duration(d)
}

func (c *catalog) duration(d time.Duration) string {
	d = max(d, 0)
	s := int64(d.Round(time.Second) / time.Second)
	if s < 60 {
		return c.count(c.Live.S, s)
	}
	m := (s + 30) / 60
	if m < 60 {
		return c.count(c.Live.Min, m)
	}
	if m < 24*60 {
		return c.pair(m/60, c.Live.H, m%60, c.Live.Min)
	}
	h := (s + 1800) / 3600
	return c.pair(h/24, c.Live.D, h%24, c.Live.H)
}

// pair says a of the large unit and b of the small one, if there is any.
func (c *catalog) pair(a int64, large plural, b int64, small plural) string {
	if b == 0 {
		return c.count(large, a)
	}
	return c.count(large, a) + " " + c.count(small, b)
}

// count says n of something.
func (c *catalog) count(p plural, n int64) string {
	return fill(p.of(n), "{n}", c.number(n))
}

// number groups the digits of n in thousands.
func (c *catalog) number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + c.Live.Group + s[i:]
	}
	return s
}

// wait says how long it will take, and between what ends where that is worth
// a second line. A range of up to an hour is said in whole minutes, a longer
// one by its middle.
func (c *catalog) wait(v *View) (main, between string) {
	low, high := v.Low, v.High
	if high <= 0 {
		low, high = v.ETA, v.ETA
	}
	low, high = max(low, 0), max(low, high)
	switch {
	case !v.Known:
		return c.Live.Unknown, ""
	case v.AtLeast:
		return fill(c.Live.Least, "{d}", c.duration(cmp.Or(v.Low, v.ETA))), ""
	case high > time.Hour:
		a, b := c.duration(low), c.duration(high)
		if a != b {
			between = fill(c.Live.Between, "{a}", a, "{b}", b)
		}
		return fill(c.Live.About, "{d}", c.duration(v.ETA)), between
	}
	a, b := int64(low/time.Minute), int64((high+time.Minute-1)/time.Minute)
	switch {
	case a == 0:
		return fill(c.Live.Under, "{d}", c.count(c.Live.Min, max(b, 1))), ""
	case a == b:
		return fill(c.Live.About, "{d}", c.count(c.Live.Min, a)), ""
	}
	return fill(c.Live.Min.Other, "{n}", strconv.FormatInt(a, 10)+c.Live.Dash+strconv.FormatInt(b, 10)), ""
}

// rate says how many get in, r a second: by the minute where that is one or
// more, else by the hour.
func (c *catalog) rate(r float64) string {
	if !(r > 0) || math.IsInf(r, 1) {
		return ""
	}
	if r*60 >= 1 {
		return c.count(c.Live.RateMin, int64(math.Round(r*60)))
	}
	return c.count(c.Live.RateHour, max(1, int64(math.Round(r*3600))))
}

// clock says t for those whose browser cannot say it by their own clock.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// fill puts values for their names: fill("{n} min", "{n}", "3").
func fill(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}
