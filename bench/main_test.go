package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be the peers of the benchmarks.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "peer" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Every benchmark runs against the real gate and prints its table.
func TestEveryBenchmarkRuns(t *testing.T) {
	t.Chdir("..") // where `go run ./bench` is typed
	out := &strings.Builder{}
	err := run(t.Context(), []string{"-rounds", "2", "-each", "100ms", "-conns", "8", "-surge", "1000", "-waiting", "500",
		"-lead", "1s", "-watch", "2s"}, out)
	t.Log(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"poll, while", "join, each", "forward of", "page, while", "surge: 1000", "idle: 500",
		"| bare fasthttp ", "| bare fasthttp proxy ", "| Go's ReverseProxy ", "| dealgate ", "| 1000 | 0 | 0 |", "cores", "commit"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestKnowsItsBenchmarks(t *testing.T) {
	for _, args := range [][]string{{"-gate", "/bin/true", "pol"}, {"-rounds", "x"}, {"peer"}, {"peer", "none", "-listen", "127.0.0.1:0"}} {
		if err := run(t.Context(), args, &strings.Builder{}); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

func TestReadsTheKernelsAccount(t *testing.T) {
	got, err := cpuOf([]byte("1234 (a (strange) name) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 7 8 20 0 9 0 100 1 1\n"))
	if err != nil || got != 2*time.Second {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := cpuOf([]byte("1 (x) S 1")); err == nil {
		t.Error("a short line was taken")
	}
	if median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("median")
	}
}
