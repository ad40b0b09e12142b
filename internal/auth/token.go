package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// TokenPrefix begins every token, so that scanners of leaked secrets find them:
// dct_ID_SECRET.
const TokenPrefix = "dct_"

// MaxTokenLife is how long a token may be valid.
const MaxTokenLife = 366 * 24 * time.Hour

const (
	tokenIDSize     = 10 // bytes of randomness
	tokenSecretSize = 32
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base32Lower.EncodeToString(b)
}

// hashSecret hashes what is random already: one round is enough.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewToken makes a token of a user and returns its text, which is shown once and
// not kept. life is bounded by MaxTokenLife; the scope may not reach further than
// that of the identity in ctx, when there is one.
func (s *Service) NewToken(ctx context.Context, user, name string, scope Scope, life time.Duration) (text string, t Token, err error) {
	if life <= 0 || life > MaxTokenLife {
		return "", t, errs.New(errs.Invalid, "a token may be valid for up to %d days, not %s", int(MaxTokenLife.Hours()/24), life)
	}
	if name == "" || len(name) > 200 {
		return "", t, errs.New(errs.Invalid, "a token needs a name that says what it is for, of at most 200 bytes")
	}
	if i := From(ctx); i != nil && !i.Scope.includes(scope) {
		return "", t, errs.New(errs.Denied, "a token cannot allow more than the credential that makes it: %s is beyond %s", scope, i.Scope)
	}
	if _, err := s.store.User(ctx, user); err != nil {
		return "", t, err
	}
	secret := randomText(tokenSecretSize)
	now := s.now()
	t = Token{ID: randomText(tokenIDSize), User: user, Name: name, Hash: hashSecret(secret), Scope: scope, Created: now.UnixMilli(), Expires: now.Add(life).UnixMilli()}
	if err := s.store.CreateToken(ctx, t); err != nil {
		return "", t, err
	}
	return TokenPrefix + t.ID + "_" + secret, t, nil
}

// includes reports whether everything o allows is allowed by s.
func (s Scope) includes(o Scope) bool {
	if o.Level > s.Level || o.Admin && !s.Admin {
		return false
	}
	if len(s.Things) == 0 {
		return true
	}
	for _, t := range o.Things {
		if !s.covers(t) {
			return false
		}
	}
	return len(o.Things) > 0
}

// ByToken returns who showed a token, or errs.Unauthenticated. A secret of 256
// bits cannot be guessed, so failures are not counted.
func (s *Service) ByToken(ctx context.Context, text string) (*Identity, error) {
	bad := errs.New(errs.Unauthenticated, "The token is unknown, revoked or expired.")
	rest, ok := strings.CutPrefix(text, TokenPrefix)
	id, secret, found := strings.Cut(rest, "_")
	if !ok || !found {
		return nil, bad
	}
	t, err := s.store.Token(ctx, id)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	now := s.now().UnixMilli()
	if err != nil || subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashSecret(secret))) != 1 {
		return nil, bad
	}
	if now >= t.Expires {
		return nil, bad
	}
	u, err := s.store.User(ctx, t.User)
	if err != nil {
		return nil, bad
	}
	if now-t.Used > time.Minute.Milliseconds() {
		if err := s.store.TouchToken(ctx, t.ID, now); err != nil {
			return nil, err
		}
	}
	return &Identity{User: *u, Via: "token", Token: t.ID, Scope: t.Scope}, nil
}
