package mlflow

import (
	"context"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// userRoutes are those of MLflow's basic authentication.
var userRoutes = []at{
	{"POST", "users/create", admin, "username!:string password!:string", createUser},
	{"GET", "users/get", selfOrAdmin, "username!:string", getUser},
	{"GET", "users/list", admin, "", listUsers},
	{"GET", "users/current", anyone, "", currentUser},
	{"PATCH", "users/update-password", selfOrAdmin, "username!:string password!:string current_password:string", updatePassword},
	{"PATCH", "users/update-admin", admin, "username!:string is_admin!:bool", func(c *call) error {
		return c.done(c.h.cfg.Auth.SetAdmin(c.r.Context(), c.str("username"), c.flag("is_admin")))
	}},
	{"DELETE", "users/delete", admin, "username!:string", func(c *call) error {
		return c.done(c.h.cfg.Auth.DeleteUser(c.r.Context(), c.str("username")))
	}},
	{"GET", "users/current/permissions", anyone, "", func(c *call) error { return c.held(auth.From(c.r.Context()).User.Name) }},
	{"GET", "users/permissions/list", selfOrAdmin, "username!:string", func(c *call) error { return c.held(c.str("username")) }},
	{"GET", "users/roles/list", selfOrAdmin, "username!:string", func(c *call) error {
		list, err := c.h.users().GroupsOf(c.r.Context(), c.str("username"))
		return c.groups(list, err)
	}},
}

// sender is the name of who asks, "" when nobody is asked who they are.
func (c *call) sender() string {
	if i := auth.From(c.r.Context()); i != nil {
		return i.User.Name
	}
	return ""
}

func (h *Handler) users() auth.Store { return h.cfg.Auth.Store() }

// selfOrAdmin wants that the request is about its sender, or of an admin.
func selfOrAdmin(c *call) error {
	i := auth.From(c.r.Context())
	if i != nil && i.User.Name == c.str("username") && (i.Via != "token" || c.r.Method == "GET") {
		return nil
	}
	return admin(c)
}

// wireUser is a user as both kinds of clients read it: those of 2.x want the
// lists of permissions.
type wireUser struct {
	ID          int64       `json:"id"`
	Name        string      `json:"username"`
	Admin       bool        `json:"is_admin"`
	Experiments []wireGrant `json:"experiment_permissions"`
	Models      []wireGrant `json:"registered_model_permissions"`
	Roles       []wireGroup `json:"roles,omitempty"`
}

// wireGrant is a permission on an experiment or a model.
type wireGrant struct {
	Experiment string `json:"experiment_id,omitempty"`
	Model      string `json:"name,omitempty"`
	User       int64  `json:"user_id"`
	Level      string `json:"permission"`
}

func grantToWire(g auth.Grant) wireGrant {
	w := wireGrant{User: g.User, Level: g.Level.String()}
	if g.Thing.Kind == auth.Experiment {
		w.Experiment = g.Thing.ID
	} else {
		w.Model = g.Thing.ID
	}
	return w
}

func (h *Handler) wireUser(ctx context.Context, u *auth.User) (wireUser, error) {
	w := wireUser{ID: u.ID, Name: u.Name, Admin: u.Admin, Experiments: []wireGrant{}, Models: []wireGrant{}}
	grants, err := h.users().Held(ctx, u.ID, nil)
	for _, g := range grants {
		switch {
		case g.User == 0:
		case g.Thing.Kind == auth.Experiment:
			w.Experiments = append(w.Experiments, grantToWire(g))
		default:
			w.Models = append(w.Models, grantToWire(g))
		}
	}
	return w, err
}

func (c *call) user(u *auth.User, err error) error {
	if err != nil {
		return err
	}
	w, err := c.h.wireUser(c.r.Context(), u)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"user": w})
}

func createUser(c *call) error {
	return c.user(c.h.cfg.Auth.CreateUser(c.r.Context(), c.str("username"), c.str("password"), false))
}

func getUser(c *call) error { return c.user(c.h.users().User(c.r.Context(), c.str("username"))) }

func listUsers(c *call) error {
	list, err := c.h.users().Users(c.r.Context())
	if err != nil {
		return err
	}
	out := make([]wireUser, len(list))
	for i := range list {
		if out[i], err = c.h.wireUser(c.r.Context(), &list[i]); err != nil {
			return err
		}
		groups, err := c.h.users().GroupsOf(c.r.Context(), list[i].Name)
		if err != nil {
			return err
		}
		out[i].Roles = wireGroups(groups)
	}
	return c.json(map[string]any{"users": out})
}

func currentUser(c *call) error {
	i := auth.From(c.r.Context())
	return c.json(map[string]any{
		"user":          map[string]any{"id": i.User.ID, "username": i.User.Name, "is_admin": i.Admin()},
		"is_basic_auth": i.Via == "password",
	})
}

// updatePassword wants the current password of someone who changes their own
// from a browser: a session that was stolen must not become an account that was.
func updatePassword(c *call) error {
	i, name, password := auth.From(c.r.Context()), c.str("username"), c.str("password")
	own := i.User.Name == name
	if current := c.str("current_password"); own && (current != "" || i.Via != "password") {
		if current == "" {
			return errs.New(errs.Invalid, "Current password is required when changing your own password.")
		}
		if _, err := c.h.cfg.Auth.ByPassword(c.r.Context(), name, current, auth.DeedOf(c.r.Context()).From); err != nil {
			if errs.Is(err, errs.Exhausted) {
				return err
			}
			return errs.New(errs.Invalid, "Current password does not match.")
		}
		if current == password {
			return errs.New(errs.Invalid, "New password must differ from the current password.")
		}
	}
	return c.done(c.h.cfg.Auth.SetPassword(c.r.Context(), name, password))
}

// held answers with everything a user was granted, themselves or through groups.
func (c *call) held(name string) error {
	ctx := c.r.Context()
	u, err := c.h.users().User(ctx, name)
	if err != nil {
		return err
	}
	grants, err := c.h.users().Held(ctx, u.ID, nil)
	if err != nil {
		return err
	}
	groups, err := c.h.users().GroupsOf(ctx, name)
	if err != nil {
		return err
	}
	byID := map[int64]auth.Group{0: {Name: ownGroup(u.ID), Workspace: defaultWorkspace}}
	for _, g := range groups {
		byID[g.ID] = g
	}
	rows := []map[string]any{}
	for _, g := range grants {
		rows = append(rows, map[string]any{
			"role_id": g.Group, "role_name": byID[g.Group].Name, "workspace": byID[g.Group].Workspace,
			"resource_type": g.Thing.Kind, "resource_pattern": g.Thing.ID, "permission": g.Level.String(),
		})
	}
	return c.json(map[string]any{"is_admin": u.Admin, "permissions": rows})
}

// thing reads what a grant shall be about.
func (c *call) thing(idField string) (auth.Thing, error) {
	t := auth.Thing{Kind: auth.Kind(c.str("resource_type")), ID: c.str(idField)}
	if t.Kind != auth.Experiment && t.Kind != auth.Model {
		return t, errs.New(errs.Invalid, "Invalid resource type '%s'. Valid resource types are: %s, %s", strings.ToValidUTF8(string(t.Kind), "?"), auth.Experiment, auth.Model)
	}
	return t, nil
}
