package auth

import (
	"context"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// grants is what one user was granted, folded: Deny wins, else the highest.
type grants map[Thing]Level

func (g grants) add(t Thing, l Level) {
	have, ok := g[t]
	if !ok || l == Deny || have != Deny && l > have {
		g[t] = l
	}
}

// level returns what the grants say about a thing; ok is false when they say
// nothing.
func (g grants) level(t Thing) (Level, bool) {
	one, ok1 := g[t]
	all, ok2 := g[Thing{t.Kind, All}]
	switch {
	case ok1 && one == Deny || ok2 && all == Deny:
		return Deny, true
	case ok1 && ok2:
		return max(one, all), true
	case ok2:
		return all, true
	}
	return one, ok1
}

// maxHeld bounds how many users' grants are kept in memory.
const maxHeld = 1000

// grantsOf returns the folded grants of an identity, as they are now.
func (s *Service) grantsOf(ctx context.Context, i *Identity) (grants, error) {
	rev, err := s.store.Revision(ctx)
	if err != nil {
		return nil, err
	}
	key := i.User.Name + "\x00" + strings.Join(i.Groups, "\x00")
	s.mu.Lock()
	if s.seen != rev || len(s.held) >= maxHeld {
		s.seen = rev
		clear(s.held)
	}
	g, ok := s.held[key]
	s.mu.Unlock()
	if ok {
		return g, nil
	}
	list, err := s.store.Held(ctx, i.User.ID, i.Groups)
	if err != nil {
		return nil, err
	}
	g = grants{}
	for _, one := range list {
		g.add(one.Thing, one.Level)
	}
	s.mu.Lock()
	if s.seen == rev {
		s.held[key] = g
	}
	s.mu.Unlock()
	return g, nil
}

// Level returns what an identity may do with a thing: what the user was granted,
// or else the default, and no more than the credential's scope.
func (s *Service) Level(ctx context.Context, i *Identity, t Thing) (Level, error) {
	if i.Admin() {
		return Manage, nil
	}
	if !i.Scope.covers(t) {
		return None, nil
	}
	if i.User.Admin {
		return min(Manage, i.Scope.Level), nil
	}
	g, err := s.grantsOf(ctx, i)
	if err != nil {
		return None, err
	}
	return min(s.fold(g, t), i.Scope.Level), nil
}

func (s *Service) fold(g grants, t Thing) Level {
	if l, ok := g.level(t); ok {
		return l
	}
	return s.unless
}

// Require returns nil when the identity of ctx may do that much with a thing,
// errs.Denied when not, and errs.Unauthenticated when there is no identity.
func (s *Service) Require(ctx context.Context, t Thing, l Level) error {
	i := From(ctx)
	if i == nil {
		return errs.New(errs.Unauthenticated, "Nobody was asked who they are.")
	}
	have, err := s.Level(ctx, i, t)
	if err == nil && have < l {
		err = errs.New(errs.Denied, "Permission denied.")
	}
	return err
}

// RequireAdmin returns nil for an admin, errs.Denied for anyone else.
func (s *Service) RequireAdmin(ctx context.Context) error {
	i := From(ctx)
	switch {
	case i == nil:
		return errs.New(errs.Unauthenticated, "Nobody was asked who they are.")
	case !i.Admin():
		return errs.New(errs.Denied, "Permission denied.")
	}
	return nil
}

// RequireScope returns nil when the credential of ctx allows that much on things
// that do not exist yet, whose maker will manage them.
func (s *Service) RequireScope(ctx context.Context, l Level) error {
	i := From(ctx)
	switch {
	case i == nil:
		return errs.New(errs.Unauthenticated, "Nobody was asked who they are.")
	case i.Scope.Level < l || len(i.Scope.Things) > 0:
		return errs.New(errs.Denied, "Permission denied.")
	}
	return nil
}

// Filter returns a function that reports whether the identity of ctx may read a
// thing of that kind, from one look at the grants.
func (s *Service) Filter(ctx context.Context, kind Kind) (func(id string) bool, error) {
	i := From(ctx)
	if i == nil {
		return nil, errs.New(errs.Unauthenticated, "Nobody was asked who they are.")
	}
	if i.Admin() {
		return func(string) bool { return true }, nil
	}
	var g grants
	if !i.User.Admin {
		var err error
		if g, err = s.grantsOf(ctx, i); err != nil {
			return nil, err
		}
	}
	return func(id string) bool {
		t := Thing{kind, id}
		return i.Scope.covers(t) && (i.User.Admin || s.fold(g, t) >= Read)
	}, nil
}

// LevelOf returns what a user may do with a thing, whoever asks.
func (s *Service) LevelOf(ctx context.Context, name string, t Thing) (Level, error) {
	u, err := s.store.User(ctx, name)
	if err != nil {
		return None, err
	}
	return s.Level(ctx, &Identity{User: *u, Scope: FullScope()}, t)
}
