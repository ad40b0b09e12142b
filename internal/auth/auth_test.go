package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const password = "correct horse battery"

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, unless auth.Level) (*auth.Service, *clock) {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite://", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c := &clock{at: time.UnixMilli(4_000_000_000_000)}
	s := auth.New(db.Auth(), unless, c.now)
	for _, u := range []string{"ann", "bob", "eve"} {
		if _, err := s.CreateUser(t.Context(), u, password, u == "ann"); err != nil {
			t.Fatal(err)
		}
	}
	return s, c
}

func identity(t *testing.T, s *auth.Service, name string) *auth.Identity {
	t.Helper()
	i, err := s.ByPassword(t.Context(), name, password, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func kind(t *testing.T, what string, err error, want errs.Kind) {
	t.Helper()
	if !errs.Is(err, want) {
		t.Errorf("%s: got %v (%v), want kind %v", what, err, errs.KindOf(err), want)
	}
}

func TestPasswords(t *testing.T) {
	for _, bad := range []string{"", "short", "aaaaaaaaaaaaaaaa", strings.Repeat("ab", 600)} {
		kind(t, bad, auth.CheckPassword(bad), errs.Invalid)
	}
	one, two := auth.HashPassword(password), auth.HashPassword(password)
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=47104,t=1,p=1$") || strings.Contains(one, password) {
		t.Errorf("hashes %s and %s", one, two)
	}
	s, _ := open(t, auth.Read)
	identity(t, s, "bob")
	for _, c := range []struct{ name, password string }{{"bob", "correct horse batterz"}, {"bob", ""}, {"nobody", password}, {"", password}, {"BOB", password}} {
		_, err := s.ByPassword(t.Context(), c.name, c.password, "10.0.0.1")
		kind(t, c.name, err, errs.Unauthenticated)
	}
	for _, bad := range []string{"", " bob", "a:b", "a\nb", strings.Repeat("x", 256)} {
		_, err := s.CreateUser(t.Context(), bad, password, false)
		kind(t, bad, err, errs.Invalid)
	}
	_, err := s.CreateUser(t.Context(), "bob", password, true)
	kind(t, "a name twice", err, errs.Exists)
}

// TestRemembered checks that a right password is remembered, that it is quick
// then, and that it is forgotten the moment it changes.
func TestRemembered(t *testing.T) {
	s, c := open(t, auth.Read)
	identity(t, s, "bob")
	begin := time.Now()
	for range 100 {
		identity(t, s, "bob")
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("100 logins with a remembered password took %v", took)
	}
	if err := s.SetPassword(t.Context(), "bob", "another password!"); err != nil {
		t.Fatal(err)
	}
	_, err := s.ByPassword(t.Context(), "bob", password, "127.0.0.1")
	kind(t, "the old password", err, errs.Unauthenticated)
	c.pass(24 * time.Hour)
	if _, err := s.ByPassword(t.Context(), "bob", "another password!", "127.0.0.1"); err != nil {
		t.Error(err)
	}
}

func TestGuessing(t *testing.T) {
	s, c := open(t, auth.Read)
	refused := 0
	for range 12 {
		if _, err := s.ByPassword(t.Context(), "bob", "wrong password", "10.0.0.1"); errs.Is(err, errs.Exhausted) {
			refused++
		}
	}
	if refused != 7 {
		t.Errorf("of 12 guesses %d were refused unseen, want 7", refused)
	}
	_, err := s.ByPassword(t.Context(), "bob", password, "10.0.0.1")
	kind(t, "the right password while waiting", err, errs.Exhausted)
	if _, err := s.ByPassword(t.Context(), "bob", password, "10.0.0.2"); err != nil {
		t.Errorf("the owner at another address: %v", err)
	}
	for range 6 {
		c.pass(time.Hour)
		if _, err := s.ByPassword(t.Context(), "bob", "wrong password", "10.0.0.1"); errs.Is(err, errs.Exhausted) {
			t.Errorf("after an hour: %v", err)
		}
	}
}

func TestTokens(t *testing.T) {
	s, c := open(t, auth.Read)
	text, k, err := s.NewToken(t.Context(), "bob", "ci", auth.Scope{Level: auth.Edit}, time.Hour)
	if err != nil || !strings.HasPrefix(text, auth.TokenPrefix) || strings.Contains(text, k.Hash) {
		t.Fatal(text, err)
	}
	i, err := s.ByToken(t.Context(), text)
	if err != nil || i.User.Name != "bob" || i.Via != "token" {
		t.Fatal(i, err)
	}
	for _, bad := range []string{"", text[:len(text)-1] + "_", text + "x", strings.ToUpper(text), auth.TokenPrefix + k.ID + "_", auth.TokenPrefix + k.ID + "_" + k.Hash, "dct_x_y"} {
		_, err := s.ByToken(t.Context(), bad)
		kind(t, bad, err, errs.Unauthenticated)
	}
	ctx := auth.With(t.Context(), i)
	_, _, err = s.NewToken(ctx, "bob", "more", auth.Scope{Level: auth.Manage}, time.Hour)
	kind(t, "a token that makes a stronger one", err, errs.Denied)
	for _, life := range []time.Duration{0, -1, auth.MaxTokenLife + 1} {
		_, _, err = s.NewToken(t.Context(), "bob", "x", auth.FullScope(), life)
		kind(t, life.String(), err, errs.Invalid)
	}
	c.pass(time.Hour)
	_, err = s.ByToken(t.Context(), text)
	kind(t, "an expired token", err, errs.Unauthenticated)
}

func TestScopes(t *testing.T) {
	for _, text := range []string{"read", "edit,experiment:7", "manage,admin", "use,registered_model:a/b", "edit,experiment:*"} {
		s, err := auth.ParseScope(text)
		if err != nil || s.String() != text {
			t.Errorf("%s is read as %s, %v", text, s, err)
		}
	}
	for _, bad := range []string{"", "write", "edit,experiment:", "edit,job:7", "no_permissions", "deny"} {
		_, err := auth.ParseScope(bad)
		kind(t, bad, err, errs.Invalid)
	}
}

func TestLevels(t *testing.T) {
	s, _ := open(t, auth.None)
	ctx, store := t.Context(), s.Store()
	seven, eight := auth.Thing{Kind: auth.Experiment, ID: "7"}, auth.Thing{Kind: auth.Experiment, ID: "8"}
	bob := identity(t, s, "bob")
	want := func(what string, i *auth.Identity, thing auth.Thing, level auth.Level) {
		t.Helper()
		if got, err := s.Level(ctx, i, thing); got != level || err != nil {
			t.Errorf("%s: got %v, %v, want %v", what, got, err, level)
		}
	}
	grant := func(g auth.Grant) int64 {
		t.Helper()
		id, err := store.AddGrant(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	want("nothing granted", bob, seven, auth.None)
	want("an admin", identity(t, s, "ann"), seven, auth.Manage)
	mine := grant(auth.Grant{User: bob.User.ID, Thing: seven, Level: auth.Read})
	want("granted", bob, seven, auth.Read)
	group, err := store.CreateGroup(ctx, auth.Group{Name: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	all := grant(auth.Grant{Group: group, Thing: auth.Thing{Kind: auth.Experiment, ID: auth.All}, Level: auth.Edit})
	want("of a group that bob is not in", bob, eight, auth.None)
	vouched := *bob
	vouched.Groups = []string{"ops"}
	want("of a group that a provider vouches for", &vouched, eight, auth.Edit)
	if _, err := store.Join(ctx, "bob", group); err != nil {
		t.Fatal(err)
	}
	want("of a group, on everything", bob, eight, auth.Edit)
	want("the higher of two", bob, seven, auth.Edit)
	want("another kind", bob, auth.Thing{Kind: auth.Model, ID: "7"}, auth.None)
	scoped := *bob
	scoped.Scope = auth.Scope{Level: auth.Read, Things: []auth.Thing{seven}}
	want("a scope lowers", &scoped, seven, auth.Read)
	want("a scope excludes", &scoped, eight, auth.None)
	admin := *identity(t, s, "ann")
	admin.Scope = auth.Scope{Level: auth.Edit, Admin: true, Things: []auth.Thing{seven}}
	want("an admin's scoped token", &admin, seven, auth.Edit)
	want("an admin's scoped token elsewhere", &admin, eight, auth.None)
	kind(t, "an admin's scoped token administers", s.RequireAdmin(auth.With(ctx, &admin)), errs.Denied)
	if _, err := store.SetGrant(ctx, mine, auth.Deny); err != nil {
		t.Fatal(err)
	}
	want("denied", bob, seven, auth.Deny)
	if err := store.RemoveGrant(ctx, all); err != nil {
		t.Fatal(err)
	}
	want("taken back", bob, eight, auth.None)
	kind(t, "nobody", s.Require(ctx, seven, auth.Read), errs.Unauthenticated)
	kind(t, "denied", s.Require(auth.With(ctx, bob), seven, auth.Read), errs.Denied)
}

func TestSessionsAndClaims(t *testing.T) {
	s, c := open(t, auth.Read)
	ctx := t.Context()
	_, err := s.ByClaim(ctx, auth.Claim{Issuer: "https://idp", Subject: "1", Name: "ann"})
	kind(t, "a provider's ann", err, errs.Denied)
	i, err := s.ByClaim(ctx, auth.Claim{Issuer: "https://idp", Subject: "2", Name: "zoe@example.com", Groups: []string{"ops"}, Admin: true, Scope: auth.FullScope()})
	if err != nil || !i.Admin() {
		t.Fatal(i, err)
	}
	_, err = s.ByPassword(ctx, "zoe@example.com", "", "::1")
	kind(t, "an account without password", err, errs.Unauthenticated)
	cookie, err := s.NewSession(ctx, i)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.BySession(ctx, cookie)
	if err != nil || !again.Admin() || again.Groups[0] != "ops" {
		t.Fatal(again, err)
	}
	if later, err := s.ByClaim(ctx, auth.Claim{Issuer: "https://idp", Subject: "2", Name: "renamed", Scope: auth.FullScope()}); err != nil || later.Admin() || later.User.Name != "zoe@example.com" {
		t.Error("no longer an admin:", later, err)
	}
	if !auth.CheckFormToken(cookie, auth.FormToken(cookie)) || auth.CheckFormToken(cookie, auth.FormToken("x")) || auth.CheckFormToken(cookie, "") {
		t.Error("form tokens")
	}
	c.pass(auth.SessionLife)
	_, err = s.BySession(ctx, cookie)
	kind(t, "after its life", err, errs.Unauthenticated)
}

func TestLog(t *testing.T) {
	s, _ := open(t, auth.Read)
	var lines bytes.Buffer
	l := auth.NewLog(s.Store(), &lines, slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				l.Add(auth.Event{Time: 1, User: "bob", Action: "POST /x", Status: 200})
			}
		})
	}
	all.Wait()
	l.Close()
	list, err := s.Store().Events(context.Background(), auth.EventQuery{Limit: 5000})
	if len(list) != 2000 || err != nil {
		t.Errorf("%d events are kept, %v", len(list), err)
	}
	n := 0
	for line := range strings.Lines(lines.String()) {
		var e auth.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.User != "bob" {
			t.Fatal(line, err)
		}
		n++
	}
	if n != 2000 {
		t.Errorf("%d lines", n)
	}
}
