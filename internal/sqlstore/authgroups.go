package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/internal/auth"
)

func (t *Tx) groups(where string, args ...any) (list []auth.Group, err error) {
	err = t.each("SELECT g.id, g.workspace, g.name, g.description FROM auth_groups g "+where, args, func(r *sql.Rows) error {
		var g auth.Group
		err := r.Scan(&g.ID, &g.Workspace, &g.Name, &g.Description)
		list = append(list, g)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := make(map[int64]int, len(list))
	ids := make([]any, len(list))
	for i, g := range list {
		at[g.ID], ids[i] = i, g.ID
	}
	return list, eachChunk(ids, func(m string, ids []any) error {
		grants, err := t.grants("WHERE group_id IN "+m+" ORDER BY id", ids...)
		for _, one := range grants {
			g := &list[at[one.Group]]
			g.Grants = append(g.Grants, one)
		}
		return err
	})
}

func (t *Tx) group(id int64) (*auth.Group, error) {
	list, err := t.groups("WHERE g.id = ?", id)
	if err == nil && len(list) == 0 {
		err = auth.NoGroup(id)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// CreateGroup adds a group without members or grants.
func (s *Auth) CreateGroup(ctx context.Context, g auth.Group) (id int64, err error) {
	err = s.change(ctx, func(t *Tx) error {
		ok, err := t.Get("INSERT INTO auth_groups (workspace, name, description) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
			[]any{g.Workspace, g.Name, g.Description}, &id)
		if err == nil && !ok {
			err = auth.TakenGroup(g.Name, g.Workspace)
		}
		return err
	})
	return id, err
}

// Group returns a group with its grants.
func (s *Auth) Group(ctx context.Context, id int64) (g *auth.Group, err error) {
	err = s.db.View(ctx, func(t *Tx) (err error) {
		g, err = t.group(id)
		return err
	})
	return g, err
}

// Groups returns every group.
func (s *Auth) Groups(ctx context.Context) (list []auth.Group, err error) {
	err = s.db.View(ctx, func(t *Tx) (err error) {
		list, err = t.groups("ORDER BY g.id")
		return err
	})
	return list, err
}

// GroupsOf returns the groups that a user is a member of.
func (s *Auth) GroupsOf(ctx context.Context, user string) (list []auth.Group, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		u, err := t.user(user)
		if err == nil {
			list, err = t.groups("WHERE g.id IN (SELECT group_id FROM auth_members WHERE user_id = ?) ORDER BY g.id", u.ID)
		}
		return err
	})
	return list, err
}

// UpdateGroup changes the name and description of a group.
func (s *Auth) UpdateGroup(ctx context.Context, g auth.Group) error {
	return s.change(ctx, func(t *Tx) error {
		var taken int
		if _, err := t.Get("SELECT COUNT(*) FROM auth_groups WHERE workspace = ? AND name = ? AND id <> ?", []any{g.Workspace, g.Name, g.ID}, &taken); err != nil {
			return err
		}
		if taken > 0 {
			return auth.TakenGroup(g.Name, g.Workspace)
		}
		n, err := t.Exec("UPDATE auth_groups SET name = ?, description = ? WHERE id = ?", g.Name, g.Description, g.ID)
		if err == nil && n == 0 {
			err = auth.NoGroup(g.ID)
		}
		return err
	})
}

// DeleteGroup removes a group with its memberships and grants.
func (s *Auth) DeleteGroup(ctx context.Context, id int64) error {
	return s.change(ctx, func(t *Tx) error {
		n, err := t.Exec("DELETE FROM auth_groups WHERE id = ?", id)
		if err == nil && n == 0 {
			err = auth.NoGroup(id)
		}
		return err
	})
}

// Join makes a user a member of a group.
func (s *Auth) Join(ctx context.Context, user string, group int64) (m auth.Membership, err error) {
	err = s.change(ctx, func(t *Tx) error {
		u, err := t.user(user)
		if err != nil {
			return err
		}
		if _, err := t.group(group); err != nil {
			return err
		}
		m = auth.Membership{User: u.ID, Group: group}
		ok, err := t.Get("INSERT INTO auth_members (user_id, group_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id", []any{u.ID, group}, &m.ID)
		if err == nil && !ok {
			err = auth.TakenGrant("user=" + user + " in role=" + strconv.FormatInt(group, 10))
		}
		return err
	})
	return m, err
}

// Leave ends a membership.
func (s *Auth) Leave(ctx context.Context, user string, group int64) error {
	return s.change(ctx, func(t *Tx) error {
		u, err := t.user(user)
		if err != nil {
			return err
		}
		n, err := t.Exec("DELETE FROM auth_members WHERE user_id = ? AND group_id = ?", u.ID, group)
		if err == nil && n == 0 {
			err = auth.NoGrant("user=" + user + " in role=" + strconv.FormatInt(group, 10))
		}
		return err
	})
}

// Members returns who is in a group.
func (s *Auth) Members(ctx context.Context, group int64) (list []auth.Membership, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		if _, err := t.group(group); err != nil {
			return err
		}
		return t.each("SELECT id, user_id, group_id FROM auth_members WHERE group_id = ? ORDER BY id", []any{group}, func(r *sql.Rows) error {
			var m auth.Membership
			err := r.Scan(&m.ID, &m.User, &m.Group)
			list = append(list, m)
			return err
		})
	})
	return list, err
}

func (t *Tx) grants(where string, args ...any) (list []auth.Grant, err error) {
	err = t.each("SELECT id, user_id, group_id, kind, thing, level FROM auth_grants "+where, args, func(r *sql.Rows) error {
		var g auth.Grant
		var user, group sql.NullInt64
		var kind string
		var level int64
		err := r.Scan(&g.ID, &user, &group, &kind, &g.Thing.ID, &level)
		g.User, g.Group, g.Thing.Kind, g.Level = user.Int64, group.Int64, auth.Kind(kind), auth.Level(level)
		list = append(list, g)
		return err
	})
	return list, err
}

// AddGrant adds a grant.
func (s *Auth) AddGrant(ctx context.Context, g auth.Grant) (id int64, err error) {
	owner, who := "user_id", g.User
	if g.Group != 0 {
		owner, who = "group_id", g.Group
	}
	err = s.change(ctx, func(t *Tx) error {
		if g.Group != 0 {
			if _, err := t.group(g.Group); err != nil {
				return err
			}
		}
		ok, err := t.Get("INSERT INTO auth_grants ("+owner+", kind, thing, level) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
			[]any{who, string(g.Thing.Kind), g.Thing.ID, int64(g.Level)}, &id)
		if err == nil && !ok {
			err = auth.TakenGrant(g.Thing.String())
		}
		return err
	})
	return id, err
}

// SetGrant changes the level of a grant.
func (s *Auth) SetGrant(ctx context.Context, id int64, l auth.Level) (g *auth.Grant, err error) {
	err = s.change(ctx, func(t *Tx) error {
		if _, err := t.Exec("UPDATE auth_grants SET level = ? WHERE id = ?", int64(l), id); err != nil {
			return err
		}
		g, err = t.oneGrant("id="+strconv.FormatInt(id, 10), "WHERE id = ?", id)
		return err
	})
	return g, err
}

func (t *Tx) oneGrant(what, where string, args ...any) (*auth.Grant, error) {
	list, err := t.grants(where, args...)
	if err == nil && len(list) == 0 {
		err = auth.NoGrant(what)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// RemoveGrant removes a grant.
func (s *Auth) RemoveGrant(ctx context.Context, id int64) error {
	return s.change(ctx, func(t *Tx) error {
		n, err := t.Exec("DELETE FROM auth_grants WHERE id = ?", id)
		if err == nil && n == 0 {
			err = auth.NoGrant("id=" + strconv.FormatInt(id, 10))
		}
		return err
	})
}

// GrantOf returns what a user was granted on a thing.
func (s *Auth) GrantOf(ctx context.Context, user string, thing auth.Thing) (g *auth.Grant, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		u, err := t.user(user)
		if err != nil {
			return err
		}
		g, err = t.oneGrant("user="+user+" on "+thing.String(), "WHERE user_id = ? AND kind = ? AND thing = ?", u.ID, string(thing.Kind), thing.ID)
		return err
	})
	return g, err
}

// Held returns the grants of a user, of their groups, and of the named groups.
func (s *Auth) Held(ctx context.Context, user int64, groups []string) (list []auth.Grant, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		list, err = t.grants("WHERE user_id = ? OR group_id IN (SELECT group_id FROM auth_members WHERE user_id = ?) ORDER BY id", user, user)
		if err != nil {
			return err
		}
		names := make([]any, len(groups))
		for i, g := range groups {
			names[i] = g
		}
		return eachChunk(names, func(m string, names []any) error {
			more, err := t.grants("WHERE group_id IN (SELECT id FROM auth_groups WHERE name IN "+m+") ORDER BY id", names...)
			list = append(list, more...)
			return err
		})
	})
	return list, err
}
