// Package auth knows who may do what: users and groups, what they were granted,
// the passwords, tokens and sessions with which they show who they are, and the
// log of what they did. It holds the rules; where records are kept is behind
// Store, and how HTTP carries credentials is the business of its callers.
//
// Levels, defaults and texts are those of MLflow's basic authentication, so that
// its clients administer this server unchanged. Times are milliseconds since
// 1970 where they are kept.
package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Level says what a person may do with a thing. Each level includes those below.
type Level int8

// The levels. Deny wins over every other grant; None gives nothing, and any
// other grant wins over it.
const (
	Deny Level = iota - 1
	None
	Read
	Use
	Edit
	Manage
)

var levelNames = map[Level]string{Deny: "DENY", None: "NO_PERMISSIONS", Read: "READ", Use: "USE", Edit: "EDIT", Manage: "MANAGE"}

// String returns MLflow's name of the level.
func (l Level) String() string { return levelNames[l] }

// ParseLevel reads MLflow's name of a level. It returns errs.Invalid for any
// other text.
func ParseLevel(name string) (Level, error) {
	for l, n := range levelNames {
		if n == name {
			return l, nil
		}
	}
	return None, errs.New(errs.Invalid, "Invalid permission '%s'. Valid permissions are: READ, USE, EDIT, MANAGE, NO_PERMISSIONS, DENY", clip(name))
}

// Kind is a kind of thing that can be granted.
type Kind string

// The kinds. Runs, logged models and artifacts belong to their experiment,
// versions to their model.
const (
	Experiment Kind = "experiment"
	Model      Kind = "registered_model"
)

// All as the ID of a Thing means every thing of its kind.
const All = "*"

// Thing is what a grant is about: an experiment by its id, or a registered model
// by its name.
type Thing struct {
	Kind Kind
	ID   string
}

// ParseThing reads "experiment:ID" and "registered_model:NAME". It returns
// errs.Invalid for any other text.
func ParseThing(text string) (Thing, error) {
	kind, id, _ := strings.Cut(text, ":")
	if id == "" || !slices.Contains([]Kind{Experiment, Model}, Kind(kind)) {
		return Thing{}, errs.New(errs.Invalid, "%q names nothing that can be granted; write experiment:ID or registered_model:NAME", clip(text))
	}
	return Thing{Kind(kind), id}, nil
}

// String returns "kind:id".
func (t Thing) String() string { return string(t.Kind) + ":" + t.ID }

// Scope is the most that a credential allows, whatever its owner may do.
type Scope struct {
	Level  Level   // at most this level
	Admin  bool    // the powers of an admin, when the owner is one
	Things []Thing // only these things; none means everything
}

// FullScope limits nothing.
func FullScope() Scope { return Scope{Level: Manage, Admin: true} }

// String returns the scope as ParseScope reads it.
func (s Scope) String() string {
	parts := []string{strings.ToLower(s.Level.String())}
	if s.Admin {
		parts = append(parts, "admin")
	}
	for _, t := range s.Things {
		parts = append(parts, t.String())
	}
	return strings.Join(parts, ",")
}

// ParseScope reads a scope: a level (read, use, edit, manage), the word admin,
// and the things it is about, separated by commas:
//
//	edit,experiment:7,registered_model:disks
func ParseScope(text string) (Scope, error) {
	s := Scope{Level: Read}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "admin" {
			s.Admin = true
		} else if l, err := ParseLevel(strings.ToUpper(part)); err == nil && l >= Read {
			s.Level = l
		} else if t, err := ParseThing(part); err == nil {
			s.Things = append(s.Things, t)
		} else {
			return Scope{}, errs.New(errs.Invalid, "scope %q has %q, which is neither read, use, edit, manage or admin nor a thing like experiment:7 or registered_model:NAME", clip(text), clip(part))
		}
	}
	return s, nil
}

// covers reports whether the scope is about the thing.
func (s Scope) covers(t Thing) bool {
	if len(s.Things) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Things, func(o Thing) bool { return o.Kind == t.Kind && (o.ID == t.ID || o.ID == All) })
}

// Identity is who sent a request, as far as their credential proves it.
type Identity struct {
	User   User
	Via    string   // "password", "token", "session" or "oidc"
	Token  string   // id of the token or session, "" when there is none
	Groups []string // names of groups that the credential itself vouches for
	Scope  Scope
}

// Admin reports whether the identity acts with the powers of an admin.
func (i *Identity) Admin() bool { return i.User.Admin && i.Scope.Admin && len(i.Scope.Things) == 0 }

type contextKey struct{}

// With returns a context that carries who is asking.
func With(ctx context.Context, i *Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, i)
}

// From returns who is asking, or nil when nobody was asked who they are.
func From(ctx context.Context) *Identity {
	i, _ := ctx.Value(contextKey{}).(*Identity)
	return i
}

func clip(s string) string {
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "") + "..."
	}
	return strings.Trim(fmt.Sprintf("%q", s), `"`)
}
