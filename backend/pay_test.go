package backend_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealgate/dealgate/backend"
)

func TestDeclinedCanBeTriedAgain(t *testing.T) {
	trade(t, func(s *stand) {
		s.payment.Fail = func(string, backend.Money) error { return backend.ErrDeclined }
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrDeclined) {
			s.Errorf("Pay = %v", err)
		}
		s.status(o, backend.Reserved)
		s.payment.Fail = nil
		if _, err := s.Pay(s.Context(), "ann", o.ID); err != nil {
			s.Error(err)
		}
		s.left(9, 0, 1)
	})
}

func TestUnknownPaymentIsNeitherYesNorNo(t *testing.T) {
	trade(t, func(s *stand) {
		s.payment.Fail = func(string, backend.Money) error { return errors.New("no answer") }
		o := s.buy("ann", "k")
		if _, err := s.Pay(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrAway) {
			s.Errorf("Pay = %v", err)
		}
		s.status(o, backend.Reserved)
	})
}

// TestPaidTooLate has the provider answer after the hold has ended, and then
// not give the money back at once.
func TestPaidTooLate(t *testing.T) {
	trade(t, func(s *stand) {
		var refusing atomic.Bool
		refusing.Store(true)
		s.payment.Fail = func(_ string, amount backend.Money) error {
			if amount.Minor > 0 {
				time.Sleep(2 * time.Second)
			} else if refusing.Load() {
				return errors.New("no answer")
			}
			return nil
		}
		o := s.buy("ann", "k")
		time.Sleep(time.Until(o.PayBefore.Add(-time.Second)))
		if _, err := s.Pay(s.Context(), "ann", o.ID); err == nil {
			s.Error("paid without a unit")
		}
		s.status(o, backend.Expired)
		if s.payment.Paid(o.ID) != o.Total() {
			s.Error("the case is not met: the provider has no money")
		}
		time.Sleep(time.Minute)
		refusing.Store(false)
		time.Sleep(time.Second)
		if got := s.payment.Paid(o.ID); got.Minor != 0 {
			s.Errorf("%v kept for an order that expired", got)
		}
		s.left(10, 0, 0)
	})
}

func TestCancelWhilePaying(t *testing.T) {
	trade(t, func(s *stand) {
		s.payment.Fail = func(string, backend.Money) error {
			time.Sleep(time.Second)
			return nil
		}
		o := s.buy("ann", "k")
		go s.Pay(s.Context(), "ann", o.ID)
		synctest.Wait()
		if _, err := s.Cancel(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrBusy) {
			s.Errorf("Cancel = %v", err)
		}
		if _, err := s.Pay(s.Context(), "ann", o.ID); !errors.Is(err, backend.ErrBusy) {
			s.Errorf("Pay = %v", err)
		}
		time.Sleep(2 * time.Second)
		s.status(o, backend.Paid)
	})
}

// TestCutOff leaves what a crash leaves between any two steps, and looks at
// what becomes of it.
func TestCutOff(t *testing.T) {
	f := func(name string, leave func(s *stand, o backend.Order), want backend.Status, available, sold int64) {
		t.Run(name, func(t *testing.T) {
			trade(t, func(s *stand) {
				o := s.buy("ann", "k")
				leave(s, o)
				time.Sleep(time.Until(o.PayBefore.Add(time.Second)))
				s.status(o, want)
				s.left(available, 0, sold)
				paid := s.payment.Paid(o.ID).Minor > 0
				if paid != (want == backend.Paid) {
					s.Errorf("%s, and paid: %v", want, paid)
				}
			})
		})
	}
	charged := func(s *stand, o backend.Order) {
		if _, err := s.store.UpdateOrder(s.Context(), o.ID, backend.Change{Charged: new(true)}); err != nil {
			s.Fatal(err)
		}
	}
	settled := func(s *stand, o backend.Order) {
		charged(s, o)
		s.payment.Settle(s.Context(), o.ID, o.Total())
	}
	f("before the payment", charged, backend.Expired, 10, 0)
	f("after the payment", settled, backend.Expired, 10, 0)
	f("after the confirmation", func(s *stand, o backend.Order) {
		settled(s, o)
		if err := s.ledger.Confirm(s.Context(), o.Deal, o.ID); err != nil {
			s.Fatal(err)
		}
	}, backend.Paid, 9, 1)
	f("after the release", func(s *stand, o backend.Order) {
		if _, err := s.ledger.Release(s.Context(), o.Deal, o.ID); err != nil {
			s.Fatal(err)
		}
	}, backend.Expired, 10, 0)
}

// TestCutOffBeforeTheOrder leaves a hold without an order.
func TestCutOffBeforeTheOrder(t *testing.T) {
	trade(t, func(s *stand) {
		p := backend.Purchase{Buyer: "ann", Key: "k", Deal: "mat", Units: 1}
		leave := func() backend.Hold {
			h, err := s.ledger.Reserve(s.Context(), backend.Reserve{
				Deal: "mat", Order: backend.NewID(), Buyer: p.Buyer, Key: p.Key, Print: "1 mat", Units: 1, Hold: time.Minute,
			})
			if err != nil {
				s.Fatal(err)
			}
			return h
		}
		h := leave()
		if o := s.buy("ann", "k"); o.ID != h.Order || !o.PayBefore.Equal(h.Expires) {
			s.Errorf("the purchase repeated made %+v, its hold is %+v", o, h)
		}
		s.left(9, 1, 0)
		p.Key = "k2"
		leave()
		time.Sleep(2 * time.Minute)
		s.left(10, 0, 0)
		s.refused(p, backend.ErrLapsed)
		s.buy("ann", "k3")
	})
}
