package token

import (
	"bytes"
	"testing"
	"time"
)

// FuzzParse looks for a text that is taken though we never wrote it: whatever
// is taken must be, byte by byte, what signing its claims gives.
func FuzzParse(f *testing.F) {
	k := ring(f, hs256("k1"))
	f.Add(sign(f, k, waiting()), true)
	f.Add(sign(f, k, admitted()), false)
	f.Fuzz(func(t *testing.T, raw []byte, ticket bool) {
		kind := Pass
		if ticket {
			kind = Ticket
		}
		for range 2 { // anew, then from the cache
			c, err := k.Parse(raw, kind, "spring", now)
			if err != nil {
				continue
			}
			if again := sign(t, ring(t, hs256("k1")), *c); !bytes.Equal(raw, again) {
				t.Fatalf("%q was taken for %q", raw, again)
			}
		}
	})
}

// FuzzPayload looks for a second spelling of claims, without the signature in its way.
func FuzzPayload(f *testing.F) {
	for _, c := range []Claims{waiting(), admitted()} {
		f.Add(appendPayload(nil, "dealgate", &c), byte(c.Kind))
	}
	f.Fuzz(func(t *testing.T, payload []byte, kind byte) {
		c, ok := parsePayload(payload, "dealgate", Kind(kind))
		if !ok {
			return
		}
		if again := appendPayload(nil, "dealgate", &c); !bytes.Equal(payload, again) {
			t.Fatalf("%q was taken for %q", payload, again)
		}
		if c.Expires <= c.IssuedAt || c.Expires-c.IssuedAt > int64(MaxTicketLife/time.Second) {
			t.Fatalf("%q lives from %d to %d", payload, c.IssuedAt, c.Expires)
		}
	})
}

// FuzzRoundTrip looks for claims that are signed and then not understood.
func FuzzRoundTrip(f *testing.F) {
	c := waiting()
	f.Add(byte(c.Kind), c.Room, c.Lane, c.Epoch, c.Place, c.Head, c.IssuedAt, c.Expires, false)
	k := ring(f, hs256("k1"))
	f.Fuzz(func(t *testing.T, kind byte, room, lane string, epoch, place, head, iat, exp int64, provisional bool) {
		want := Claims{Kind: Kind(kind), Room: room, Lane: lane, Epoch: epoch, Place: place, Head: head, IssuedAt: iat, Expires: exp, Provisional: provisional}
		raw, err := k.Append(nil, &want)
		if err != nil {
			return
		}
		got, err := k.verify(raw, want.Kind)
		if err != nil || *got != want {
			t.Fatalf("%+v was understood as %+v, %v", want, got, err)
		}
	})
}
