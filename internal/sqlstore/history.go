package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/drivecast/drivecast/internal/tracking"
)

func scanPoint(key string) func(*sql.Rows, ...any) (tracking.Metric, error) {
	return func(rows *sql.Rows, more ...any) (tracking.Metric, error) {
		m := tracking.Metric{Key: key}
		var nan int64
		err := rows.Scan(append([]any{&m.Timestamp, &m.Step, &m.Value, &nan}, more...)...)
		if nan != 0 {
			m.Value = math.NaN()
		}
		return m, err
	}
}

// History returns the points of one metric of a run.
func (s *Tracking) History(ctx context.Context, runID, key, token string, limit int) (page []tracking.Metric, next string, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		r, err := t.run(runID)
		if err != nil {
			return err
		}
		id, err := t.metricID(key, false)
		if err != nil || id == 0 {
			return err
		}
		if limit == 0 && token == "" {
			scan := scanPoint(key)
			return t.each("SELECT time, step, value, nan FROM metrics WHERE run = ? AND metric = ? ORDER BY time, step, value, nan", []any{r.key, id}, func(rows *sql.Rows) error {
				m, err := scan(rows)
				page = append(page, m)
				return err
			})
		}
		b := &search{
			columns: "m.time, m.step, m.value, m.nan", from: "metrics m", limit: limit, token: token, bad: tracking.BadToken,
			terms: []term{{expr: "m.time"}, {expr: "m.step"}, {expr: "m.value"}, {expr: "m.nan"}},
		}
		if limit == 0 {
			b.limit = math.MaxInt32
		}
		b.and("m.run = ? AND m.metric = ?", r.key, id)
		page, next, err = collect(t, b, scanPoint(key))
		return err
	})
	return page, next, err
}

// Sampled returns points of one metric of several runs at chosen steps.
func (s *Tracking) Sampled(ctx context.Context, q tracking.SampleQuery) (out []tracking.Metric, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		keys := make([]int64, len(q.RunIDs))
		for i, id := range q.RunIDs {
			r, err := t.run(id)
			if err != nil {
				return err
			}
			keys[i] = r.key
		}
		id, err := t.metricID(q.Key, false)
		if err != nil || id == 0 {
			return err
		}
		out, err = t.sampled(q, keys, id)
		return err
	})
	return out, err
}

func (t *Tx) sampled(q tracking.SampleQuery, runs []int64, metric int64) (out []tracking.Metric, err error) {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if q.Bounded {
		lo, hi = q.Start, q.End
	}
	points := make([][]tracking.Metric, len(runs))
	var all, keep []int64
	for i, run := range runs {
		scan := scanPoint(q.Key)
		err := t.each("SELECT time, step, value, nan FROM metrics WHERE run = ? AND metric = ? AND step >= ? AND step <= ?", []any{run, metric, lo, hi}, func(rows *sql.Rows) error {
			m, err := scan(rows)
			m.RunID = q.RunIDs[i]
			points[i] = append(points[i], m)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(points[i], func(a, b tracking.Metric) int {
			switch {
			case a.Step != b.Step:
				return int(min(max(a.Step-b.Step, -1), 1))
			default:
				return int(min(max(a.Timestamp-b.Timestamp, -1), 1))
			}
		})
		if n := len(points[i]); n > 0 {
			keep = append(keep, points[i][0].Step, points[i][n-1].Step)
		}
		for _, p := range points[i] {
			all = append(all, p.Step)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	chosen := tracking.SampleSteps(all, keep, q.Limit)
	for _, list := range points {
		for _, p := range list {
			if _, ok := slices.BinarySearch(chosen, p.Step); ok {
				out = append(out, p)
			}
		}
	}
	return out, nil
}
