package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this file and of live_*_test.go run the real binary on the real
// clock. They wait for conditions and assert no absolute times; -soak runs them at full size.
var soak = flag.Bool("soak", false, "run the heavy cases at full size")

// size is n with -soak, and small otherwise.
func size(full, small int) int {
	if *soak {
		return full
	}
	return small
}

// together lets a test run beside others: at full size each has the machine
// for itself.
func together(t *testing.T) {
	t.Helper()
	if !*soak {
		t.Parallel()
	}
}

// built builds dealgate once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dealgate-live-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dealgate")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// process is a running dealgate.
type process struct {
	cmd    *exec.Cmd
	gate   string // http://host:port
	admin  string
	mu     sync.Mutex
	output strings.Builder
	done   chan struct{}
	err    error // of Wait, once done is closed
}

// start runs the binary and returns at once; wait for ready() before asking it.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{})}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	// It ends with us, however we end: the kernel watches the thread that started it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.output.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("dealgate %s said:\n%s", strings.Join(args, " "), p.said())
		}
	})
	return p
}

// serveYAML writes yaml to a file, serves it on free ports and waits until it
// is ready. The ports replace {{gate}} and {{admin}}, dir {{dir}}.
func serveYAML(t *testing.T, dir, yaml string) *process {
	t.Helper()
	gate, admin := freeAddr(t), freeAddr(t)
	return serveYAMLOn(t, dir, yaml, gate, admin)
}

func serveYAMLOn(t *testing.T, dir, yaml, gate, admin string) *process {
	t.Helper()
	file := filepath.Join(dir, "dealgate.yaml")
	writeFile(t, file, strings.NewReplacer("{{gate}}", gate, "{{admin}}", admin, "{{dir}}", dir).Replace(yaml))
	p := start(t, "serve", "--config", file)
	p.gate, p.admin = "http://"+gate, "http://"+admin
	p.ready(t)
	return p
}

// ready waits until /readyz says so.
func (p *process) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the gate is ready", func() error {
		select {
		case <-p.done:
			t.Fatalf("the gate ended (%v):\n%s", p.err, p.said())
		default:
		}
		return expectStatus(p.admin+"/readyz", http.StatusOK)
	})
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// kill ends the process by kill -9 and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop ends the process by SIGTERM and returns its exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.exit(t)
}

// exit waits for the process to end by itself and returns its exit status.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("the process did not end:\n%s", p.said())
	}
	if exit := (*exec.ExitError)(nil); errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// patience is how long a condition may take on a slow machine. It is no promise.
const patience = 60 * time.Second

// eventually asks until try returns nil.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}

func expectStatus(url string, want int) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		return fmt.Errorf("%s answered %s: %s", url, resp.Status, body)
	}
	return nil
}

// freeAddr returns a loopback address nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
