//go:build !race

package proxy

import "testing"

// TestPollAllocates: next to nothing, whatever the request's other fields.
func TestPollAllocates(t *testing.T) {
	h, request := waitingGate(t)
	srv := h.Server()
	srv.MaxRequestsPerConn = 0
	const batch = 1000
	poll := func() { _ = srv.ServeConn(&loop{request: []byte(request), left: batch}) }
	poll()
	if n := testing.AllocsPerRun(3, poll) / batch; n > 2 {
		t.Errorf("%.2f allocations a poll, want at most 2", n)
	}
}
