package ledgertest

import (
	"bytes"
	"net"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Redis starts a redis-server of its own on a free port, with its files in a
// folder of the test, and returns its address. It ends with the test, also if
// that is killed. Options are further ones of its command line.
func Redis(t testing.TB, options ...string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not installed: it is in the Debian package redis-server")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()
	var log bytes.Buffer
	args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "no"}
	cmd := exec.Command(path, append(args, options...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	ended, err := startWithUs(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); !answers(addr); {
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer on %s:\n%s", addr, log.String())
		}
	}
	return addr
}

// startWithUs starts a command that ends with this process however that ends.
// The kernel kills it when the thread that started it ends, so that thread
// waits for it and does nothing else.
func startWithUs(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	return done, <-started
}

// answers reports whether a Redis answers PING at addr.
func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	c.Write([]byte("PING\r\n"))
	b := make([]byte, 5)
	n, _ := c.Read(b)
	return string(b[:n]) == "+PONG"
}
