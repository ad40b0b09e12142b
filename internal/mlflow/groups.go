package mlflow

import (
	"fmt"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// defaultWorkspace is MLflow's name of the workspace that always exists.
const defaultWorkspace = "default"

// ownGroup is how MLflow's clients know what a user was granted themselves.
func ownGroup(user int64) string { return fmt.Sprintf("__user_%d__", user) }

// groupRoutes keep groups, which MLflow's clients call roles.
var groupRoutes = []at{
	{"POST", "roles/create", admin, "name!:string workspace:string description:string", createGroup},
	{"GET", "roles/get", admin, "role_id!:int", func(c *call) error { return c.group(c.num("role_id")) }},
	{"GET", "roles/list", admin, "workspace:strings", listGroups},
	{"PATCH", "roles/update", admin, "role_id!:int name:string description:string", updateGroup},
	{"DELETE", "roles/delete", admin, "role_id!:int", func(c *call) error {
		return c.done(c.h.users().DeleteGroup(c.r.Context(), c.num("role_id")))
	}},
	{"POST", "roles/assign", admin, "username!:string role_id!:int", assignGroup},
	{"DELETE", "roles/unassign", admin, "username!:string role_id!:int", func(c *call) error {
		return c.done(c.h.users().Leave(c.r.Context(), c.str("username"), c.num("role_id")))
	}},
	{"GET", "roles/users/list", admin, "role_id!:int", listMembers},
	{"POST", "roles/permissions/add", admin, "role_id!:int resource_type!:string resource_pattern!:string permission!:string", addGroupGrant},
	{"DELETE", "roles/permissions/remove", admin, "role_permission_id!:int", func(c *call) error {
		return c.done(c.h.users().RemoveGrant(c.r.Context(), c.num("role_permission_id")))
	}},
	{"GET", "roles/permissions/list", admin, "role_id!:int", func(c *call) error {
		g, err := c.h.users().Group(c.r.Context(), c.num("role_id"))
		if err != nil {
			return err
		}
		return c.json(map[string]any{"role_permissions": wireGroupOf(*g).Grants})
	}},
	{"PATCH", "roles/permissions/update", admin, "role_permission_id!:int permission!:string", updateGroupGrant},
}

type wireGroup struct {
	ID          int64            `json:"id"`
	Name        string           `json:"name"`
	Workspace   string           `json:"workspace"`
	Description *string          `json:"description"`
	Grants      []wireGroupGrant `json:"permissions"`
}

type wireGroupGrant struct {
	ID      int64     `json:"id"`
	Group   int64     `json:"role_id"`
	Kind    auth.Kind `json:"resource_type"`
	Pattern string    `json:"resource_pattern"`
	Level   string    `json:"permission"`
}

func groupGrantToWire(g auth.Grant) wireGroupGrant {
	return wireGroupGrant{g.ID, g.Group, g.Thing.Kind, g.Thing.ID, g.Level.String()}
}

func wireGroupOf(g auth.Group) wireGroup {
	w := wireGroup{ID: g.ID, Name: g.Name, Workspace: g.Workspace, Grants: []wireGroupGrant{}}
	if g.Description != "" {
		w.Description = &g.Description
	}
	for _, one := range g.Grants {
		w.Grants = append(w.Grants, groupGrantToWire(one))
	}
	return w
}

func wireGroups(list []auth.Group) []wireGroup {
	out := make([]wireGroup, len(list))
	for i, g := range list {
		out[i] = wireGroupOf(g)
	}
	return out
}

func (c *call) group(id int64) error {
	g, err := c.h.users().Group(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"role": wireGroupOf(*g)})
}

func (c *call) groups(list []auth.Group, err error) error {
	if err != nil {
		return err
	}
	return c.json(map[string]any{"roles": wireGroups(list)})
}

func createGroup(c *call) error {
	if strings.TrimSpace(c.str("name")) == "" {
		return errs.New(errs.Invalid, "Role name cannot be empty.")
	}
	g := auth.Group{Name: c.str("name"), Workspace: c.str("workspace"), Description: c.str("description")}
	if g.Workspace == "" {
		g.Workspace = defaultWorkspace
	}
	if len(g.Name) > auth.MaxName || len(g.Workspace) > auth.MaxName {
		return errs.New(errs.Invalid, "Names of roles and workspaces have at most %d bytes.", auth.MaxName)
	}
	id, err := c.h.users().CreateGroup(c.r.Context(), g)
	if err != nil {
		return err
	}
	return c.group(id)
}

func listGroups(c *call) error {
	list, err := c.h.users().Groups(c.r.Context())
	wanted := c.strs("workspace")
	kept := make([]auth.Group, 0, len(list))
	for _, g := range list {
		match := len(wanted) == 0
		for _, w := range wanted {
			match = match || w == g.Workspace
		}
		if match {
			kept = append(kept, g)
		}
	}
	return c.groups(kept, err)
}

func updateGroup(c *call) error {
	g, err := c.h.users().Group(c.r.Context(), c.num("role_id"))
	if err != nil {
		return err
	}
	if !c.has("name") && !c.has("description") {
		return errs.New(errs.Invalid, "At least one of 'name' or 'description' must be provided to update a role.")
	}
	if c.has("name") {
		g.Name = c.str("name")
	}
	if c.has("description") {
		g.Description = c.str("description")
	}
	if strings.TrimSpace(g.Name) == "" || len(g.Name) > auth.MaxName {
		return errs.New(errs.Invalid, "Role name cannot be empty.")
	}
	if err := c.h.users().UpdateGroup(c.r.Context(), *g); err != nil {
		return err
	}
	return c.group(g.ID)
}

func wireMember(m auth.Membership) map[string]int64 {
	return map[string]int64{"id": m.ID, "user_id": m.User, "role_id": m.Group}
}

func assignGroup(c *call) error {
	m, err := c.h.users().Join(c.r.Context(), c.str("username"), c.num("role_id"))
	if err != nil {
		return err
	}
	return c.json(map[string]any{"assignment": wireMember(m)})
}

func listMembers(c *call) error {
	list, err := c.h.users().Members(c.r.Context(), c.num("role_id"))
	if err != nil {
		return err
	}
	out := make([]map[string]int64, len(list))
	for i, m := range list {
		out[i] = wireMember(m)
	}
	return c.json(map[string]any{"assignments": out})
}

func addGroupGrant(c *call) error {
	t, err := c.thing("resource_pattern")
	if err != nil {
		return err
	}
	level, err := auth.ParseLevel(c.str("permission"))
	if err != nil {
		return err
	}
	g := auth.Grant{Group: c.num("role_id"), Thing: t, Level: level}
	if g.ID, err = c.h.users().AddGrant(c.r.Context(), g); err != nil {
		return err
	}
	return c.json(map[string]any{"role_permission": groupGrantToWire(g)})
}

func updateGroupGrant(c *call) error {
	level, err := auth.ParseLevel(c.str("permission"))
	if err != nil {
		return err
	}
	g, err := c.h.users().SetGrant(c.r.Context(), c.num("role_permission_id"), level)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"role_permission": groupGrantToWire(*g)})
}
