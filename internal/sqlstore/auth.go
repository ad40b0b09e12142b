package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// Auth keeps users and what they may do in a DB. It is an auth.Store.
type Auth struct{ db *DB }

// Auth returns the store of users.
func (d *DB) Auth() *Auth { return &Auth{d} }

var _ auth.Store = (*Auth)(nil)

// Revision returns the number that grows with every change.
func (s *Auth) Revision(ctx context.Context) (rev int64, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		_, err := t.Get("SELECT rev FROM auth_state WHERE id = 1", nil, &rev)
		return err
	})
	return rev, err
}

// change runs f in a transaction that changes who may do what.
func (s *Auth) change(ctx context.Context, f func(*Tx) error) error {
	return s.db.Update(ctx, func(t *Tx) error {
		if err := t.bumpAuth(); err != nil {
			return err
		}
		return f(t)
	})
}

func (t *Tx) bumpAuth() error {
	_, err := t.Exec("UPDATE auth_state SET rev = rev + 1 WHERE id = 1")
	return err
}

// grantMaker lets who made a thing manage it.
func (t *Tx) grantMaker(thing auth.Thing) error {
	i := auth.From(t.ctx)
	if i == nil {
		return nil
	}
	if err := t.bumpAuth(); err != nil {
		return err
	}
	_, err := t.Exec("INSERT INTO auth_grants (user_id, kind, thing, level) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		i.User.ID, string(thing.Kind), thing.ID, int64(auth.Manage))
	return err
}

// moveGrants makes the grants on one thing those of another; with "" as the
// other's id they are removed. What was granted on the other before is not kept.
func (t *Tx) moveGrants(kind auth.Kind, from, to string) error {
	if from == to {
		return nil
	}
	dropped, err := t.Exec("DELETE FROM auth_grants WHERE kind = ? AND thing = ?", string(kind), to)
	if err != nil {
		return err
	}
	query, args := "UPDATE auth_grants SET thing = ? WHERE kind = ? AND thing = ?", []any{to, string(kind), from}
	if to == "" {
		query, args = "DELETE FROM auth_grants WHERE kind = ? AND thing = ?", args[1:]
	}
	moved, err := t.Exec(query, args...)
	if err != nil || dropped+moved == 0 {
		return err
	}
	return t.bumpAuth()
}

const userColumns = "u.id, u.name, u.admin, u.hash, u.issuer, u.subject, u.created"

func (t *Tx) users(where string, args ...any) (list []auth.User, err error) {
	err = t.each("SELECT "+userColumns+" FROM auth_users u "+where, args, func(r *sql.Rows) error {
		var u auth.User
		var admin int64
		err := r.Scan(&u.ID, &u.Name, &admin, &u.Hash, &u.Issuer, &u.Subject, &u.Created)
		u.Admin = admin != 0
		list = append(list, u)
		return err
	})
	return list, err
}

func (t *Tx) user(name string) (*auth.User, error) {
	list, err := t.users("WHERE u.name = ?", name)
	if err == nil && len(list) == 0 {
		err = auth.NoUser(name)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// CreateUser adds a user.
func (s *Auth) CreateUser(ctx context.Context, u auth.User) (id int64, err error) {
	err = s.change(ctx, func(t *Tx) error {
		ok, err := t.Get("INSERT INTO auth_users (name, admin, hash, issuer, subject, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
			[]any{u.Name, bit(u.Admin), u.Hash, u.Issuer, u.Subject, u.Created}, &id)
		if err == nil && !ok {
			err = auth.TakenUser(u.Name)
		}
		return err
	})
	return id, err
}

// User returns a user by name.
func (s *Auth) User(ctx context.Context, name string) (u *auth.User, err error) {
	err = s.db.View(ctx, func(t *Tx) (err error) {
		u, err = t.user(name)
		return err
	})
	return u, err
}

// UserBySubject returns the account that an identity of a provider is bound to.
func (s *Auth) UserBySubject(ctx context.Context, issuer, subject string) (u *auth.User, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		list, err := t.users("WHERE u.issuer = ? AND u.subject = ? AND u.subject <> ''", issuer, subject)
		if err == nil && len(list) == 0 {
			err = errs.New(errs.NotFound, "no account is bound to %s of %s", subject, issuer)
		}
		if err == nil {
			u = &list[0]
		}
		return err
	})
	return u, err
}

// Users returns every user by name.
func (s *Auth) Users(ctx context.Context) (list []auth.User, err error) {
	err = s.db.View(ctx, func(t *Tx) (err error) {
		list, err = t.users("ORDER BY u.name")
		return err
	})
	return list, err
}

// keepAdmin refuses when u is the last admin.
func (t *Tx) keepAdmin(u *auth.User) error {
	if !u.Admin {
		return nil
	}
	var others int
	if _, err := t.Get("SELECT COUNT(*) FROM auth_users WHERE admin <> 0 AND id <> ?", []any{u.ID}, &others); err != nil {
		return err
	}
	if others == 0 {
		return auth.LastAdmin(u.Name)
	}
	return nil
}

// UpdateUser changes a user.
func (s *Auth) UpdateUser(ctx context.Context, name string, c auth.UserChange) error {
	return s.change(ctx, func(t *Tx) error {
		u, err := t.user(name)
		if err != nil {
			return err
		}
		if c.Admin != nil {
			if !*c.Admin {
				if err := t.keepAdmin(u); err != nil {
					return err
				}
			}
			if _, err := t.Exec("UPDATE auth_users SET admin = ? WHERE id = ?", bit(*c.Admin), u.ID); err != nil {
				return err
			}
		}
		if c.Hash == nil {
			return nil
		}
		if _, err := t.Exec("UPDATE auth_users SET hash = ? WHERE id = ?", *c.Hash, u.ID); err != nil {
			return err
		}
		_, err = t.Exec("DELETE FROM auth_sessions WHERE user_id = ?", u.ID)
		return err
	})
}

// DeleteUser removes a user and everything that was theirs.
func (s *Auth) DeleteUser(ctx context.Context, name string) error {
	return s.change(ctx, func(t *Tx) error {
		u, err := t.user(name)
		if err != nil {
			return err
		}
		if err := t.keepAdmin(u); err != nil {
			return err
		}
		_, err = t.Exec("DELETE FROM auth_users WHERE id = ?", u.ID)
		return err
	})
}

const tokenColumns = "k.id, u.name, k.name, k.hash, k.scope, k.created, k.expires, k.used"

func (t *Tx) tokens(where string, args ...any) (list []auth.Token, err error) {
	err = t.each("SELECT "+tokenColumns+" FROM auth_tokens k JOIN auth_users u ON u.id = k.user_id "+where, args, func(r *sql.Rows) error {
		var k auth.Token
		var scope string
		if err := r.Scan(&k.ID, &k.User, &k.Name, &k.Hash, &scope, &k.Created, &k.Expires, &k.Used); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(scope), &k.Scope); err != nil {
			return errs.New(errs.Internal, "the scope of token %s is garbled: %w", k.ID, err)
		}
		list = append(list, k)
		return nil
	})
	return list, err
}

// CreateToken adds a token.
func (s *Auth) CreateToken(ctx context.Context, k auth.Token) error {
	scope, err := json.Marshal(k.Scope)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(t *Tx) error {
		u, err := t.user(k.User)
		if err != nil {
			return err
		}
		_, err = t.Exec("INSERT INTO auth_tokens (id, user_id, name, hash, scope, created, expires, used) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
			k.ID, u.ID, k.Name, k.Hash, string(scope), k.Created, k.Expires)
		return err
	})
}

// Token returns a token by its public part.
func (s *Auth) Token(ctx context.Context, id string) (k *auth.Token, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		list, err := t.tokens("WHERE k.id = ?", id)
		if err == nil && len(list) == 0 {
			err = errs.New(errs.NotFound, "there is no token %s", id)
		}
		if err == nil {
			k = &list[0]
		}
		return err
	})
	return k, err
}

// Tokens returns the tokens of a user, or of everybody.
func (s *Auth) Tokens(ctx context.Context, user string) (list []auth.Token, err error) {
	err = s.db.View(ctx, func(t *Tx) (err error) {
		if user == "" {
			list, err = t.tokens("ORDER BY k.created, k.id")
		} else {
			list, err = t.tokens("WHERE u.name = ? ORDER BY k.created, k.id", user)
		}
		return err
	})
	return list, err
}

// DeleteToken revokes a token.
func (s *Auth) DeleteToken(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		n, err := t.Exec("DELETE FROM auth_tokens WHERE id = ?", id)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "there is no token %s", id)
		}
		return err
	})
}

// TouchToken notes when a token was used.
func (s *Auth) TouchToken(ctx context.Context, id string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		_, err := t.Exec("UPDATE auth_tokens SET used = ? WHERE id = ?", now, id)
		return err
	})
}
