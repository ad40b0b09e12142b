package route

import (
	"fmt"
	"sync"
	"time"
)

// slots is how many parts the window of a route's health has: it moves on by a
// part at a time.
const slots = 10

// slowShare is the share of answers over the limit of latency that is too much: a
// limit of the 95th percentile.
const slowShare = .05

// health is how a challenger does, and whether it is rolled back. A challenger
// that is rolled back goes on in the shadow, and comes back when it has been away
// long enough and, over a whole window, was at most half as bad as the limits: so it
// does not flap at a limit.
type health struct {
	mu      sync.Mutex
	limits  Rollback
	ring    [slots]struct{ n, errors, slow int }
	at      int64 // number of the newest slot
	away    bool
	since   time.Time
	why     string
	changes int
}

// observe counts one answer at now and reports whether the state changed.
func (h *health) observe(now time.Time, took time.Duration, failed bool) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.advance(now)
	s := &h.ring[h.at%slots]
	s.n++
	if failed {
		s.errors++
	}
	if h.limits.Latency > 0 && took > h.limits.Latency {
		s.slow++
	}
	n, bad, slow := h.sums()
	if n < h.limits.Least {
		return false
	}
	errorRate, slowRate := float64(bad)/float64(n), float64(slow)/float64(n)
	switch {
	case !h.away && errorRate > h.limits.ErrorRate:
		h.turn(now, true, fmt.Sprintf("%d of %d requests failed in %v; the limit is %.3g %%", bad, n, h.limits.Window, 100*h.limits.ErrorRate))
	case !h.away && slowRate > slowShare:
		h.turn(now, true, fmt.Sprintf("%d of %d answers took more than %v in %v; the limit is 5 %%", slow, n, h.limits.Latency, h.limits.Window))
	case h.away && h.limits.Hold > 0 && now.Sub(h.since) >= max(h.limits.Hold, h.limits.Window) && errorRate <= h.limits.ErrorRate/2 && slowRate <= slowShare/2:
		h.turn(now, false, "")
	default:
		return false
	}
	return true
}

// turn changes the state; what was counted before does not count after it.
func (h *health) turn(now time.Time, away bool, why string) {
	h.away, h.since, h.why = away, now, why
	h.ring = [slots]struct{ n, errors, slow int }{}
	if away {
		h.changes++
	}
}

// advance empties the slots between the newest one and now. A clock that goes back
// counts into the newest.
func (h *health) advance(now time.Time) {
	to := now.UnixNano() / max(1, int64(h.limits.Window)/slots)
	for i := max(h.at+1, to-slots+1); i <= to; i++ {
		h.ring[i%slots] = struct{ n, errors, slow int }{}
	}
	h.at = max(h.at, to)
}

func (h *health) sums() (n, errors, slow int) {
	for _, s := range h.ring {
		n, errors, slow = n+s.n, errors+s.errors, slow+s.slow
	}
	return n, errors, slow
}

// state returns whether the challenger is rolled back, why, since when, and how
// often it has been.
func (h *health) state() (away bool, why string, since time.Time, times int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.away, h.why, h.since, h.changes
}
