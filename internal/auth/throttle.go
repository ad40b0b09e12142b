package auth

import (
	"sync"
	"time"
)

// throttle slows guessing down. After a few free failures each further one makes
// its source wait twice as long as the one before. Failures count for the account
// at that address, for the address, and, with a higher allowance, for the account
// wherever the guesses come from.
type throttle struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]*failures
}

type failures struct {
	n    int
	last time.Time
}

// allowance is what a source may fail before it must wait.
var allowance = [3]int{5, 20, 50}

const (
	firstWait   = time.Second
	longestWait = 15 * time.Minute
	forgetAfter = time.Hour
	maxSources  = 50_000
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, by: map[string]*failures{}}
}

func sources(name, from string) [3]string {
	return [3]string{"both\x00" + name + "\x00" + from, "from\x00" + from, "name\x00" + name}
}

// wait returns how long to wait before the next try is looked at.
func (t *throttle) wait(name, from string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, longest := t.now(), time.Duration(0)
	for i, key := range sources(name, from) {
		f := t.by[key]
		if f == nil || f.n < allowance[i] {
			continue
		}
		pause := longestWait
		if over := f.n - allowance[i]; over < 10 {
			pause = min(firstWait<<over, longestWait)
		}
		longest = max(longest, f.last.Add(pause).Sub(now))
	}
	return longest
}

func (t *throttle) fail(name, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.by) >= maxSources {
		for k, f := range t.by {
			if now.Sub(f.last) > forgetAfter || len(t.by) >= 2*maxSources {
				delete(t.by, k)
			}
		}
	}
	for _, key := range sources(name, from) {
		f := t.by[key]
		if f == nil || now.Sub(f.last) > forgetAfter {
			f = &failures{}
			t.by[key] = f
		}
		f.n, f.last = f.n+1, now
	}
}

// clear forgets the failures of an account at an address, and what they added
// to the address's.
func (t *throttle) clear(name, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := sources(name, from)
	mine := t.by[keys[0]]
	if mine == nil {
		return
	}
	for _, key := range keys[1:] {
		if f := t.by[key]; f != nil {
			f.n = max(0, f.n-mine.n)
		}
	}
	delete(t.by, keys[0])
}
