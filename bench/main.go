// Bench measures the gate beside what it is compared with, in one run on one
// machine, because a figure from another day or machine says little.
//
//	go run ./bench [flags] [poll join forward page surge idle]
//
// Each server is a process of its own, so that its CPU time is the kernel's
// account of that process and the load generator's is left out. Rounds alternate
// between the servers and the medians count.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	gate    string        // the binary under test
	rounds  int           // of each comparison
	each    time.Duration // one round of one server
	conns   int           // of the comparisons
	surge   int           // visitors of the surge
	waiting int           // visitors of idle
	lead    time.Duration // in whose first third these come, before idle looks at them
	watch   time.Duration // for which it does
	folder  string        // for the servers' files
}

// benchmarks by name, in the order in which they are run.
var benchmarks = []struct {
	name string
	run  func(context.Context, *settings, io.Writer) error
}{
	{"poll", benchPoll}, {"join", benchJoin}, {"forward", benchForward}, {"page", benchPage}, {"surge", benchSurge}, {"idle", benchIdle},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run takes a peer's arguments, or flags and the names of benchmarks.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "peer" {
		return peer(ctx, args[1:])
	}
	s := &settings{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&s.gate, "gate", "", "the dealgate `binary`; built from ./cmd/dealgate if not given")
	f.IntVar(&s.rounds, "rounds", 7, "rounds of each comparison")
	f.DurationVar(&s.each, "each", 2*time.Second, "length of a round of one server")
	f.IntVar(&s.conns, "conns", 64, "connections of the comparisons")
	f.IntVar(&s.surge, "surge", 80_000, "visitors of the surge, who come within a second")
	f.IntVar(&s.waiting, "waiting", 100_000, "visitors who wait in idle")
	profile := f.String("profile", "", "`file` for a CPU profile of the generator")
	f.DurationVar(&s.lead, "lead", time.Minute, "before idle looks at them; they come in its first third")
	f.DurationVar(&s.watch, "watch", time.Minute, "for which idle looks at them")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if s.folder, err = os.MkdirTemp("", "dealgate-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.folder)
	if s.gate == "" {
		s.gate = filepath.Join(s.folder, "dealgate")
		build := exec.CommandContext(ctx, "go", "build", "-o", s.gate, "./cmd/dealgate")
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./cmd/dealgate: %w\n%s", err, said)
		}
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	debug.SetGCPercent(400) // the generator's memory is no concern, its CPU is
	fmt.Fprintf(out, "%s\n\n    go run ./bench %s\n", machine(), strings.Join(args, " "))
	return runNamed(ctx, s, f.Args(), out)
}

// runNamed runs the benchmarks of these names, all if there are none.
func runNamed(ctx context.Context, s *settings, names []string, out io.Writer) error {
	known := make(map[string]bool)
	for _, b := range benchmarks {
		known[b.name] = true
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		if !known[name] {
			return fmt.Errorf("no benchmark %q", name)
		}
		wanted[name] = true
	}
	for _, b := range benchmarks {
		if len(names) > 0 && !wanted[b.name] {
			continue
		}
		if err := b.run(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// machine says in a line where and of what the figures are.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.Trim(line, "\t :")
		}
	}
	commit := "unknown commit"
	if out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=10").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s, commit %s, %s",
		model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), commit, time.Now().Format("2006-01-02"))
}
