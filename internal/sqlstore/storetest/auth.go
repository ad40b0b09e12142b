package storetest

import (
	"context"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// user makes a user whose password nobody knows.
func user(t *testing.T, s auth.Store, name string, admin bool) int64 {
	t.Helper()
	return must(s.CreateUser(t.Context(), auth.User{Name: name, Admin: admin, Hash: "x", Created: 1}))(t)
}

func authUsers(t *testing.T, b *bench) {
	s, ctx := b.auth, t.Context()
	user(t, s, "ann", true)
	user(t, s, "bob", false)
	_, err := s.CreateUser(ctx, auth.User{Name: "bob"})
	refused(t, err, errs.Exists)
	_, err = s.User(ctx, "nobody")
	refused(t, err, errs.NotFound)
	refused(t, s.DeleteUser(ctx, "nobody"), errs.NotFound)

	no, yes, hash := false, true, "new"
	refused(t, s.UpdateUser(ctx, "ann", auth.UserChange{Admin: &no}), errs.State)
	refused(t, s.DeleteUser(ctx, "ann"), errs.State)
	ok(t, s.UpdateUser(ctx, "bob", auth.UserChange{Admin: &yes, Hash: &hash}))
	ok(t, s.UpdateUser(ctx, "ann", auth.UserChange{Admin: &no}))
	bob := must(s.User(ctx, "bob"))(t)
	same(t, "bob", []any{bob.Admin, bob.Hash}, []any{true, "new"})

	must(s.CreateUser(ctx, auth.User{Name: "eve", Issuer: "https://idp", Subject: "7"}))(t)
	_, err = s.CreateUser(ctx, auth.User{Name: "eve2", Issuer: "https://idp", Subject: "7"})
	refused(t, err, errs.Exists)
	same(t, "by subject", must(s.UserBySubject(ctx, "https://idp", "7"))(t).Name, "eve")
	_, err = s.UserBySubject(ctx, "", "")
	refused(t, err, errs.NotFound)
	same(t, "users", len(must(s.Users(ctx))(t)), 3)
}

func authGrants(t *testing.T, b *bench) {
	s, ctx := b.auth, t.Context()
	ann, bob := user(t, s, "ann", true), user(t, s, "bob", false)
	rev := must(s.Revision(ctx))(t)
	thing := auth.Thing{Kind: auth.Experiment, ID: "7"}
	id := must(s.AddGrant(ctx, auth.Grant{User: bob, Thing: thing, Level: auth.Read}))(t)
	_, err := s.AddGrant(ctx, auth.Grant{User: bob, Thing: thing, Level: auth.Manage})
	refused(t, err, errs.Exists)
	if now := must(s.Revision(ctx))(t); now <= rev {
		t.Errorf("the revision went from %d to %d when something was granted", rev, now)
	}
	same(t, "changed", must(s.SetGrant(ctx, id, auth.Edit))(t).Level, auth.Edit)
	same(t, "grant", must(s.GrantOf(ctx, "bob", thing))(t).Level, auth.Edit)
	_, err = s.GrantOf(ctx, "ann", thing)
	refused(t, err, errs.NotFound)

	g := must(s.CreateGroup(ctx, auth.Group{Name: "ops", Workspace: "default"}))(t)
	_, err = s.CreateGroup(ctx, auth.Group{Name: "ops", Workspace: "default"})
	refused(t, err, errs.Exists)
	_, err = s.AddGrant(ctx, auth.Grant{Group: 999, Thing: thing})
	refused(t, err, errs.NotFound)
	must(s.AddGrant(ctx, auth.Grant{Group: g, Thing: auth.Thing{Kind: auth.Model, ID: auth.All}, Level: auth.Manage}))(t)
	same(t, "held by ann", len(must(s.Held(ctx, ann, nil))(t)), 0)
	same(t, "held by ann with ops", len(must(s.Held(ctx, ann, []string{"ops", "none"}))(t)), 1)
	m := must(s.Join(ctx, "bob", g))(t)
	same(t, "member", []int64{m.User, m.Group}, []int64{bob, g})
	_, err = s.Join(ctx, "bob", g)
	refused(t, err, errs.Exists)
	same(t, "held by bob", len(must(s.Held(ctx, bob, nil))(t)), 2)
	same(t, "groups of bob", must(s.GroupsOf(ctx, "bob"))(t)[0].Grants[0].Level, auth.Manage)
	same(t, "members", len(must(s.Members(ctx, g))(t)), 1)
	ok(t, s.UpdateGroup(ctx, auth.Group{ID: g, Name: "operators", Workspace: "default", Description: "d"}))
	same(t, "renamed", must(s.Group(ctx, g))(t).Name, "operators")
	ok(t, s.Leave(ctx, "bob", g))
	refused(t, s.Leave(ctx, "bob", g), errs.NotFound)
	ok(t, s.DeleteGroup(ctx, g))
	_, err = s.Group(ctx, g)
	refused(t, err, errs.NotFound)
	ok(t, s.RemoveGrant(ctx, id))
	refused(t, s.RemoveGrant(ctx, id), errs.NotFound)
	ok(t, s.DeleteUser(ctx, "bob"))
}

// authMakers checks that who makes a thing manages it, and that grants follow
// names.
func authMakers(t *testing.T, b *bench) {
	s := b.auth
	user(t, s, "ann", true)
	id := user(t, s, "bob", false)
	ctx := auth.With(t.Context(), &auth.Identity{User: auth.User{ID: id, Name: "bob"}, Scope: auth.FullScope()})
	level := func(kind auth.Kind, name string) auth.Level {
		g, err := s.GrantOf(t.Context(), "bob", auth.Thing{Kind: kind, ID: name})
		if err != nil {
			return auth.None
		}
		return g.Level
	}
	exp := must(b.runs.CreateExperiment(ctx, "bob's", "", nil))(t)
	same(t, "experiment", level(auth.Experiment, exp), auth.Manage)
	must(b.models.CreateModel(ctx, "m", "", nil))(t)
	must(b.models.RenameModel(t.Context(), "m", "n"))(t)
	same(t, "old name", level(auth.Model, "m"), auth.None)
	same(t, "new name", level(auth.Model, "n"), auth.Manage)
	ok(t, b.models.DeleteModel(t.Context(), "n"))
	same(t, "deleted", level(auth.Model, "n"), auth.None)
	must(b.models.CreateModel(t.Context(), "n", "", nil))(t)
	same(t, "made again by another", level(auth.Model, "n"), auth.None)
	_, err := b.runs.CreateExperiment(ctx, "bob's", "", []tracking.Tag{})
	refused(t, err, errs.Exists)
	_, err = b.models.CreateModel(ctx, "n", "", []registry.Tag{})
	refused(t, err, errs.Exists)
	same(t, "no grant on what another made", level(auth.Model, "n"), auth.None)
}

func authCredentials(t *testing.T, b *bench) {
	s, ctx := b.auth, t.Context()
	user(t, s, "ann", true)
	user(t, s, "bob", false)
	scope := auth.Scope{Level: auth.Edit, Things: []auth.Thing{{Kind: auth.Model, ID: "disks"}}}
	ok(t, s.CreateToken(ctx, auth.Token{ID: "a", User: "bob", Name: "ci", Hash: "h", Scope: scope, Created: 1, Expires: 100}))
	refused(t, s.CreateToken(ctx, auth.Token{ID: "b", User: "nobody"}), errs.NotFound)
	ok(t, s.TouchToken(ctx, "a", 50))
	k := must(s.Token(ctx, "a"))(t)
	same(t, "token", []any{k.User, k.Hash, k.Scope.String(), k.Used}, []any{"bob", "h", scope.String(), 50})
	same(t, "tokens of ann", len(must(s.Tokens(ctx, "ann"))(t)), 0)
	ok(t, s.CreateSession(ctx, auth.Session{Hash: "s", User: "bob", Groups: []string{"x"}, Admin: true, Expires: 100}))
	v := must(s.Session(ctx, "s"))(t)
	same(t, "session", []any{v.User, v.Groups, v.Admin}, []any{"bob", []string{"x"}, true})
	ok(t, s.Expire(ctx, 100))
	must(s.Token(ctx, "a"))(t)
	hash := "new"
	ok(t, s.UpdateUser(ctx, "bob", auth.UserChange{Hash: &hash}))
	_, err := s.Session(ctx, "s")
	refused(t, err, errs.NotFound)
	ok(t, s.Expire(ctx, 101))
	_, err = s.Token(ctx, "a")
	refused(t, err, errs.NotFound)
	refused(t, s.DeleteToken(ctx, "a"), errs.NotFound)
	ok(t, s.CreateToken(ctx, auth.Token{ID: "c", User: "bob", Expires: 900}))
	ok(t, s.DeleteUser(ctx, "bob"))
	_, err = s.Token(ctx, "c")
	refused(t, err, errs.NotFound)
}

func authLog(t *testing.T, b *bench) {
	s, ctx := b.auth, t.Context()
	var list []auth.Event
	for i := range 300 {
		list = append(list, auth.Event{Time: int64(i), User: []string{"ann", "bob"}[i%2], Action: "POST /x_y", Target: "t%1", From: "::1", Status: 200 + 203*(i%2)})
	}
	ok(t, s.Record(ctx, list))
	ok(t, s.Record(context.WithoutCancel(ctx), []auth.Event{{Time: 1000, User: "eve", Action: "login"}}))
	count := func(q auth.EventQuery) int { return len(must(s.Events(ctx, q))(t)) }
	same(t, "all", count(auth.EventQuery{Limit: 1000}), 301)
	same(t, "page", count(auth.EventQuery{}), 100)
	same(t, "bob's", count(auth.EventQuery{User: "bob", Limit: 1000}), 150)
	same(t, "refused", count(auth.EventQuery{Refused: true, Limit: 1000}), 150)
	same(t, "between", count(auth.EventQuery{Since: 10, Until: 20, Limit: 1000}), 10)
	same(t, "action", count(auth.EventQuery{Action: "x_y", Limit: 1000}), 300)
	same(t, "escaped", count(auth.EventQuery{Action: "x%y", Limit: 1000}), 0)
	same(t, "target", count(auth.EventQuery{Target: "t%", Limit: 1000}), 300)
	same(t, "newest first", must(s.Events(ctx, auth.EventQuery{Limit: 1}))(t)[0].User, "eve")
}
