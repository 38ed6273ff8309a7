package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/dealgate/dealgate/bench/crowd"
)

// benchSurge: everybody comes within a second, and holds a ticket soon after.
func benchSurge(ctx context.Context, s *settings, out io.Writer) error {
	shop, err := s.startPeer(ctx, "origin")
	if err != nil {
		return err
	}
	defer shop.stop()
	gate, err := s.startGate(ctx, shop.address, "--rate", "50/s")
	if err != nil {
		return err
	}
	defer gate.stop()
	mine := own()
	r, err := crowd.Run(ctx, crowd.Config{URL: "http://" + gate.address + dealPath, Room: room, Visitors: s.surge, Over: time.Second, JoinOnly: true})
	if err != nil {
		return err
	}
	cpu, err := gate.cpu()
	if err != nil {
		return err
	}
	_, highest, err := gate.memory()
	if err != nil {
		return err
	}
	last := time.Duration(0)
	for i := range r.Visitors {
		for _, p := range r.Visitors[i].Places {
			last = max(last, p.Given)
		}
	}
	t := r.Times[crowd.Join]
	fmt.Fprintf(out, "\nsurge: %d visitors within a second, generator on the same machine\n\n", s.surge)
	fmt.Fprintf(out, "| hold a ticket or a pass | errors | places given twice | the last after | p50 | p99 | gate CPU µs/visitor | generator CPU µs/visitor | gate memory |\n|---|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(out, "| %d | %d | %d | %.2f s | %d ms | %d ms | %.1f | %.1f | %d MB |\n", r.Counts.Holding, r.Counts.Errors, len(r.Duplicates()), last.Seconds(),
		t.ValueAtQuantile(50)/1000, t.ValueAtQuantile(99)/1000, micros(cpu, int64(s.surge)), micros(own()-mine, int64(s.surge)), highest>>20)
	if r.Counts.Errors > 0 || r.Counts.Holding != int64(s.surge) {
		return fmt.Errorf("not everybody was served:\n%s", r)
	}
	return nil
}

// benchIdle: many wait and ask as told, which should cost no more than answering.
func benchIdle(ctx context.Context, s *settings, out io.Writer) error {
	shop, err := s.startPeer(ctx, "origin")
	if err != nil {
		return err
	}
	defer shop.stop()
	gate, err := s.startGate(ctx, shop.address, "--rate", "1/s")
	if err != nil {
		return err
	}
	defer gate.stop()
	ours, ticket, err := s.wait(ctx, gate)
	if err != nil {
		return err
	}
	post, err := once(gate.address, requestOf("POST", ticketsPath, json, ""))
	if err != nil {
		return err
	}
	postFile, err := s.record(post)
	if err != nil {
		return err
	}
	get, err := once(gate.address, requestOf("GET", ticketPath, json, ticket))
	if err != nil {
		return err
	}
	getFile, err := s.record(get)
	if err != nil {
		return err
	}
	peer, err := s.startPeer(ctx, "bare", "-get", getFile, "-post", postFile)
	if err != nil {
		return err
	}
	defer peer.stop()
	bare, _, err := s.wait(ctx, peer)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nidle: %d visitors wait and ask as told for %v, ≤ 1,024 connections\n\n", s.waiting, s.watch)
	fmt.Fprintf(out, "| server | polls/s | CPU µs/poll | of the first | CPU of one core | memory | p50 | p99 | errors |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, one := range []idle{bare, ours} {
		fmt.Fprintf(out, "| %s | %.0f | %.1f | %.2f | %.1f %% | %d MB | %d µs | %d µs | %d |\n", one.name, one.rate, one.each, one.each/bare.each,
			one.each*one.rate/1e4, one.memory>>20, one.p50, one.p99, one.errors)
	}
	return nil
}

// idle is what waiting visitors cost a server.
type idle struct {
	name     string
	rate     float64 // polls per second
	each     float64 // CPU µs per poll, with all that goes on beside
	memory   int64   // highest, in bytes
	p50, p99 int64   // µs
	errors   int64
}

// wait lets the visitors come and watches them wait. It returns a cookie line of one of them.
func (s *settings) wait(ctx context.Context, p *process) (idle, string, error) {
	c, err := crowd.New(crowd.Config{URL: "http://" + p.address + dealPath, Room: room, Visitors: s.waiting, Over: s.lead / 3})
	if err != nil {
		return idle{}, "", err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type watched struct {
		cpu   time.Duration
		polls int64
		err   error
	}
	seen := make(chan watched, 1)
	go func() {
		defer stop()
		var w watched
		if !sleep(ctx, s.lead) { // until all have come and polled once
			w.err = ctx.Err()
		} else if before, err := p.cpu(); err != nil {
			w.err = err
		} else {
			n := c.Counts().Requests
			sleep(ctx, s.watch)
			after, err := p.cpu()
			w = watched{after - before, c.Counts().Requests - n, err}
		}
		seen <- w
	}()
	r, err := c.Run(ctx)
	if err != nil {
		return idle{}, "", err
	}
	w := <-seen
	if w.err != nil {
		return idle{}, "", w.err
	}
	_, highest, err := p.memory()
	if err != nil {
		return idle{}, "", err
	}
	t := r.Times[crowd.Poll]
	return idle{name: p.name, rate: float64(w.polls) / s.watch.Seconds(), each: micros(w.cpu, w.polls), memory: highest,
		p50: t.ValueAtQuantile(50), p99: t.ValueAtQuantile(99), errors: r.Counts.Errors}, r.Visitors[s.waiting-1].Cookies(), nil
}

// sleep waits; false: ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// own is the CPU time of this process, the generator.
func own() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func micros(d time.Duration, n int64) float64 { return float64(d.Microseconds()) / float64(max(n, 1)) }
