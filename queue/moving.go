package queue

import (
	"math"
	"time"
)

// Pace is a moving rate per second over about the last span given to it. The
// zero Pace is 0 until time has passed. It is plain data.
type Pace struct {
	Sum, Weight float64 // events and seconds, both fading
	At          time.Time
}

// Add counts n events since the last Add, with now the time. The first Add only starts
// the clock. An n that is a share makes a rate of the share.
func (p *Pace) Add(now time.Time, n float64, span time.Duration) {
	if p.At.IsZero() || now.Before(p.At) {
		p.At = now
		return
	}
	dt := now.Sub(p.At).Seconds()
	fade := math.Exp(-dt / span.Seconds())
	p.Sum = p.Sum*fade + n
	p.Weight = p.Weight*fade + dt
	p.At = now
}

// PerSecond returns the rate.
func (p *Pace) PerSecond() float64 {
	if p.Weight <= 0 {
		return 0
	}
	return p.Sum / p.Weight
}

// MeanOf is a moving mean over about the last hundred values. The zero MeanOf has none.
type MeanOf struct{ Sum, Weight float64 }

const meanFade = 0.99

// Add counts a value.
func (m *MeanOf) Add(d time.Duration) {
	m.Sum = m.Sum*meanFade + d.Seconds()
	m.Weight = m.Weight*meanFade + 1
}

// Value returns the mean, 0 until there is a value.
func (m *MeanOf) Value() time.Duration {
	if m.Weight == 0 {
		return 0
	}
	return time.Duration(m.Sum / m.Weight * float64(time.Second))
}
