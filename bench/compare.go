package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/dealgate/dealgate/bench/crowd"
)

// A side is one of the servers compared, under the same requests.
type side struct {
	process  *process
	name     string
	requests [][]byte
	code     int // that every answer must have

	each []float64 // by round, CPU µs per request
	rate []float64 // by round, requests per second
}

// compare loads the sides in turn and prints their medians; ratios are the
// medians over the rounds of a side to the first in the same round.
func (s *settings) compare(ctx context.Context, out io.Writer, title string, sides []*side) error {
	for round := range s.rounds {
		for i := range sides {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.load(sides[(round+i)%len(sides)]); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "\n%s: %d rounds of %v, %d connections\n\n", title, s.rounds, s.each, s.conns)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "| server\t| CPU µs/request\t| of the first\t| lowest–highest\t| requests/s\t|")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|---\t|")
	for _, one := range sides {
		var ratios []float64
		for round := range one.each {
			ratios = append(ratios, one.each[round]/sides[0].each[round])
		}
		fmt.Fprintf(table, "| %s\t| %.1f\t| %.2f\t| %.2f–%.2f\t| %.0f\t|\n",
			one.name, median(one.each), median(ratios), slices.Min(ratios), slices.Max(ratios), median(one.rate))
	}
	return table.Flush()
}

// median returns the middle of some figures.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// load runs one round: every connection asks as soon as it was answered.
func (s *settings) load(one *side) error {
	const warm = 300 * time.Millisecond
	var answered atomic.Int64
	var over atomic.Bool
	failures := make([]error, s.conns)
	var all sync.WaitGroup
	for i := range s.conns {
		all.Go(func() {
			first := i * len(one.requests) / s.conns
			failures[i] = one.ask(first, &answered, &over)
		})
	}
	time.Sleep(warm)
	start, count := time.Now(), answered.Load()
	before, err := one.process.cpu()
	time.Sleep(s.each)
	took, n := time.Since(start), answered.Load()-count
	after, err2 := one.process.cpu()
	over.Store(true)
	all.Wait()
	if err := errors.Join(append(failures, err, err2)...); err != nil {
		return fmt.Errorf("%s: %w", one.name, err)
	}
	one.each = append(one.each, float64((after-before).Microseconds())/float64(n))
	one.rate = append(one.rate, float64(n)/took.Seconds())
	return nil
}

// ask sends the requests in a circle over a connection of its own.
func (one *side) ask(first int, answered *atomic.Int64, over *atomic.Bool) error {
	c, err := net.Dial("tcp", one.process.address)
	if err != nil {
		return err
	}
	conn := crowd.NewConn(c)
	defer conn.Close()
	for i := first; !over.Load(); i++ {
		a, err := conn.Do(one.requests[i%len(one.requests)])
		if err != nil {
			return err
		}
		if a.Code != one.code {
			return fmt.Errorf("answered %d, want %d: %.200s", a.Code, one.code, a.Body)
		}
		answered.Add(1)
	}
	return nil
}

// once sends one request and returns a copy of the answer.
func once(address string, request []byte) (*crowd.Answer, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	conn := crowd.NewConn(c)
	defer conn.Close()
	return conn.Do(request)
}

// requestOf builds what a visitor with that cookie line sends.
func requestOf(method, target, accept, cookie string) []byte {
	text := method + " " + target + " HTTP/1.1\r\nHost: shop.example\r\nAccept: " + accept + "\r\n"
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
	}
	if method == "POST" {
		text += "Content-Length: 0\r\n"
	}
	return []byte(text + "\r\n")
}
