package train

import (
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// categoricalColumns returns the columns of categories: those of texts, unless the
// parameter says otherwise.
func (b *boost) categoricalColumns(columns, texts []string) ([]int, error) {
	var list []any
	switch v := b.categories.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "auto" || v == "from_dtype" {
			for _, name := range texts {
				list = append(list, name)
			}
			break
		}
		v = strings.TrimPrefix(v, "name:")
		for _, part := range strings.Split(v, ",") {
			list = append(list, scalar(strings.TrimSpace(part)))
		}
	case []any:
		list = v
	default:
		list = []any{v}
	}
	if len(list) == len(columns) && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(bool); return !ok }) {
		var out []int
		for i, v := range list {
			if v.(bool) {
				out = append(out, i)
			}
		}
		return out, nil
	}
	out, err := columnNumbers(list, columns)
	return out, errs.Wrap(err, "%s: categorical_feature", b.name)
}

func columnNumbers(list []any, columns []string) ([]int, error) {
	var out []int
	for _, v := range list {
		c, err := columnNumber(v, columns)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// monotoneColumns returns the direction of each column, or nil: from a list with
// one number a column, or a dict from names.
func (b *boost) monotoneColumns(columns []string) ([]int8, error) {
	v := b.monotone
	if s, ok := v.(string); ok { // LightGBM's form: 1,0,-1
		var list []any
		for _, part := range strings.Split(strings.Trim(s, "()[]"), ",") {
			list = append(list, scalar(strings.TrimSpace(part)))
		}
		v = list
	}
	out := make([]int8, len(columns))
	set := func(i int, v any) error {
		n, ok := v.(int64)
		if !ok || n < -1 || n > 1 {
			return errs.New(errs.Usage, "%s: a monotone constraint is 1, 0 or -1, not %s", b.name, Show(v))
		}
		out[i] = int8(n)
		return nil
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		if len(v) != len(columns) {
			return nil, errs.New(errs.Usage, "%s: there are %d monotone constraints and %d columns (%s)", b.name, len(v), len(columns), strings.Join(columns, ", "))
		}
		for i, s := range v {
			if err := set(i, s); err != nil {
				return nil, err
			}
		}
	case []Pair:
		for _, p := range v {
			i, err := columnNumber(p.Key, columns)
			if err != nil {
				return nil, errs.Wrap(err, "%s: monotone_constraints", b.name)
			}
			if err := set(i, p.Value); err != nil {
				return nil, err
			}
		}
	default:
		return nil, errs.New(errs.Usage, "%s: monotone_constraints is a list with one number a column, or a dict from names", b.name)
	}
	return out, nil
}

// interactionSets returns the sets of columns that may meet on a path, nil for
// any. Columns in no set stand alone; under scikit-learn's names they are a set.
func (b *boost) interactionSets(columns []string) ([][]int, error) {
	v := b.interactions
	if s, ok := v.(string); ok && strings.HasPrefix(s, "[") { // LightGBM's form: [0,1],[2]
		list, err := Literal("[" + s + "]")
		if err != nil {
			return nil, errs.Wrap(err, "%s: interaction_constraints", b.name)
		}
		v = list
	}
	var out [][]int
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v != "pairwise" && v != "no_interactions" {
			return nil, errs.New(errs.Usage, "%s: interaction_constraints is a list of lists of columns, pairwise or no_interactions", b.name)
		}
		for i := range columns {
			out = append(out, []int{i})
			for j := 0; j < i && v == "pairwise"; j++ {
				out = append(out, []int{j, i})
			}
		}
		return out, nil
	case []any:
		rest := map[int]bool{}
		for i := range columns {
			rest[i] = true
		}
		for _, s := range v {
			list, ok := s.([]any)
			if !ok {
				return nil, errs.New(errs.Usage, "%s: interaction_constraints holds %s, which is no list of columns", b.name, Show(s))
			}
			set, err := columnNumbers(list, columns)
			if err != nil {
				return nil, errs.Wrap(err, "%s: interaction_constraints", b.name)
			}
			for _, c := range set {
				delete(rest, c)
			}
			out = append(out, set)
		}
		if b.lib == sklearn && len(rest) > 0 {
			var others []int
			for c := range columns {
				if rest[c] {
					others = append(others, c)
				}
			}
			out = append(out, others)
		}
		return out, nil
	}
	return nil, errs.New(errs.Usage, "%s: interaction_constraints is a list of lists of columns, pairwise or no_interactions", b.name)
}
