package main

import (
	"context"
	"fmt"
	"io"
	"strings"
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

// benchIdle: many wait and ask as told, which should cost no more than
// answering. The gate and the bare handler have a crowd each at the same time,
// so that neither has the machine's better minute.
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
	ours, err := s.gather(ctx, gate)
	if err != nil {
		return err
	}
	defer ours.leave()
	if !sleep(ctx, s.lead/3) {
		return ctx.Err()
	}
	peer, err := s.startTwin(ctx, gate)
	if err != nil {
		return err
	}
	defer peer.stop()
	theirs, err := s.gather(ctx, peer)
	if err != nil {
		return err
	}
	defer theirs.leave()
	if !sleep(ctx, s.lead) { // until all have come and polled once
		return ctx.Err()
	}
	both := []*idle{theirs, ours}
	if err := watch(ctx, both, s.watch); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nidle: %d visitors of each wait and ask as told for %v, ≤ 1,024 connections\n\n", s.waiting, s.watch)
	fmt.Fprintf(out, "| server | polls/s | CPU µs/poll | of the first | CPU of one core | memory | p50 | p99 | errors |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, one := range both {
		r, err := one.leave()
		if err != nil {
			return err
		}
		t := r.Times[crowd.Poll]
		each := micros(one.cpu, one.polls)
		fmt.Fprintf(out, "| %s | %.0f | %.1f | %.2f | %.1f %% | %d MB | %d µs | %d µs | %d |\n", one.process.name, float64(one.polls)/s.watch.Seconds(),
			each, each/micros(theirs.cpu, theirs.polls), 100*one.cpu.Seconds()/s.watch.Seconds(), one.memory>>20,
			t.ValueAtQuantile(50), t.ValueAtQuantile(99), r.Counts.Errors)
	}
	return nil
}

// startTwin runs a bare handler that answers as the gate does now: to POST with one
// answer, to GET with any of a hundred, whose poll_after_ms differ.
func (s *settings) startTwin(ctx context.Context, gate *process) (*process, error) {
	post, err := once(gate.address, requestOf("POST", ticketsPath, json, ""))
	if err != nil {
		return nil, err
	}
	cookie, _, _ := strings.Cut(string(post.SetCookie[0]), ";")
	files := []string{""}
	if files[0], err = s.record(post); err != nil {
		return nil, err
	}
	for range 100 {
		get, err := once(gate.address, requestOf("GET", ticketPath, json, cookie))
		if err != nil {
			return nil, err
		}
		file, err := s.record(get)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return s.startPeer(ctx, "bare", "-post", files[0], "-get", strings.Join(files[1:], ","))
}

// idle is a crowd that waits, and what it costs its server.
type idle struct {
	process *process
	crowd   *crowd.Crowd
	leave   func() (*crowd.Report, error) // ends the crowd

	polls  int64
	cpu    time.Duration // with all that goes on beside
	memory int64         // highest, in bytes
}

// gather lets visitors come.
func (s *settings) gather(ctx context.Context, p *process) (*idle, error) {
	c, err := crowd.New(crowd.Config{URL: "http://" + p.address + dealPath, Room: room, Visitors: s.waiting, Over: s.lead / 3})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	var report *crowd.Report
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		report, err = c.Run(ctx)
	}()
	leave := func() (*crowd.Report, error) {
		stop()
		<-ended
		return report, err
	}
	return &idle{process: p, crowd: c, leave: leave}, nil
}

// watch notes what the crowds ask, and what it costs, for a while.
func watch(ctx context.Context, all []*idle, d time.Duration) error {
	account := func(sign int64) error {
		for _, one := range all {
			cpu, err := one.process.cpu()
			if err != nil {
				return err
			}
			one.cpu += time.Duration(sign) * cpu
			one.polls += sign * one.crowd.Counts().Requests
		}
		return nil
	}
	if err := account(-1); err != nil {
		return err
	}
	sleep(ctx, d)
	if err := account(1); err != nil {
		return err
	}
	for _, one := range all {
		var err error
		if _, one.memory, err = one.process.memory(); err != nil {
			return err
		}
	}
	return ctx.Err()
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
