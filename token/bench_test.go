package token

import "testing"

// T19: at most 1 µs and no allocation for a token seen before.
func BenchmarkParseCached(b *testing.B) {
	k, all := tickets(b, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := k.Parse(all[i%len(all)], Ticket, "spring", now); err != nil {
			b.Fatal(err)
		}
	}
}

// The same when nothing is in the processor's caches.
func BenchmarkParseCachedOf100k(b *testing.B) {
	k, all := tickets(b, 100_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := k.Parse(all[i*7919%len(all)], Ticket, "spring", now); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkKeys(b *testing.B, f func(b *testing.B, k *Keyring)) {
	es, _ := pair(b, "2026-11", "ES256")
	ed, _ := pair(b, "2026-11", "EdDSA")
	for _, key := range []Key{hs256("2026-11"), es, ed} {
		b.Run(key.Alg, func(b *testing.B) { f(b, ring(b, key)) })
	}
}

func BenchmarkVerify(b *testing.B) {
	benchmarkKeys(b, func(b *testing.B, k *Keyring) {
		raw := sign(b, k, waiting())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.verify(raw, Ticket); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	benchmarkKeys(b, func(b *testing.B, k *Keyring) {
		c, raw := waiting(), make([]byte, 0, 1024)
		b.ReportAllocs()
		for b.Loop() {
			c.Place++
			if _, err := k.Append(raw, &c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// T7: at most 2 µs.
func BenchmarkUnknownKey(b *testing.B) {
	k := ring(b, hs256("2026-11"))
	raw := sign(b, ring(b, hs256("2026-12")), waiting())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Parse(raw, Ticket, "spring", now); err == nil {
			b.Fatal("taken")
		}
	}
}
