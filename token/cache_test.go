package token

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// tickets returns n signed tickets, and the keyring that holds them.
func tickets(t testing.TB, n int) (*Keyring, [][]byte) {
	t.Helper()
	k := ring(t, hs256("2026-11"))
	all := make([][]byte, n)
	for i := range all {
		c := waiting()
		c.Place = int64(i + 1)
		all[i] = sign(t, k, c)
	}
	return k, all
}

// T19: issuing a token already fills the cache, and a hit costs no allocation.
func TestHitsCostNoAllocation(t *testing.T) {
	k, all := tickets(t, 1000)
	i := 0
	if n := testing.AllocsPerRun(5000, func() {
		if _, err := k.Parse(all[i%len(all)], Ticket, "spring", now); err != nil {
			t.Fatal(err)
		}
		i++
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	first, _ := k.Parse(all[0], Ticket, "spring", now)
	if again, _ := k.Parse(all[0], Ticket, "spring", now); first != again {
		t.Error("not from the cache")
	}
}

func TestHitsAreCheckedForTime(t *testing.T) {
	k, all := tickets(t, 1)
	for range 2 {
		if _, err := k.Parse(all[0], Ticket, "spring", now.Add(25*time.Hour)); err != ErrExpired {
			t.Errorf("%v", err)
		}
		if _, err := k.Parse(all[0], Ticket, "spring", now.Add(-time.Hour)); err != errEarly {
			t.Errorf("%v", err)
		}
		if _, err := k.Parse(all[0], Ticket, "spring", now); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// 100,000 visitors wait: nearly none is verified anew, in less than 80 MB.
func TestHoldsAHundredThousandVisitors(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cache := newCache(cacheBuckets)
	raw, claims := bytes.Repeat([]byte("t"), 300), waiting()
	for i := range uint64(100_000) {
		binary.LittleEndian.PutUint64(raw, i)
		cache.put(raw, &claims)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := 0
	for b := range cache.buckets {
		held += cacheWays - cache.buckets[b].free()
	}
	size := after.HeapAlloc - before.HeapAlloc
	t.Logf("%d of 100,000 tokens held in %.1f MB", held, float64(size)/1e6)
	if held < 99_900 {
		t.Errorf("%d of 100,000 held", held)
	}
	if size > 80e6 {
		t.Errorf("%d bytes", size)
	}
}

// However many come, the memory is bounded, and those who come are served.
func TestForgetsWithinItsBound(t *testing.T) {
	c := newCache(64)
	raw, claims := make([]byte, maxCached), waiting()
	for i := range uint64(20 * 64 * cacheWays) {
		binary.LittleEndian.PutUint64(raw, i)
		c.put(raw, &claims)
		if c.get(raw) == nil {
			t.Fatalf("token %d was not kept", i)
		}
	}
	bound := cacheBuckets * (uintptr(cacheWays)*(unsafe.Sizeof(entry{})+maxCached) + unsafe.Sizeof(bucket{}))
	t.Logf("at most %d bytes", bound)
	if bound > 80e6 {
		t.Errorf("the bound is %d bytes", bound)
	}
	c.put(append(raw, 'x'), &claims)
	if c.get(append(raw, 'x')) != nil {
		t.Error("a token over the bound was kept")
	}
}

// A tag that agrees is a hint: the whole token decides.
func TestComparesTheWholeToken(t *testing.T) {
	k, all := tickets(t, 1)
	e := k.cache.at(all[0])
	bad := append([]byte{}, all[0]...)
	bad[len(bad)-1] ^= 1
	one, _, tag := k.cache.find(bad)
	one.entries[0].Store(e)
	one.tags[0].Store(tag)
	if k.cache.get(bad) != nil {
		t.Error("taken for another token with its tag")
	}
}

// at returns the entry of a token.
func (c *cache) at(raw []byte) *entry {
	for b := range c.buckets {
		for i := range c.buckets[b].entries {
			if e := c.buckets[b].entries[i].Load(); e != nil && e.token == string(raw) {
				return e
			}
		}
	}
	return nil
}

// Many at once, with evictions: no token is ever taken for another.
func TestManyAtOnceGetTheirOwn(t *testing.T) {
	k, all := tickets(t, 2000)
	k.cache = newCache(64)
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 5000 {
				i := random.IntN(len(all))
				c, err := k.Parse(all[i], Ticket, "spring", now)
				if err != nil || c.Place != int64(i+1) {
					t.Errorf("place %d: %+v, %v", i+1, c, err)
					return
				}
				if i%7 == 0 {
					mine := waiting()
					mine.Place = int64(1_000_000 + random.IntN(1_000_000))
					raw, err := k.Append(nil, &mine)
					if err != nil {
						t.Error(err)
						return
					}
					if c, err := k.Parse(raw, Ticket, "spring", now); err != nil || *c != mine {
						t.Errorf("%+v, %v; want %+v", c, err, mine)
						return
					}
				}
			}
		})
	}
	workers.Wait()
}

// T8: keys are rotated every minute for half an hour on four nodes that hear of
// it up to ten seconds apart. As every key is verified before it signs and long
// after, no valid token is refused; once a key is gone, its tokens are.
func TestRotationRefusesNobody(t *testing.T) {
	const (
		every = 60 // seconds
		skew  = 10
		life  = 120
		kept  = 4 // keys that still verify: life and skew fit in these
	)
	keys := make([]Key, 64)
	for i := range keys {
		keys[i] = hs256("key" + string(rune('A'+i%26)) + string(rune('a'+i/26)))
	}
	rings := make(map[int]*Keyring) // by the key that signs
	at := func(second, node int) *Keyring {
		n := kept + (second-node*skew/3)/every
		if rings[n] == nil {
			all := []Key{keys[n], keys[n+1]} // the next one verifies before it signs
			for i := 1; i <= kept; i++ {
				all = append(all, keys[n-i])
			}
			rings[n] = ring(t, all...)
		}
		return rings[n]
	}
	type issued struct {
		raw    []byte
		second int
	}
	var live []issued
	start := now
	for second := skew; second < 1800; second++ {
		clock := start.Add(time.Duration(second) * time.Second)
		c := admitted()
		c.Place, c.IssuedAt, c.Expires = int64(second), clock.Unix(), clock.Unix()+life
		live = append(live, issued{sign(t, at(second, second%4), c), second})
		for i := range 12 {
			old := live[max(0, len(live)-1-i*i)]
			got, err := at(second, i%4).Parse(old.raw, Pass, "spring", clock)
			switch age := second - old.second; {
			case age < life && (err != nil || got.Place != int64(old.second)):
				t.Fatalf("second %d: a token of second %d is refused: %v", second, old.second, err)
			case age >= life && err == nil:
				t.Fatalf("second %d: a token of second %d is taken", second, old.second)
			}
		}
	}
	// With its key gone a token is refused, whatever it says of its life.
	c := waiting()
	c.IssuedAt, c.Expires = start.Unix(), start.Add(MaxTicketLife).Unix()
	raw := sign(t, at(skew, 0), c)
	if _, err := at(skew, 0).Parse(raw, Ticket, "spring", start); err != nil {
		t.Error(err)
	}
	if _, err := at(skew+(kept+1)*every, 0).Parse(raw, Ticket, "spring", start); !errors.Is(err, ErrInvalid) {
		t.Errorf("after its key's end: %v", err)
	}
}
