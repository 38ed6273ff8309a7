package admin

import (
	"testing"

	"github.com/dealgate/dealgate/queue"
)

// FuzzPatch: whatever the body, a patch is within its bounds or has faults.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{`{}`, `{"rate":"50/s","capacity":0,"state":"hold","message":"a"}`, `{"rate":null}`, `{"rate":1e9}`, `{"message":"\ud800"}`, `{"capacity":-0}`, `{"rate":1e-300}`, `[`, `{"a":{"b":[1]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, faults := decodePatch(body)
		if len(faults) > 0 {
			for _, x := range faults {
				if x.Detail == "" {
					t.Fatalf("%q: %+v", body, faults)
				}
			}
			return
		}
		if r := c.Rate.To; r != nil && !(*r >= minRate && *r <= maxRate) {
			t.Fatalf("%q: rate %v", body, *r)
		}
		if n := c.Capacity.To; n != nil && (*n < 0 || *n > maxCapacity) {
			t.Fatalf("%q: capacity %v", body, *n)
		}
		if s := c.State.To; s != nil && *s != queue.Auto && *s != queue.Hold && *s != queue.Open && *s != queue.Closed {
			t.Fatalf("%q: state %v", body, *s)
		}
	})
}
