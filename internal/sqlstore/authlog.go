package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// CreateSession adds a session.
func (s *Auth) CreateSession(ctx context.Context, v auth.Session) error {
	groups, err := json.Marshal(v.Groups)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(t *Tx) error {
		u, err := t.user(v.User)
		if err != nil {
			return err
		}
		_, err = t.Exec("INSERT INTO auth_sessions (hash, user_id, groups_claimed, admin, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
			v.Hash, u.ID, string(groups), bit(v.Admin), v.Created, v.Expires)
		return err
	})
}

// Session returns the session of a hashed cookie.
func (s *Auth) Session(ctx context.Context, hash string) (*auth.Session, error) {
	v := auth.Session{Hash: hash}
	err := s.db.View(ctx, func(t *Tx) error {
		var groups string
		var admin int64
		ok, err := t.Get("SELECT u.name, v.groups_claimed, v.admin, v.created, v.expires FROM auth_sessions v JOIN auth_users u ON u.id = v.user_id WHERE v.hash = ?",
			[]any{hash}, &v.User, &groups, &admin, &v.Created, &v.Expires)
		if err == nil && !ok {
			err = errs.New(errs.NotFound, "there is no such session")
		}
		if err != nil {
			return err
		}
		v.Admin = admin != 0
		return json.Unmarshal([]byte(groups), &v.Groups)
	})
	return &v, err
}

// DeleteSession ends a session; one that has ended already is no fault.
func (s *Auth) DeleteSession(ctx context.Context, hash string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		_, err := t.Exec("DELETE FROM auth_sessions WHERE hash = ?", hash)
		return err
	})
}

// Expire removes tokens and sessions that ended before now.
func (s *Auth) Expire(ctx context.Context, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		if _, err := t.Exec("DELETE FROM auth_sessions WHERE expires < ?", now); err != nil {
			return err
		}
		_, err := t.Exec("DELETE FROM auth_tokens WHERE expires < ?", now)
		return err
	})
}

// Record adds events to the audit log.
func (s *Auth) Record(ctx context.Context, list []auth.Event) error {
	values := make([]any, 0, 8*len(list))
	for _, e := range list {
		values = append(values, e.Time, e.User, e.Via, e.Token, e.From, e.Action, e.Target, int64(e.Status))
	}
	return s.db.Update(ctx, func(t *Tx) error {
		return t.bulk("INSERT INTO audit_log (time, user_name, via, token, source, action, target, status) VALUES ", "", 8, values)
	})
}

// Events returns events, the newest first.
func (s *Auth) Events(ctx context.Context, q auth.EventQuery) (list []auth.Event, err error) {
	var where []string
	var args []any
	and := func(use bool, cond string, arg any) {
		if use {
			where, args = append(where, cond), append(args, arg)
		}
	}
	and(q.User != "", "user_name = ?", q.User)
	and(q.Since != 0, "time >= ?", q.Since)
	and(q.Until != 0, "time < ?", q.Until)
	and(q.Refused, "status >= ?", 400)
	and(q.Action != "", "action LIKE ? ESCAPE '\\'", contains(q.Action))
	and(q.Target != "", "target LIKE ? ESCAPE '\\'", contains(q.Target))
	query := "SELECT time, user_name, via, token, source, action, target, status FROM audit_log"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	err = s.db.View(ctx, func(t *Tx) error {
		return t.each(query+" ORDER BY time DESC, id DESC LIMIT ?", append(args, limit), func(r *sql.Rows) error {
			var e auth.Event
			err := r.Scan(&e.Time, &e.User, &e.Via, &e.Token, &e.From, &e.Action, &e.Target, &e.Status)
			list = append(list, e)
			return err
		})
	})
	return list, err
}

// contains is the LIKE pattern of what contains a text.
func contains(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}
