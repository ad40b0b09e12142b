package tracking

import (
	"context"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filter"
)

// Search is a search as a client words it.
type Search struct {
	ExperimentIDs []string
	Filter        string
	View          View
	OrderBy       []string
	Limit         int // 0 means the default of the search
	Token         string
	Have          func(id string, rev int64) bool // see Query.Have
	Form          string                          // see Query.Form
}

// field says how an attribute can be compared.
type field struct {
	name    string
	numeric bool
}

// schema is what one search knows: entities by every spelling, attributes by
// every spelling.
type schema struct {
	entities map[string]string
	fields   map[string]field
	inList   []string // attributes that take IN and NOT IN
}

var runSchema = schema{
	entities: map[string]string{
		"": "attribute", "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
		"metric": "metric", "metrics": "metric", "param": "param", "params": "param", "parameter": "param", "parameters": "param",
		"tag": "tag", "tags": "tag", "dataset": "dataset", "datasets": "dataset",
	},
	fields: map[string]field{
		"run_id": {"run_id", false}, "run_name": {"run_name", false}, "run name": {"run_name", false}, "Run name": {"run_name", false},
		"Run Name": {"run_name", false}, "user_id": {"user_id", false}, "User": {"user_id", false}, "status": {"status", false},
		"artifact_uri": {"artifact_uri", false}, "experiment_id": {"experiment_id", false}, "lifecycle_stage": {"lifecycle_stage", false},
		"start_time": {"start_time", true}, "created": {"start_time", true}, "Created": {"start_time", true}, "end_time": {"end_time", true},
	},
	inList: []string{"run_id", "status", "user_id", "run_name", "artifact_uri"},
}

var experimentSchema = schema{
	entities: map[string]string{"": "attribute", "attribute": "attribute", "attributes": "attribute", "tag": "tag", "tags": "tag"},
	fields: map[string]field{
		"name": {"name", false}, "creation_time": {"creation_time", true}, "last_update_time": {"last_update_time", true},
		"experiment_id": {"experiment_id", true},
	},
	inList: []string{"name"},
}

// clauses gives every clause its canonical entity and key, and refuses what the
// search does not know.
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
	numeric := false
	entity, ok := s.entities[c.Entity]
	if !ok {
		return errs.New(errs.Invalid, "Invalid entity type '%s'. Valid values are %s", c.Entity, s.entityNames())
	}
	c.Entity = entity
	switch c.Entity {
	case "attribute":
		f, ok := s.fields[c.Key]
		if !ok {
			return errs.New(errs.Invalid, "Invalid attribute key '%s' specified. Valid keys are '%s'", c.Key, s.fieldNames())
		}
		c.Key, numeric = f.name, f.numeric
	case "metric":
		numeric = true
	case "dataset":
		if !slices.Contains([]string{"name", "digest", "context"}, c.Key) {
			return errs.New(errs.Invalid, "Invalid dataset key '%s' specified. Valid keys are name, digest, context", c.Key)
		}
	}
	return s.compare(c, numeric)
}

func (s schema) compare(c *filter.Clause, numeric bool) error {
	var ops []filter.Op
	switch {
	case numeric:
		ops = []filter.Op{filter.Gt, filter.Ge, filter.Ne, filter.Eq, filter.Lt, filter.Le}
	case c.Entity == "tag" || c.Entity == "param":
		ops = []filter.Op{filter.Eq, filter.Ne, filter.Like, filter.ILike, filter.IsNull, filter.NotNull}
	case c.Entity == "dataset" || slices.Contains(s.inList, c.Key):
		ops = []filter.Op{filter.Eq, filter.Ne, filter.Like, filter.ILike, filter.In, filter.NotIn}
	default:
		ops = []filter.Op{filter.Eq, filter.Ne, filter.Like, filter.ILike}
	}
	if !slices.Contains(ops, c.Op) {
		return errs.New(errs.Invalid, "Invalid comparator '%s' not one of '%s' for %s '%s'", c.Op, quoted(ops), c.Entity, c.Key)
	}
	switch {
	case c.Value.Kind == filter.Word:
		return errs.New(errs.Invalid, "Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", c.Value.Text)
	case numeric && c.Value.Kind != filter.Number:
		return errs.New(errs.Invalid, "Expected numeric value type for %s. Found '%s'", c.Entity, c.Value.Text)
	case !numeric && c.Value.Kind == filter.Number:
		return errs.New(errs.Invalid, "Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", c.Entity, c.Value.Text)
	}
	for _, item := range c.Value.List {
		if item.Kind != filter.String {
			return errs.New(errs.Invalid, "Expected quoted string values in the list for %s '%s'. Got value %s", c.Entity, c.Key, item.Text)
		}
	}
	return nil
}

func (s schema) entityNames() string {
	seen := map[string]bool{}
	var names []string
	for _, e := range []string{"metric", "param", "tag", "attribute", "dataset"} {
		for _, known := range s.entities {
			if known == e && !seen[e] {
				seen[e] = true
				names = append(names, "'"+strings.Replace(e, "param", "parameter", 1)+"'")
			}
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// quoted lists texts as {'a', 'b'}.
func quoted[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("'" + string(s) + "'")
	}
	return "{" + b.String() + "}"
}

func (s schema) fieldNames() string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return quoted(slices.Compact(names))
}

// order resolves order_by and appends the default terms that are not there yet.
func (s schema) order(texts []string, defaults ...filter.Order) ([]filter.Order, error) {
	list, err := filter.ParseOrders(texts)
	if err != nil {
		return nil, err
	}
	seen := map[filter.Order]bool{}
	for i := range list {
		o := &list[i]
		entity, ok := s.entities[o.Entity]
		if !ok || entity == "dataset" {
			return nil, errs.New(errs.Invalid, "Invalid entity type '%s'. Valid values are %s", o.Entity, s.entityNames())
		}
		if o.Entity = entity; entity == "attribute" {
			f, ok := s.fields[o.Key]
			if !ok {
				return nil, errs.New(errs.Invalid, "Invalid attribute key '%s' specified. Valid keys are '%s'", o.Key, s.fieldNames())
			}
			o.Key = f.name
		}
		key := filter.Order{Entity: o.Entity, Key: o.Key}
		if seen[key] {
			return nil, errs.New(errs.Invalid, "`order_by` contains duplicate fields: %v", texts)
		}
		seen[key] = true
	}
	for _, d := range defaults {
		if !seen[filter.Order{Entity: d.Entity, Key: d.Key}] {
			list = append(list, d)
		}
	}
	return list, nil
}

func attribute(key string, desc bool) filter.Order {
	return filter.Order{Entity: "attribute", Key: key, Desc: desc}
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

// SearchRuns returns one page of runs and the token of the next page, or "".
func (s *Service) SearchRuns(ctx context.Context, q Search) ([]*Run, string, error) {
	for _, id := range q.ExperimentIDs {
		if err := CheckExperimentID(id); err != nil {
			return nil, "", err
		}
	}
	limit, err := limitOf(q.Limit, 1000, MaxRunsPage)
	if err != nil {
		return nil, "", err
	}
	clauses, err := runSchema.clauses(q.Filter)
	if err != nil {
		return nil, "", err
	}
	order, err := runSchema.order(q.OrderBy, attribute("start_time", true), attribute("run_id", false))
	if err != nil {
		return nil, "", err
	}
	return s.store.SearchRuns(ctx, Query{q.ExperimentIDs, q.View, clauses, order, limit, q.Token, q.Have, q.Form})
}

// SearchExperiments returns one page of experiments and the token of the next
// page, or "".
func (s *Service) SearchExperiments(ctx context.Context, q Search) ([]Experiment, string, error) {
	limit, err := limitOf(q.Limit, 1000, MaxRunsPage)
	if err != nil {
		return nil, "", err
	}
	clauses, err := experimentSchema.clauses(q.Filter)
	if err != nil {
		return nil, "", err
	}
	defaults := []filter.Order{attribute("experiment_id", false)}
	if len(q.OrderBy) == 0 {
		defaults = []filter.Order{attribute("creation_time", true), attribute("experiment_id", false)}
	}
	order, err := experimentSchema.order(q.OrderBy, defaults...)
	if err != nil {
		return nil, "", err
	}
	return s.store.SearchExperiments(ctx, Query{View: q.View, Clauses: clauses, Order: order, Limit: limit, Token: q.Token})
}
