package auth

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// Service applies the rules and keeps its records in a Store. It is safe for
// concurrent use.
type Service struct {
	store   Store
	now     func() time.Time
	unless  Level // what everyone may do with what they were granted nothing on
	verify  *verifier
	mu      sync.Mutex
	seen    int64 // revision that held belongs to
	held    map[string]grants
	expired time.Time
}

// DefaultLevel is what everyone may do with a thing they were granted nothing
// on, unless the operator says otherwise.
const DefaultLevel = Read

// New returns a service on store. unless is the level on things that a user was
// granted nothing on.
func New(store Store, unless Level, now func() time.Time) *Service {
	return &Service{store: store, now: now, unless: unless, verify: newVerifier(now), held: map[string]grants{}}
}

// MaxName is how many characters a name of a user or group may have.
const MaxName = 255

func checkName(what, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errs.New(errs.Invalid, "%s cannot be empty.", what)
	case utf8.RuneCountInString(name) > MaxName:
		return errs.New(errs.Invalid, "%s '%s' is longer than %d characters.", what, clip(name), MaxName)
	case name != strings.TrimSpace(name) || strings.ContainsRune(name, ':') || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }):
		return errs.New(errs.Invalid, "%s '%s' has characters that cannot be used: colons, blanks at its ends, and what does not print.", what, clip(name))
	}
	return nil
}

// CreateUser makes a user with a password.
func (s *Service) CreateUser(ctx context.Context, name, password string, admin bool) (*User, error) {
	if err := checkName("Username", name); err != nil {
		return nil, err
	}
	if err := CheckPassword(password); err != nil {
		return nil, err
	}
	if _, err := s.store.User(ctx, name); err == nil {
		return nil, TakenUser(name) // before the hash, which is costly
	}
	u := User{Name: name, Admin: admin, Hash: HashPassword(password), Created: s.now().UnixMilli()}
	id, err := s.store.CreateUser(ctx, u)
	u.ID = id
	return &u, err
}

// SetPassword gives a user another password; what was remembered of the old one
// and the user's sessions end.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	if _, err := s.store.User(ctx, name); err != nil {
		return err
	}
	hash := HashPassword(password)
	return s.store.UpdateUser(ctx, name, UserChange{Hash: &hash})
}

// SetAdmin makes a user an admin, or no longer one.
func (s *Service) SetAdmin(ctx context.Context, name string, admin bool) error {
	return s.store.UpdateUser(ctx, name, UserChange{Admin: &admin})
}

// DeleteUser removes a user and everything that was theirs. Nobody removes
// themselves.
func (s *Service) DeleteUser(ctx context.Context, name string) error {
	if i := From(ctx); i != nil && i.User.Name == name {
		return errs.New(errs.Usage, "Users cannot delete their own account. Ask another admin to delete this user instead.")
	}
	return s.store.DeleteUser(ctx, name)
}

// ByPassword returns who showed a name and a password, or errs.Unauthenticated;
// after too many failures errs.Exhausted. from is the address of the client.
func (s *Service) ByPassword(ctx context.Context, name, password, from string) (*Identity, error) {
	u, err := s.store.User(ctx, name)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	if err != nil {
		u = nil
	}
	ok, err := s.verify.check(ctx, u, name, password, from)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errs.New(errs.Unauthenticated, "Wrong name or password.")
	}
	return &Identity{User: *u, Via: "password", Scope: FullScope()}, nil
}

// Claim is what an identity provider vouches for.
type Claim struct {
	Issuer, Subject string
	Name            string   // what the account shall be called
	Groups          []string // names of groups
	Admin           bool     // the provider says that this is an admin
	Scope           Scope
}

// ByClaim returns the account that a claim is bound to, and makes it when it is
// the first time. A name that another account has is refused with errs.Denied:
// an identity provider cannot take over an account of our own.
func (s *Service) ByClaim(ctx context.Context, c Claim) (*Identity, error) {
	u, err := s.store.UserBySubject(ctx, c.Issuer, c.Subject)
	if errs.Is(err, errs.NotFound) {
		u, err = s.adopt(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	u.Admin = u.Admin || c.Admin
	return &Identity{User: *u, Via: "oidc", Groups: c.Groups, Scope: c.Scope}, nil
}

func (s *Service) adopt(ctx context.Context, c Claim) (*User, error) {
	if err := checkName("Username", strings.ReplaceAll(c.Name, ":", "/")); err != nil {
		return nil, err
	}
	u := User{Name: strings.ReplaceAll(c.Name, ":", "/"), Issuer: c.Issuer, Subject: c.Subject, Created: s.now().UnixMilli()}
	id, err := s.store.CreateUser(ctx, u)
	if errs.Is(err, errs.Exists) {
		if again, err2 := s.store.UserBySubject(ctx, c.Issuer, c.Subject); err2 == nil {
			return again, nil // another request was quicker
		}
		return nil, errs.New(errs.Denied, "The account %s belongs to somebody else here; ask an admin to rename or remove it.", clip(c.Name))
	}
	u.ID = id
	return &u, err
}

// HasAdmin reports whether there is an admin.
func (s *Service) HasAdmin(ctx context.Context) (bool, error) {
	users, err := s.store.Users(ctx)
	for _, u := range users {
		if u.Admin {
			return true, err
		}
	}
	return false, err
}

// Tidy removes tokens and sessions that have ended, at most once an hour.
func (s *Service) Tidy(ctx context.Context) error {
	now := s.now()
	s.mu.Lock()
	due := now.Sub(s.expired) >= time.Hour
	if due {
		s.expired = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.store.Expire(ctx, now.UnixMilli())
}

// Store returns where the records are, for listing what needs no rules.
func (s *Service) Store() Store { return s.store }
