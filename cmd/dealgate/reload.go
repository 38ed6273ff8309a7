package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dealgate/dealgate/configs"
)

// settle is how long a file must rest before it is read: editors write in
// several steps.
const settle = 200 * time.Millisecond

// hangups are the SIGHUPs from now on, which do not end the process any more.
func hangups() <-chan os.Signal {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup
}

// watch takes the file over again on each hup and whenever it changes, until
// ctx ends. A file that is invalid changes nothing; it is said in the log.
func (g *gate) watch(ctx context.Context, file string, hup <-chan os.Signal) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", file, err)
	}
	defer watcher.Close()
	// The folder, not the file: editors and Kubernetes replace the file.
	if err := watcher.Add(filepath.Dir(file)); err != nil {
		return fmt.Errorf("watching %s: %w", filepath.Dir(file), err)
	}

	last := stamp(file)
	rested := time.NewTimer(time.Hour)
	rested.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			last = stamp(file)
			g.reload(file)
		case <-watcher.Events:
			rested.Reset(settle)
		case err := <-watcher.Errors:
			g.log.Warn("watching the configuration", "file", file, "err", err)
		case <-rested.C:
			if now := stamp(file); now != last {
				last = now
				g.reload(file)
			}
		}
	}
}

// stamp tells a changed file from the same one: other files of its folder
// change too.
func stamp(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return "missing"
	}
	id := fmt.Sprint(info.ModTime().UnixNano(), info.Size())
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		id += fmt.Sprint(" ", sys.Ino)
	}
	return id
}

// reload takes over the file, or leaves everything as it is and says why.
func (g *gate) reload(file string) {
	cfg, err := load(file)
	if err == nil {
		err = g.apply(cfg)
	}
	g.metrics.reloaded(err)
	if err != nil {
		logFaults(g.log, "the configuration is invalid; what was in force stays in force", file, err)
		return
	}
	g.log.Info("configuration reloaded", "file", file)
}

// logFaults logs a line for each fault.
func logFaults(log *slog.Logger, msg, file string, err error) {
	if faults, ok := err.(configs.Faults); ok {
		for _, f := range faults {
			log.Error(msg, "file", file, "fault", f.String())
		}
		return
	}
	log.Error(msg, "file", file, "err", err)
}
