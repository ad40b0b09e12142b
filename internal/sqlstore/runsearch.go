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
		b := &search{columns: runColumns, from: "runs r", limit: q.Limit, token: q.Token, bad: tracking.BadToken}
		experimentsOf(b, "r.experiment", q.ExperimentIDs)
		viewOf(b, "r.stage", q.View)
		for _, c := range q.Clauses {
			if err := s.runClause(t, b, c); err != nil {
				return err
			}
		}
		for _, o := range q.Order {
			terms, err := runTerms(t, b, o)
			if err != nil {
				return err
			}
			b.terms = append(b.terms, terms...)
		}
		var rows []runRow
		if rows, next, err = collect(t, b, scanRun); err != nil {
			return err
		}
		for _, r := range rows {
			runs = append(runs, r.Run)
		}
		return t.fill(rows)
	})
	return runs, next, err
}

func (s *Tracking) runClause(t *Tx, b *search, c filter.Clause) error {
	switch c.Entity {
	case "param":
		s.tagClause(b, c, "params", "run", "r.id")
	case "tag":
		s.tagClause(b, c, "tags", "run", "r.id")
	case "dataset":
		s.datasetClause(b, c)
	case "metric":
		return s.metricClause(t, b, c)
	default:
		s.columnClause(b, c, runFields[c.Key])
		if c.Key == "end_time" { // 0 is none
			b.and("r.end_time <> 0")
		}
	}
	return nil
}

func (s *Tracking) metricClause(t *Tx, b *search, c filter.Clause) error {
	id, err := t.metricID(c.Key, false)
	if err != nil {
		return err
	}
	if id == 0 {
		b.and("1 = 0")
		return nil
	}
	a := b.alias()
	b.join("JOIN latest_metrics "+a+" ON "+a+".run = r.id AND "+a+".experiment = r.experiment AND "+a+".metric = ?", id)
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
