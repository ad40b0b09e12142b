package gate

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limit lets each client address send so many requests a second, and burst of
// them at once; more are answered 429. rate 0 or less limits nothing.
func Limit(next http.Handler, rate float64, burst int, proxies []netip.Prefix, now func() time.Time) http.Handler {
	if rate <= 0 {
		return next
	}
	b := &buckets{rate: rate, burst: float64(max(burst, 1)), now: now, by: map[string]*bucket{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !b.take(ClientAddr(r, proxies)) {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusTooManyRequests, "REQUEST_LIMIT_EXCEEDED", "Too many requests; slow down.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// buckets fill up with the time and are emptied by requests.
type buckets struct {
	rate, burst float64
	now         func() time.Time
	mu          sync.Mutex
	by          map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

const maxBuckets = 50_000

func (b *buckets) take(from string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	v := b.by[from]
	if v == nil {
		if len(b.by) >= maxBuckets { // full ones say nothing
			for k, old := range b.by {
				if old.left+b.rate*now.Sub(old.at).Seconds() >= b.burst || len(b.by) >= 2*maxBuckets {
					delete(b.by, k)
				}
			}
		}
		v = &bucket{left: b.burst, at: now}
		b.by[from] = v
	}
	v.left = min(b.burst, v.left+b.rate*now.Sub(v.at).Seconds())
	v.at = now
	if v.left < 1 {
		return false
	}
	v.left--
	return true
}
