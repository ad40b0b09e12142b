package sqlstore

import (
	"context"

	"github.com/drivecast/drivecast/internal/filter"
	"github.com/drivecast/drivecast/internal/tracking"
)

var runFields = map[string]string{
	"run_id": "r.uuid", "run_name": "r.name", "user_id": "r.user_id", "status": "r.status", "artifact_uri": "r.artifact_uri",
	"experiment_id": "r.experiment", "lifecycle_stage": "r.stage", "start_time": "r.start_time", "end_time": "r.end_time",
}

// experimentsOf restricts a search to experiments; unknown ids match nothing.
func experimentsOf(b *search, column string, ids []string) {
	var args []any
	for _, id := range ids {
		if key, err := experimentKey(id); err == nil {
			args = append(args, key)
		}
	}
	if len(args) == 1 {
		b.and(column+" = ?", args...)
		return
	}
	b.and(column+" IN ("+marks(len(args))+")", args...)
}

// SearchRuns returns one page of runs.
func (s *Tracking) SearchRuns(ctx context.Context, q tracking.Query) (runs []*tracking.Run, next string, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		runs, next = nil, ""
		var rows, lacking []runRow
		for phase := int64(0); phase < phases(q) && len(rows) <= q.Limit; phase++ {
			b, err := s.runPage(t, q, phase)
			if err != nil {
				return err
			}
			b.limit = q.Limit - len(rows)
			more, token, err := collect(t, b, scanRun)
			if err == errPassed {
				continue
			}
			if err != nil {
				return err
			}
			rows = append(rows, more...)
			if next = token; next != "" {
				break
			}
		}
		for i := range rows {
			r := &rows[i]
			runs = append(runs, r.Run)
			if r.Bare = q.Have != nil && q.Have(r.ID, r.Rev); !r.Bare {
				lacking = append(lacking, *r)
			}
		}
		if lacking, err = t.kept(q.Form, lacking); err != nil {
			return err
		}
		return t.fill(lacking)
	})
	return runs, next, err
}

// phases returns in how many parts a search runs. One that is ordered by a metric
// first takes the runs with numbers, which an index has in order, then those with
// NaN, then those without the metric.
func phases(q tracking.Query) int64 {
	if q.Order[0].Entity != "metric" {
		return 1
	}
	for _, c := range q.Clauses {
		if c.Entity == "metric" && c.Key == q.Order[0].Key && c.Op != filter.Ne {
			return 1 // only numbers fulfil it
		}
	}
	return 3
}

// runPage builds the query for one phase of a search.
func (s *Tracking) runPage(t *Tx, q tracking.Query, phase int64) (*search, error) {
	b := &search{
		columns: runColumns, from: "runs r", token: q.Token, bad: tracking.BadToken,
		mark: markOf("runs", q.ExperimentIDs, q.View, q.Clauses, q.Order), prefix: []any{phase},
	}
	experimentsOf(b, "r.experiment", q.ExperimentIDs)
	viewOf(b, "r.stage", q.View)
	order := q.Order
	joined := map[string]string{} // metric → the join that has its numbers
	if first := order[0]; first.Entity == "metric" {
		order = order[1:]
		terms, err := s.firstMetric(t, b, first, phase, q.ExperimentIDs, joined)
		if err != nil {
			return nil, err
		}
		b.terms = terms
	}
	for _, c := range q.Clauses {
		if err := s.runClause(t, b, c, joined, q.ExperimentIDs); err != nil {
			return nil, err
		}
	}
	for _, o := range order {
		terms, err := runTerms(t, b, o)
		if err != nil {
			return nil, err
		}
		b.terms = append(b.terms, terms...)
	}
	return b, nil
}

// firstMetric restricts a search to one phase of its first ordering.
func (s *Tracking) firstMetric(t *Tx, b *search, o filter.Order, phase int64, experiments []string, joined map[string]string) ([]term, error) {
	id, err := t.metricID(o.Key, false)
	if err != nil {
		return nil, err
	}
	if phase == 2 {
		a := b.alias()
		b.and("NOT EXISTS (SELECT 1 FROM latest_metrics "+a+" WHERE "+a+".run = r.id AND "+a+".metric = ?)", id)
		return nil, nil
	}
	a := b.alias()
	b.join("JOIN latest_metrics "+a+" ON "+a+".run = r.id AND "+a+".experiment = r.experiment AND "+a+".metric = ?", id)
	b.and(a+".nan = ?", phase)
	experimentsOf(b, a+".experiment", experiments)
	if phase == 1 {
		return nil, nil
	}
	joined[o.Key] = a
	return []term{{expr: a + ".value", desc: o.Desc}}, nil
}

func (s *Tracking) runClause(t *Tx, b *search, c filter.Clause, joined map[string]string, experiments []string) error {
	switch c.Entity {
	case "param":
		s.tagClause(b, c, "params", "run", "r.id")
	case "tag":
		s.tagClause(b, c, "tags", "run", "r.id")
	case "dataset":
		s.datasetClause(b, c)
	case "metric":
		return s.metricClause(t, b, c, joined, experiments)
	default:
		s.columnClause(b, c, runFields[c.Key])
		if c.Key == "end_time" { // 0 is none
			b.and("r.end_time <> 0")
		}
	}
	return nil
}

// commonMatches is from how many runs on a clause is too common for collecting and
// sorting the runs that fulfil it: in the order of the page, the first ones come
// soon.
const commonMatches = 2000

// common reports whether many runs of an experiment fulfil a clause on a metric.
func (t *Tx) common(c filter.Clause, metric int64, experiments []string) (bool, error) {
	if len(experiments) != 1 {
		return false, nil
	}
	key, err := experimentKey(experiments[0])
	if err != nil {
		return false, nil // matches nothing anyway
	}
	cond, args := numberCond("value", c.Op, c.Value.Number)
	var n int
	_, err = t.Get("SELECT COUNT(*) FROM (SELECT 1 AS one FROM latest_metrics WHERE experiment = ? AND metric = ? AND nan = 0 AND "+cond+" LIMIT ?) AS matching",
		append([]any{key, metric}, append(args, commonMatches)...), &n)
	return n == commonMatches, err
}

func (s *Tracking) metricClause(t *Tx, b *search, c filter.Clause, joined map[string]string, experiments []string) error {
	id, err := t.metricID(c.Key, false)
	if err != nil {
		return err
	}
	if id == 0 {
		b.and("1 = 0")
		return nil
	}
	a, known := joined[c.Key]
	if !known {
		a = b.alias()
		on := " ON " + a + ".run = r.id AND " + a + ".experiment = r.experiment AND " + a + ".metric = ?"
		if many, err := t.common(c, id, experiments); err != nil {
			return err
		} else if many { // without the experiment no index of values fits: runs are looked at in their order
			on = " ON " + a + ".run = r.id AND " + a + ".metric = ?"
		}
		b.join("JOIN latest_metrics "+a+on, id)
	}
	cond, args := numberCond(a+".value", c.Op, c.Value.Number)
	if c.Op == filter.Ne {
		b.and("("+a+".nan = 1 OR "+cond+")", args...)
	} else {
		b.and(a+".nan = 0 AND "+cond, args...)
	}
	return nil
}

func (s *Tracking) datasetClause(b *search, c filter.Clause) {
	if c.Key == "context" {
		cond, args := s.db.textCond("it.value", c.Op, c.Value)
		b.and("EXISTS (SELECT 1 FROM inputs i JOIN input_tags it ON it.input = i.id WHERE i.run = r.id AND it.key = ? AND "+cond+")",
			append([]any{tracking.DataContextTag}, args...)...)
		return
	}
	cond, args := s.db.textCond("d."+c.Key, c.Op, c.Value)
	b.and("EXISTS (SELECT 1 FROM inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run = r.id AND "+cond+")", args...)
}

// runTerms returns the terms of one ordering of runs. What has no value comes
// last either way, NaN just before it.
func runTerms(t *Tx, b *search, o filter.Order) ([]term, error) {
	switch o.Entity {
	case "param":
		return orderTerm(b, o, nil, "params", "run", "r.id"), nil
	case "tag":
		return orderTerm(b, o, nil, "tags", "run", "r.id"), nil
	case "metric":
		id, err := t.metricID(o.Key, false)
		if err != nil || id == 0 {
			return nil, err
		}
		a := b.alias()
		b.join("LEFT JOIN latest_metrics "+a+" ON "+a+".run = r.id AND "+a+".metric = ?", id)
		return []term{{expr: "(CASE WHEN " + a + ".run IS NULL THEN 2 WHEN " + a + ".nan = 1 THEN 1 ELSE 0 END)"}, {expr: "COALESCE(" + a + ".value, 0)", desc: o.Desc}}, nil
	}
	terms := []term{{expr: runFields[o.Key], desc: o.Desc}}
	if o.Key == "end_time" {
		terms = append([]term{{expr: "(CASE WHEN r.end_time = 0 THEN 1 ELSE 0 END)"}}, terms...)
	}
	return terms, nil
}
