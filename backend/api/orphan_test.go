package api_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledRunLeavesNoProcess kills a run of this test binary while its
// redis-server and its shop are up.
func TestKilledRunLeavesNoProcess(t *testing.T) {
	dir, err := os.MkdirTemp("", "run") // short, for the shop's socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledBetweenAnyTwoSteps$/^redis$")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var helpers []string
	until(t, "a redis-server and a shop", func() bool {
		helpers = children(t, cmd.Process.Pid)
		return len(helpers) == 2
	})
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range helpers {
		until(t, "the end of process "+pid, func() bool {
			state, _ := stat(pid)
			return state == "" || state == "Z"
		})
	}
}

// until asks until ok: processes end on the real clock, and only the kernel knows when.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// children returns the ids of the processes that a process started.
func children(t *testing.T, pid int) (ids []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(all) == 0 {
		t.Fatalf("no processes in /proc: %v", err)
	}
	for _, dir := range all {
		id := filepath.Base(dir)
		if _, parent := stat(id); parent == fmt.Sprint(pid) {
			ids = append(ids, id)
		}
	}
	return ids
}

// stat returns the state of a process and the id of its parent, or nothing if
// there is no such process.
func stat(pid string) (state, parent string) {
	b, _ := os.ReadFile("/proc/" + pid + "/stat")
	_, after, _ := strings.Cut(string(b), ") ")
	if f := strings.Fields(after); len(f) > 1 {
		return f[0], f[1]
	}
	return "", ""
}
