package token

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
)

// Bounds of the cache: 131,072 tokens of up to 480 bytes. With the claims (96
// bytes) and the index (12 bytes) that is at most 77 MB; of usual tokens (300
// bytes) 56 MB. Longer tokens are verified each time.
const (
	cacheBuckets = 1 << 14
	cacheWays    = 8
	maxCached    = 480
)

// A cache remembers good tokens by their whole text. Each has its place in one
// of two buckets, the emptier when it came, so that the cache is nearly full
// before it forgets anything: it holds 100,000 waiting visitors without loss.
// When both are full the newcomer takes the place of any: whoever still comes
// is soon back, and the tokens of those who left are worn away.
//
// Readers and writers take no lock. A slot's tag is a hint, set apart from its
// entry; what counts is the comparison with the entry itself, which is never
// changed. Two writers at one slot cost no more than a token forgotten.
type cache struct {
	seed    maphash.Seed
	buckets []bucket
}

type bucket struct {
	tags    [cacheWays]atomic.Uint32
	entries [cacheWays]atomic.Pointer[entry]
}

// entry is one allocation of 96 bytes, beside its token.
type entry struct {
	token  string
	claims Claims
}

// newCache returns a cache of a number of buckets that is a power of two.
func newCache(buckets uint64) *cache {
	return &cache{seed: maphash.MakeSeed(), buckets: make([]bucket, buckets)}
}

// find returns the two buckets of a token and its tag. The seed is random:
// nobody can choose tokens that meet in one bucket.
func (c *cache) find(raw []byte) (one, two *bucket, tag uint32) {
	h := maphash.Bytes(c.seed, raw)
	mask := uint64(len(c.buckets) - 1)
	return &c.buckets[h&mask], &c.buckets[h>>14&mask], uint32(h >> 32)
}

// get returns the claims of a good token seen before, else nil.
func (c *cache) get(raw []byte) *Claims {
	if len(raw) > maxCached {
		return nil
	}
	one, two, tag := c.find(raw)
	if claims := one.get(raw, tag); claims != nil {
		return claims
	}
	return two.get(raw, tag)
}

// get compares the whole token, but only where the tag agrees: of a token that
// is nearly right nothing can be learned by the time it takes.
func (b *bucket) get(raw []byte, tag uint32) *Claims {
	for i := range b.tags {
		if b.tags[i].Load() != tag {
			continue
		}
		if e := b.entries[i].Load(); e != nil && e.token == string(raw) {
			return &e.claims
		}
	}
	return nil
}

// put remembers a good token that is not in the cache.
func (c *cache) put(raw []byte, claims *Claims) {
	if len(raw) > maxCached {
		return
	}
	e := &entry{claims: *claims, token: string(raw)}
	one, two, tag := c.find(raw)
	if two.free() > one.free() {
		one, two = two, one
	}
	if one.add(e, tag) || two.add(e, tag) {
		return
	}
	b, i := one, rand.N(2*cacheWays)
	if i >= cacheWays {
		b, i = two, i-cacheWays
	}
	b.entries[i].Store(e)
	b.tags[i].Store(tag)
}

// free returns how many slots are empty.
func (b *bucket) free() (n int) {
	for i := range b.entries {
		if b.entries[i].Load() == nil {
			n++
		}
	}
	return n
}

// add puts e into an empty slot, if there is one.
func (b *bucket) add(e *entry, tag uint32) bool {
	for i := range b.entries {
		if b.entries[i].CompareAndSwap(nil, e) {
			b.tags[i].Store(tag)
			return true
		}
	}
	return false
}
