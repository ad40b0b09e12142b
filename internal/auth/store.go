package auth

import "context"

// User is someone or something that can act.
type User struct {
	ID    int64
	Name  string
	Admin bool
	Hash  string // of the password, see HashPassword; "" means that no password is accepted

	// Issuer and Subject bind an account to one identity of an identity provider;
	// "" for accounts of our own.
	Issuer, Subject string
	Created         int64
}

// UserChange is what UpdateUser changes; nil fields stay as they are.
type UserChange struct {
	Hash  *string
	Admin *bool
}

// Group is a set of users that are granted things together. MLflow calls it a
// role.
type Group struct {
	ID          int64
	Name        string
	Workspace   string // as MLflow's clients name it; kept and handed back
	Description string
	Grants      []Grant
}

// Grant gives one user or the members of one group a level on a thing.
type Grant struct {
	ID    int64
	User  int64 // 0 when it is a group's
	Group int64 // 0 when it is a user's
	Thing Thing
	Level Level
}

// Membership is one user in one group.
type Membership struct{ ID, User, Group int64 }

// Token is a credential for programs. The secret itself is not kept.
type Token struct {
	ID      string // the public part
	User    string // name of its owner
	Name    string // what it is for
	Hash    string // SHA-256 of the secret part, in hex
	Scope   Scope
	Created int64
	Expires int64
	Used    int64 // when it was last used, to the minute; 0 for never
}

// Session is a browser that someone logged in with.
type Session struct {
	Hash    string // SHA-256 of the cookie, in hex
	User    string
	Groups  []string // that the identity provider vouched for
	Admin   bool     // so it did for an admin
	Created int64
	Expires int64
}

// Store keeps users and what they may do. Every method is one transaction. What
// is missing is answered with errs.NotFound, a name that is taken with
// errs.Exists. A store also grants Manage to the identity of a context (see
// From) on the experiments and models that are made with it, lets grants follow
// a model that is renamed, and removes those on what is deleted.
type Store interface {
	// Revision is a number that changes whenever users, groups, memberships or
	// grants did, by whatever process.
	Revision(ctx context.Context) (int64, error)

	CreateUser(ctx context.Context, u User) (id int64, err error)
	User(ctx context.Context, name string) (*User, error)
	UserBySubject(ctx context.Context, issuer, subject string) (*User, error)
	Users(ctx context.Context) ([]User, error)
	// UpdateUser and DeleteUser refuse to take the last admin away (errs.State).
	// A new password ends the user's sessions.
	UpdateUser(ctx context.Context, name string, c UserChange) error
	// DeleteUser removes a user with their memberships, grants, tokens and sessions.
	DeleteUser(ctx context.Context, name string) error

	CreateGroup(ctx context.Context, g Group) (id int64, err error)
	Group(ctx context.Context, id int64) (*Group, error)
	Groups(ctx context.Context) ([]Group, error)
	UpdateGroup(ctx context.Context, g Group) error // its name and description
	DeleteGroup(ctx context.Context, id int64) error
	Join(ctx context.Context, user string, group int64) (Membership, error)
	Leave(ctx context.Context, user string, group int64) error
	Members(ctx context.Context, group int64) ([]Membership, error)
	GroupsOf(ctx context.Context, user string) ([]Group, error)

	// AddGrant adds a grant and returns its id; a second one of the same owner on
	// the same thing is errs.Exists.
	AddGrant(ctx context.Context, g Grant) (id int64, err error)
	SetGrant(ctx context.Context, id int64, l Level) (*Grant, error)
	RemoveGrant(ctx context.Context, id int64) error
	// GrantOf returns what a user was granted on a thing, not through a group.
	GrantOf(ctx context.Context, user string, t Thing) (*Grant, error)
	// Held returns the grants of a user, of their groups, and of the named groups.
	Held(ctx context.Context, user int64, groups []string) ([]Grant, error)

	CreateToken(ctx context.Context, t Token) error
	Token(ctx context.Context, id string) (*Token, error)
	Tokens(ctx context.Context, user string) ([]Token, error) // user "" means everybody's
	DeleteToken(ctx context.Context, id string) error
	TouchToken(ctx context.Context, id string, now int64) error

	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, hash string) (*Session, error)
	DeleteSession(ctx context.Context, hash string) error
	// Expire removes tokens and sessions that ended before now.
	Expire(ctx context.Context, now int64) error

	Record(ctx context.Context, list []Event) error
	Events(ctx context.Context, q EventQuery) ([]Event, error)
}
