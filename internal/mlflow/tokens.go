package mlflow

import (
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// tokenRoutes are our own: MLflow has no tokens of users.
var tokenRoutes = []at{
	{"POST", "drivecast/tokens/create", ownTokens, "username:string name!:string scope:string days:int", createToken},
	{"GET", "drivecast/tokens/list", ownTokens, "username:string", listTokens},
	{"DELETE", "drivecast/tokens/delete", anyone, "token_id!:string", deleteToken},
	{"GET", "drivecast/audit", admin, "username:string action:string target:string since:int until:int refused:bool max_results:int", listEvents},
}

// defaultTokenDays is how long a token is valid when its maker does not say.
const defaultTokenDays = 90

// owner is whose tokens the request is about.
func (c *call) owner() string {
	if name := c.str("username"); name != "" {
		return name
	}
	return auth.From(c.r.Context()).User.Name
}

func ownTokens(c *call) error {
	if i := auth.From(c.r.Context()); i != nil && i.User.Name == c.owner() {
		return nil
	}
	return admin(c)
}

func wireToken(t auth.Token) map[string]any {
	return map[string]any{
		"token_id": t.ID, "username": t.User, "name": t.Name, "scope": t.Scope.String(),
		"creation_time": t.Created, "expiration_time": t.Expires, "last_used_time": t.Used,
	}
}

func createToken(c *call) error {
	scope := auth.Scope{Level: auth.Manage}
	if c.has("scope") {
		var err error
		if scope, err = auth.ParseScope(c.str("scope")); err != nil {
			return err
		}
	}
	days := int64(defaultTokenDays)
	if c.has("days") {
		days = c.num("days")
	}
	if days > int64(auth.MaxTokenLife.Hours()/24) {
		return errs.New(errs.Invalid, "a token may be valid for up to %d days, not %d", int(auth.MaxTokenLife.Hours()/24), days)
	}
	text, t, err := c.h.cfg.Auth.NewToken(c.r.Context(), c.owner(), c.str("name"), scope, time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	auth.DeedOf(c.r.Context()).Target += " token_id=" + t.ID
	c.w.Header().Set("Cache-Control", "no-store")
	out := wireToken(t)
	out["token"] = text
	return c.json(out)
}

func listTokens(c *call) error {
	list, err := c.h.users().Tokens(c.r.Context(), c.owner())
	if err != nil {
		return err
	}
	out := make([]map[string]any, len(list))
	for i, t := range list {
		out[i] = wireToken(t)
	}
	return c.json(map[string]any{"tokens": out})
}

// deleteToken revokes a token of one's own; those of others are an admin's.
func deleteToken(c *call) error {
	t, err := c.h.users().Token(c.r.Context(), c.str("token_id"))
	if err != nil {
		return err
	}
	if auth.From(c.r.Context()).User.Name != t.User {
		if err := admin(c); err != nil {
			return errs.New(errs.NotFound, "there is no token %s", t.ID)
		}
	}
	return c.done(c.h.users().DeleteToken(c.r.Context(), t.ID))
}

func listEvents(c *call) error {
	list, err := c.h.users().Events(c.r.Context(), auth.EventQuery{
		User: c.str("username"), Action: c.str("action"), Target: c.str("target"), Since: c.num("since"), Until: c.num("until"),
		Refused: c.flag("refused"), Limit: int(min(c.num("max_results"), 10_000)),
	})
	if err != nil {
		return err
	}
	if list == nil {
		list = []auth.Event{}
	}
	return c.json(map[string]any{"events": list})
}
