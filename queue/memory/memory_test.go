package memory

import (
	"testing"

	"github.com/dealgate/dealgate/queue"
)

func TestSmoke(t *testing.T) {
	e, err := New(Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := queue.Policy{Rate: 5, Burst: 5, Capacity: 20, SessionTTL: 6e11, ReturnWithin: 6e11, Lanes: []queue.Lane{{Name: "public", Weight: 1}}}
	r, err := e.Step(t.Context(), &queue.Step{Room: "a", Policy: p, Joins: []queue.Join{{Lane: "public", N: 9}}})
	t.Logf("%+v %v", r, err)
	v, err := e.Sync(t.Context(), &queue.Sync{Room: "a", Policy: p})
	t.Logf("%+v %v", v, err)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
