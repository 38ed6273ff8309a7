package proxy

import (
	"fmt"

	"github.com/dealgate/dealgate/queue"
)

// room is a Room made ready.
type room struct {
	Room
	name  string
	rules []rule
	queue *queue.Room
}

// rule is a Match made ready.
type rule struct {
}

func compileRoom(c Room) (*room, error) {
	if c.Queue == nil {
		return nil, fmt.Errorf("no queue")
	}
	r := &room{Room: c, name: c.Queue.Name(), queue: c.Queue}
	if !roomName.MatchString(r.name) {
		return nil, fmt.Errorf("name %q is not %s", r.name, roomName)
	}
	var err error
	r.rules, err = compileRules(c.Match)
	return r, err
}

func compileRules(ms []Match) ([]rule, error) {
	return make([]rule, len(ms)), nil
}
