package page

import (
	"cmp"
	"strconv"
	"time"
)

// AppendRefresh appends the value of the Refresh header that goes with the page
// for v. It appends nothing where a visitor has nothing to come back for: then
// there must be no such header.
func AppendRefresh(dst []byte, v *View) []byte {
	d := RefreshAfter(v)
	if d == 0 {
		return dst
	}
	dst = strconv.AppendInt(dst, int64(d/time.Second), 10)
	dst = append(dst, "; url="...)
	if goesOn(v.State) || v.State == Expired {
		return appendLocation(dst, v.ReturnTo)
	}
	dst = appendLocation(dst, cmp.Or(v.WaitURL, "/.dealgate/wait"))
	dst = append(dst, "?room="...)
	dst = appendQuery(dst, v.Room)
	dst = append(dst, "&return_to="...)
	dst = appendQuery(dst, cmp.Or(v.ReturnTo, "/"))
	if v.HasPlace {
		dst = append(dst, "&seen="...)
		dst = strconv.AppendInt(dst, v.shown(), 10)
	}
	return dst
}

// RefreshAfter is when a visitor without JavaScript comes back by the page for
// v, in whole seconds; 0 if it does not. It may be longer than v.PollAfter:
// presence must be promised for the longer of the two.
func RefreshAfter(v *View) time.Duration {
	least := 10 * time.Second // a reload takes the reader's place on the page
	switch v.State {
	case Left:
		return 0
	case Called, Admitted:
		least = time.Second
	case SoldOut, Closed:
		least = time.Minute
	}
	return max(least, (v.PollAfter + time.Second - 1).Truncate(time.Second))
}

// goesOn says that the visitor has nothing more to wait for in this state.
func goesOn(state string) bool { return state == Called || state == Admitted }

// shown is the number of people ahead to show: the lowest yet.
func (v *View) shown() int64 {
	n := max(v.Ahead, 0)
	if v.Seen >= 0 {
		n = min(n, v.Seen)
	}
	return n
}
