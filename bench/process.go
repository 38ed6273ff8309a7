package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a server under load.
type process struct {
	name    string
	address string
	cmd     *exec.Cmd
	log     string // the file of what it prints
	ended   chan error
}

// ticks is the kernel's unit of CPU time in /proc, the same on every Linux.
const ticks = 100

// start runs a server that listens on the address and waits until it does.
func (s *settings) start(ctx context.Context, name, address, path string, args ...string) (*process, error) {
	p := &process{name: name, address: address, cmd: exec.Command(path, args...), ended: make(chan error, 1)}
	log, err := os.CreateTemp(s.folder, "log-")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.log = log.Name()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	for end := time.Now().Add(10 * time.Second); ; {
		if conn, err := net.Dial("tcp", address); err == nil {
			return p, conn.Close()
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			said, _ := os.ReadFile(p.log)
			return nil, fmt.Errorf("%s ended: %v\n%s", name, err, said)
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			p.stop()
			return nil, fmt.Errorf("%s does not listen on %s", name, address)
		}
	}
}

// stop ends the process, by force after ten seconds.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// startGate runs the gate in front of the origin.
func (s *settings) startGate(ctx context.Context, origin string, flags ...string) (*process, error) {
	at, err := free(2)
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(s.folder, "data-")
	if err != nil {
		return nil, err
	}
	args := append([]string{"proxy", "--to", "http://" + origin, "--path", "/deals/*", "--listen", at[0], "--admin", at[1], "--data", data}, flags...)
	return s.start(ctx, "dealgate", at[0], s.gate, args...)
}

// startPeer runs another server of this binary.
func (s *settings) startPeer(ctx context.Context, name string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at, err := free(1)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, name, at[0], self, append([]string{"peer", name, "-listen", at[0]}, args...)...)
}

// free returns loopback addresses that nobody listens on, each another.
func free(n int) (addresses []string, err error) {
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		addresses = append(addresses, ln.Addr().String())
	}
	return addresses, nil
}

// cpu returns the CPU time the process has used, to 10 ms.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, err
	}
	return cpuOf(stat)
}

// cpuOf reads utime and stime, the 14th and 15th field; the second may hold spaces.
func cpuOf(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat is too short")
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * (time.Second / ticks), err
}

// memory returns the resident memory of the process now and at its highest, in bytes.
func (p *process) memory() (now, highest int64, err error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			now = kb << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			highest = kb << 10
		}
	}
	return now, highest, nil
}
