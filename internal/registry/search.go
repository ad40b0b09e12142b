package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filter"
)

// Query is a checked search. Entities of Clauses and Order are "attribute" or
// "tag".
type Query struct {
	Clauses []filter.Clause
	Order   []filter.Order // the default order is appended already
	Limit   int
	Token   string
	Prompts bool // models that are prompts are wanted too
}

// Search is a search as a client words it.
type Search struct {
	Filter  string
	OrderBy []string
	Limit   int // 0 means the default of the search
	Token   string
}

// PromptTag marks registered models that are prompts.
const PromptTag = "mlflow.prompt.is_prompt"

type schema struct {
	attributes map[string]string // spelling → name
	numeric    []string
	inList     []string
	ordered    map[string]string
	badOrder   string // how the refusal of an ordering begins
}

var modelSchema = schema{
	attributes: map[string]string{"name": "name"}, badOrder: "Invalid order by key",
	ordered: map[string]string{
		"name": "name", "timestamp": "last_updated_timestamp", "last_updated_timestamp": "last_updated_timestamp", "creation_timestamp": "creation_timestamp",
	},
}

var versionSchema = schema{
	attributes: map[string]string{
		"name": "name", "source_path": "source_path", "run_id": "run_id", "version_number": "version_number", "version": "version_number",
		"creation_timestamp": "creation_timestamp", "last_updated_timestamp": "last_updated_timestamp",
	},
	numeric: []string{"version_number", "creation_timestamp", "last_updated_timestamp"},
	inList:  []string{"run_id", "name"}, badOrder: "Invalid attribute key",
	ordered: map[string]string{
		"name": "name", "version_number": "version_number", "creation_timestamp": "creation_timestamp", "last_updated_timestamp": "last_updated_timestamp",
	},
}

func (s schema) clauses(text string) ([]filter.Clause, error) {
	list, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.clause(&list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s schema) clause(c *filter.Clause) error {
	ops := []filter.Op{filter.Eq, filter.Ne, filter.Like, filter.ILike}
	numeric := false
	switch c.Entity {
	case "", "attribute", "attributes":
		name, ok := s.attributes[c.Key]
		if !ok {
			return errs.New(errs.Invalid, "Invalid attribute key '%s' specified. Valid keys are '%s'", c.Key, names(s.attributes))
		}
		c.Entity, c.Key = "attribute", name
		if numeric = slices.Contains(s.numeric, name); numeric {
			ops = []filter.Op{filter.Eq, filter.Ne, filter.Lt, filter.Le, filter.Gt, filter.Ge}
		} else if slices.Contains(s.inList, name) {
			ops = append(ops, filter.In, filter.NotIn)
		}
	case "tag", "tags":
		c.Entity = "tag"
		ops = append(ops, filter.IsNull, filter.NotNull)
	default:
		return errs.New(errs.Invalid, "Invalid entity type '%s'. Valid values are attribute, tag", c.Entity)
	}
	if !slices.Contains(ops, c.Op) {
		return errs.New(errs.Invalid, "Invalid comparator for %s: %s. '%s' is not one of %v", c.Entity, c.Op, c.Op, ops)
	}
	switch {
	case c.Value.Kind == filter.Word || (!numeric && c.Value.Kind == filter.Number):
		return errs.New(errs.Invalid, "Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", c.Value.Text)
	case numeric && c.Value.Kind != filter.Number:
		return errs.New(errs.Invalid, "Expected numeric value type for numeric attribute: %s. Found %s", c.Key, c.Value.Text)
	}
	for _, v := range c.Value.List {
		if v.Kind != filter.String {
			return errs.New(errs.Invalid, "Expected quoted string values in the list for '%s'. Got value %s", c.Key, v.Text)
		}
	}
	return nil
}

func names(m map[string]string) string {
	var out []string
	for k := range m {
		out = append(out, "'"+k+"'")
	}
	slices.Sort(out)
	return "{" + strings.Join(out, ", ") + "}"
}

func (s schema) order(texts []string, defaults ...filter.Order) ([]filter.Order, error) {
	list, err := filter.ParseOrders(texts)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range list {
		o := &list[i]
		name, ok := s.ordered[o.Key]
		if !ok || !slices.Contains([]string{"", "attribute", "attributes"}, o.Entity) {
			return nil, errs.New(errs.Invalid, "%s '%s' specified. Valid keys are '%s'", s.badOrder, o.Key, names(s.ordered))
		}
		o.Entity, o.Key = "attribute", name
		if seen[name] {
			return nil, errs.New(errs.Invalid, "`order_by` contains duplicate fields: %v", texts)
		}
		seen[name] = true
	}
	for _, d := range defaults {
		if d.Entity = "attribute"; !seen[d.Key] {
			list = append(list, d)
		}
	}
	return list, nil
}

func limitOf(n, unset, most int) (int, error) {
	switch {
	case n == 0:
		return unset, nil
	case n < 0:
		return 0, errs.New(errs.Invalid, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", n)
	case n > most:
		return 0, errs.New(errs.Invalid, "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", n, most)
	}
	return n, nil
}

// promptClauses says whether a filter asks for prompts. The clauses that only say
// that it does not are taken out, because models have no such tag.
func promptClauses(list []filter.Clause) ([]filter.Clause, bool) {
	wanted := false
	out := slices.DeleteFunc(list, func(c filter.Clause) bool {
		if c.Entity != "tag" || c.Key != PromptTag {
			return false
		}
		is := c.Op == filter.Eq && strings.EqualFold(c.Value.Text, "true") || c.Op == filter.Ne && strings.EqualFold(c.Value.Text, "false")
		wanted = wanted || is
		return !is || c.Op == filter.Ne
	})
	return out, wanted
}

// SearchModels returns one page of models and the token of the next, or "".
// Prompts are hidden unless the filter speaks of their tag.
func (s *Service) SearchModels(ctx context.Context, q Search) ([]*Model, string, error) {
	limit, err := limitOf(q.Limit, 100, 1000)
	if err != nil {
		return nil, "", err
	}
	clauses, err := modelSchema.clauses(q.Filter)
	if err != nil {
		return nil, "", err
	}
	order, err := modelSchema.order(q.OrderBy, filter.Order{Key: "name"})
	if err != nil {
		return nil, "", err
	}
	clauses, prompts := promptClauses(clauses)
	return s.store.SearchModels(ctx, Query{clauses, order, limit, q.Token, prompts})
}

// SearchVersions returns one page of versions and the token of the next, or "".
func (s *Service) SearchVersions(ctx context.Context, q Search) ([]*Version, string, error) {
	limit, err := limitOf(q.Limit, 200000, 200000)
	if err != nil {
		return nil, "", err
	}
	clauses, err := versionSchema.clauses(q.Filter)
	if err != nil {
		return nil, "", err
	}
	order, err := versionSchema.order(q.OrderBy, filter.Order{Key: "last_updated_timestamp", Desc: true}, filter.Order{Key: "name"}, filter.Order{Key: "version_number", Desc: true})
	if err != nil {
		return nil, "", err
	}
	clauses, prompts := promptClauses(clauses)
	return s.store.SearchVersions(ctx, Query{clauses, order, limit, q.Token, prompts})
}
