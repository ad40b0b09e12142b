package mlflow

import (
	"net/http"
	"net/url"
	"unicode"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
)

// The headers in which clients say who changes the registry and why, in the
// escapes of a URL's query. The name counts only until somebody checks it.
const (
	UserHeader   = "X-Drivecast-User"
	ReasonHeader = "X-Drivecast-Reason"
)

const (
	maxWho = 256 // characters of what a client says
	maxWhy = 2000
)

// acting returns the request with its actor in the context.
func (h *Handler) acting(r *http.Request) *http.Request {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r
	}
	a := registry.Actor{Who: said(r, UserHeader, maxWho), Why: said(r, ReasonHeader, maxWhy)}
	if i := auth.From(r.Context()); i != nil {
		a.Who, a.Verified = i.User.Name, true
	}
	return r.WithContext(registry.WithActor(r.Context(), a))
}

func said(r *http.Request, header string, limit int) string {
	text, err := url.QueryUnescape(r.Header.Get(header))
	if err != nil || !utf8.ValidString(text) {
		return ""
	}
	out := []rune(text)
	for i, c := range out {
		if unicode.IsControl(c) {
			out[i] = ' '
		}
	}
	return string(out[:min(len(out), limit)])
}

// modelHistory answers who moved which version, alias or stage of a model; with
// alias and at (milliseconds since 1970), which version the alias named then.
func modelHistory(c *call) error {
	name, alias := c.str("name"), c.str("alias")
	if !c.has("at") {
		t, err := c.h.Models.History(c.r.Context(), name)
		if err != nil {
			return err
		}
		if alias != "" {
			all := t.Moves
			t.Moves = []registry.Move{}
			for _, m := range all {
				if m.What == registry.MovedAlias && m.Key == alias {
					t.Moves = append(t.Moves, m)
				}
			}
		}
		return c.json(t)
	}
	if alias == "" {
		return errs.New(errs.Invalid, "Missing value for required parameter 'alias': 'at' asks which version an alias named")
	}
	version, move, err := c.h.Models.AliasAt(c.r.Context(), name, alias, c.num("at"))
	if err != nil {
		return err
	}
	return c.json(map[string]any{"name": name, "alias": alias, "version": version, "since": move})
}
