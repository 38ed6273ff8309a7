package ledgertest

import (
	"fmt"
	"time"

	"github.com/dealgate/dealgate/backend"
)

func oneKey(s *sale) {
	s.put(backend.Terms{Total: 5000})
	key := s.ask("a")
	answers := make([]backend.Hold, 1000)
	atOnce(len(answers), func(i int) {
		r := key
		r.Order = fmt.Sprint(r.Order, "-", i)
		h, err := s.Reserve(s.Context(), r)
		if err != nil {
			s.Error(err)
		}
		answers[i] = h
	})
	first := 0
	for _, h := range answers {
		if !h.Replayed {
			first++
		}
		h.Replayed = answers[0].Replayed
		if h != answers[0] {
			s.Fatalf("answered %+v and %+v", h, answers[0])
		}
	}
	if first != 1 {
		s.Errorf("%d were told they were first", first)
	}
	s.left(4999, 1, 0)
	other := key
	other.Buyer = "b" // another buyer's key is another key
	if h := s.hold(other); h.Replayed {
		s.Error("a key is the buyer's own")
	}
}

func otherPrint(s *sale) {
	s.put(backend.Terms{Total: 10})
	r := s.ask("a")
	s.hold(r)
	r.Print, r.Units = "two", 2
	s.refused(r, backend.ErrKeyReused)
	s.left(9, 1, 0)
}

func keyOfGone(s *sale) {
	s.put(backend.Terms{Total: 10})
	r := s.ask("a")
	first := s.hold(r)
	s.release(first.Order, false)
	again := s.hold(r)
	if !again.Replayed || !again.Gone || again.Order != first.Order || !again.Expires.Equal(first.Expires) {
		s.Errorf("the key of a released hold is answered %+v, it was %+v", again, first)
	}
	s.left(10, 0, 0)

	r = s.ask("b")
	first = s.hold(r)
	s.confirm(first.Order, nil)
	if again := s.hold(r); !again.Replayed || again.Gone || again.Order != first.Order {
		s.Errorf("the key of a sold hold is answered %+v, it was %+v", again, first)
	}
	s.put(backend.Terms{Total: 1, ClosesAt: time.Now().Add(-time.Hour)})
	if again := s.hold(r); !again.Replayed {
		s.Error("the key is answered whatever became of the deal")
	}
}

func refusalForgotten(s *sale) {
	s.put(backend.Terms{Total: 0})
	r := s.ask("a")
	s.refused(r, backend.ErrSoldOut)
	s.put(backend.Terms{Total: 1})
	if h := s.hold(r); h.Replayed {
		s.Error("a refusal was remembered as a hold")
	}
}
