package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// SessionLife is how long a browser stays logged in.
const SessionLife = 12 * time.Hour

// NewSession logs an identity in with a browser and returns what its cookie
// holds.
func (s *Service) NewSession(ctx context.Context, i *Identity) (cookie string, err error) {
	cookie = randomText(tokenSecretSize)
	now := s.now()
	return cookie, s.store.CreateSession(ctx, Session{
		Hash: hashSecret(cookie), User: i.User.Name, Groups: i.Groups, Admin: i.Via == "oidc" && i.User.Admin, Created: now.UnixMilli(), Expires: now.Add(SessionLife).UnixMilli(),
	})
}

// BySession returns who is logged in with a cookie, or errs.Unauthenticated.
func (s *Service) BySession(ctx context.Context, cookie string) (*Identity, error) {
	ended := errs.New(errs.Unauthenticated, "The session has ended; log in again.")
	hash := hashSecret(cookie)
	session, err := s.store.Session(ctx, hash)
	if err != nil || s.now().UnixMilli() >= session.Expires {
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		return nil, ended
	}
	u, err := s.store.User(ctx, session.User)
	if err != nil {
		return nil, ended
	}
	u.Admin = u.Admin || session.Admin
	return &Identity{User: *u, Via: "session", Token: hash[:12], Groups: session.Groups, Scope: FullScope()}, nil
}

// EndSession logs a browser out.
func (s *Service) EndSession(ctx context.Context, cookie string) error {
	return s.store.DeleteSession(ctx, hashSecret(cookie))
}

// FormToken returns the text that forms and scripts of our own pages send back
// with what they change; other sites cannot know it. It follows from the cookie.
func FormToken(cookie string) string {
	m := hmac.New(sha256.New, []byte(cookie))
	m.Write([]byte("drivecast form"))
	return hex.EncodeToString(m.Sum(nil))
}

// CheckFormToken reports whether a text is the form token of a cookie.
func CheckFormToken(cookie, text string) bool {
	return subtle.ConstantTimeCompare([]byte(FormToken(cookie)), []byte(text)) == 1
}
