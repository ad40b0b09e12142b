package mlflow

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// grantRoutes say what single users may do with an experiment or a model.
var grantRoutes = []at{
	{"POST", "experiments/permissions/create", inExperiment(auth.Manage), "experiment_id!:string username!:string permission!:string", addGrant(auth.Experiment, "experiment_id")},
	{"GET", "experiments/permissions/get", inExperiment(auth.Manage), "experiment_id!:string username!:string", getGrant(auth.Experiment, "experiment_id")},
	{"PATCH", "experiments/permissions/update", inExperiment(auth.Manage), "experiment_id!:string username!:string permission!:string", setGrant(auth.Experiment, "experiment_id")},
	{"DELETE", "experiments/permissions/delete", inExperiment(auth.Manage), "experiment_id!:string username!:string", removeGrant(auth.Experiment, "experiment_id")},
	{"POST", "registered-models/permissions/create", ofModel(auth.Manage), "name!:string username!:string permission!:string", addGrant(auth.Model, "name")},
	{"GET", "registered-models/permissions/get", ofModel(auth.Manage), "name!:string username!:string", getGrant(auth.Model, "name")},
	{"PATCH", "registered-models/permissions/update", ofModel(auth.Manage), "name!:string username!:string permission!:string", setGrant(auth.Model, "name")},
	{"DELETE", "registered-models/permissions/delete", ofModel(auth.Manage), "name!:string username!:string", removeGrant(auth.Model, "name")},
	{"POST", "users/permissions/grant", ofResource(auth.Manage), "username!:string resource_type!:string resource_id!:string permission!:string", grantResource},
	{"POST", "users/permissions/revoke", ofResource(auth.Manage), "username!:string resource_type!:string resource_id!:string", revokeResource},
	{"GET", "users/permissions/get", selfOrResource, "username!:string resource_type!:string resource_id!:string", checkResource},
}

// ofResource wants a level on the thing that the request names by its kind.
// Only an admin grants everything of a kind.
func ofResource(l auth.Level) need {
	return func(c *call) error {
		t, err := c.thing("resource_id")
		if err != nil {
			return err
		}
		if t.ID == auth.All {
			return admin(c)
		}
		return c.h.require(c.r.Context(), t.Kind, t.ID, l)
	}
}

func selfOrResource(c *call) error {
	if selfOrAdmin(c) == nil {
		return nil
	}
	return ofResource(auth.Manage)(c)
}

// give adds a grant to a user.
func (c *call) give(t auth.Thing) (auth.Grant, error) {
	level, err := auth.ParseLevel(c.str("permission"))
	if err != nil {
		return auth.Grant{}, err
	}
	u, err := c.h.users().User(c.r.Context(), c.str("username"))
	if err != nil {
		return auth.Grant{}, err
	}
	g := auth.Grant{User: u.ID, Thing: t, Level: level}
	g.ID, err = c.h.users().AddGrant(c.r.Context(), g)
	return g, err
}

// grantee returns what the request's user was granted on the thing.
func (c *call) grantee(t auth.Thing) (*auth.Grant, error) {
	return c.h.users().GrantOf(c.r.Context(), c.str("username"), t)
}

func (c *call) grant(g auth.Grant, err error) error {
	if err != nil {
		return err
	}
	return c.json(map[string]any{map[auth.Kind]string{auth.Experiment: "experiment_permission", auth.Model: "registered_model_permission"}[g.Thing.Kind]: grantToWire(g)})
}

func addGrant(kind auth.Kind, field string) func(*call) error {
	return func(c *call) error { return c.grant(c.give(auth.Thing{Kind: kind, ID: c.str(field)})) }
}

func getGrant(kind auth.Kind, field string) func(*call) error {
	return func(c *call) error {
		g, err := c.grantee(auth.Thing{Kind: kind, ID: c.str(field)})
		if err != nil {
			return err
		}
		return c.grant(*g, nil)
	}
}

func setGrant(kind auth.Kind, field string) func(*call) error {
	return func(c *call) error {
		level, err := auth.ParseLevel(c.str("permission"))
		if err != nil {
			return err
		}
		g, err := c.grantee(auth.Thing{Kind: kind, ID: c.str(field)})
		if err != nil {
			return err
		}
		_, err = c.h.users().SetGrant(c.r.Context(), g.ID, level)
		return c.done(err)
	}
}

func removeGrant(kind auth.Kind, field string) func(*call) error {
	return func(c *call) error { return c.take(auth.Thing{Kind: kind, ID: c.str(field)}) }
}

func (c *call) take(t auth.Thing) error {
	g, err := c.grantee(t)
	if err != nil {
		return err
	}
	return c.done(c.h.users().RemoveGrant(c.r.Context(), g.ID))
}

func grantResource(c *call) error {
	t, err := c.thing("resource_id")
	if err != nil {
		return err
	}
	_, err = c.give(t)
	if errs.Is(err, errs.Exists) {
		g, err2 := c.grantee(t)
		if err2 != nil {
			return err2
		}
		level, _ := auth.ParseLevel(c.str("permission"))
		_, err = c.h.users().SetGrant(c.r.Context(), g.ID, level)
	}
	return c.done(err)
}

func revokeResource(c *call) error {
	t, err := c.thing("resource_id")
	if err != nil {
		return err
	}
	return c.take(t)
}

func checkResource(c *call) error {
	t, err := c.thing("resource_id")
	if err != nil {
		return err
	}
	level, err := c.h.cfg.Auth.LevelOf(c.r.Context(), c.str("username"), t)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"allowed": level >= auth.Use, "permission": level.String()})
}
