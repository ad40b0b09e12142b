package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// verifier checks passwords. A hash costs tens of milliseconds, which a client
// that sends its password with every request must not pay each time, so what was
// right is remembered for a while. That weakens nothing: only right passwords are
// remembered, as a MAC under a key that exists in this process alone; each entry
// holds for one stored hash, so that a changed password is forgotten at once; and
// a wrong guess always costs a full hash and counts against the limits.
type verifier struct {
	key    [32]byte
	dummy  string        // hash that is tried for users who do not exist
	slots  chan struct{} // how many hashes are made at a time
	now    func() time.Time
	limits *throttle

	mu    sync.Mutex
	right map[[32]byte]time.Time // MAC to when it is forgotten
}

const (
	rememberFor = 10 * time.Minute
	maxRight    = 10_000
	hashSlots   = 2
)

func newVerifier(now func() time.Time) *verifier {
	v := &verifier{now: now, slots: make(chan struct{}, hashSlots), right: map[[32]byte]time.Time{}, limits: newThrottle(now)}
	rand.Read(v.key[:])
	return v
}

// mac names a password of a user with a stored hash.
func (v *verifier) mac(name, hash, password string) (out [32]byte) {
	m := hmac.New(sha256.New, v.key[:])
	for _, s := range []string{name, hash, password} {
		var n [8]byte
		for i := range n {
			n[i] = byte(len(s) >> (8 * i))
		}
		m.Write(n[:])
		m.Write([]byte(s))
	}
	m.Sum(out[:0])
	return out
}

// check reports whether the password is the user's. u may be nil: the answer
// takes as long. It returns errs.Exhausted after too many failures of that
// address or account.
func (v *verifier) check(ctx context.Context, u *User, name, password, from string) (bool, error) {
	hash := ""
	if u != nil {
		hash = u.Hash
	}
	mac := v.mac(name, hash, password)
	if hash != "" && v.remembered(mac) {
		return true, nil
	}
	if wait := v.limits.wait(name, from); wait > 0 {
		return false, errs.New(errs.Exhausted, "Too many failed logins; try again in %s.", wait.Round(time.Second))
	}
	select {
	case v.slots <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	ok := matches(v.hashOf(hash), password) && hash != ""
	<-v.slots
	if !ok {
		v.limits.fail(name, from)
		return false, nil
	}
	v.limits.clear(name, from)
	v.remember(mac)
	return true, nil
}

// hashOf returns the hash, or one that nobody's password has.
func (v *verifier) hashOf(hash string) string {
	if hash != "" {
		return hash
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dummy == "" {
		var b [16]byte
		rand.Read(b[:])
		v.dummy = HashPassword(string(b[:]))
	}
	return v.dummy
}

func (v *verifier) remembered(mac [32]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	until, ok := v.right[mac]
	if ok && v.now().Before(until) {
		return true
	}
	delete(v.right, mac)
	return false
}

func (v *verifier) remember(mac [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	if len(v.right) >= maxRight {
		for k, until := range v.right {
			if !now.Before(until) {
				delete(v.right, k)
			}
		}
	}
	if len(v.right) < maxRight {
		v.right[mac] = now.Add(rememberFor)
	}
}
