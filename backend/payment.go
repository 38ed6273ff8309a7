package backend

import (
	"context"
	"fmt"
	"sync"
)

// Payment moves money between a buyer and the shop.
type Payment interface {
	// Settle makes amount what the buyer has paid for the order: its total
	// takes the payment, nothing gives it back. Repeating it changes nothing.
	// It returns ErrDeclined when the buyer's side refuses; after any other
	// error the money may have moved or not, and Settle is to be repeated.
	Settle(ctx context.Context, order string, amount Money) error
}

// StandIn is a Payment that moves no money: it stands in for a provider in
// demonstrations and tests. The zero value is ready.
type StandIn struct {
	// Fail, if set, is asked before each Settle; its error is the answer.
	Fail func(order string, amount Money) error

	mu   sync.Mutex // guards paid
	paid map[string]Money
}

var _ Payment = (*StandIn)(nil)

// Settle implements [Payment].
func (s *StandIn) Settle(_ context.Context, order string, amount Money) error {
	if s.Fail != nil {
		if err := s.Fail(order, amount); err != nil {
			return fmt.Errorf("payment of %s: %w", order, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paid == nil {
		s.paid = make(map[string]Money)
	}
	s.paid[order] = amount
	return nil
}

// Paid returns what the buyer has paid for the order.
func (s *StandIn) Paid(order string) Money {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paid[order]
}
