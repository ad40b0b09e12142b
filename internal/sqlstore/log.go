package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"sync"

	"github.com/drivecast/drivecast/internal/tracking"
)

// keyCache maps names of metrics to their numbers and back. Numbers are never
// given again, so that an entry is right for ever.
type keyCache struct {
	mu    sync.RWMutex
	ids   map[string]int64
	names map[int64]string
}

const maxKeys = 200_000 // kept names; the map starts anew beyond

func (c *keyCache) id(key string) (int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	id, ok := c.ids[key]
	return id, ok
}

func (c *keyCache) name(id int64) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok := c.names[id]
	return key, ok
}

func (c *keyCache) put(key string, id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil || len(c.ids) >= maxKeys {
		c.ids, c.names = map[string]int64{}, map[int64]string{}
	}
	c.ids[key], c.names[id] = id, key
}

// metricID returns the number of a metric's name, 0 when no run has that metric
// and add is false.
func (t *Tx) metricID(key string, add bool) (int64, error) {
	if id, ok := t.db.keys.id(key); ok {
		return id, nil
	}
	var id int64
	ok, err := t.Get("SELECT id FROM metric_keys WHERE key = ?", []any{key}, &id)
	if err != nil || (!ok && !add) {
		return 0, err
	}
	if !ok {
		if _, err = t.Get("INSERT INTO metric_keys (key) VALUES (?) ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING id", []any{key}, &id); err != nil {
			return 0, err
		}
	}
	t.after = append(t.after, func() { t.db.keys.put(key, id) })
	return id, nil
}

// metricName returns the name of a metric's number.
func (t *Tx) metricName(id int64) (string, error) {
	if key, ok := t.db.keys.name(id); ok {
		return key, nil
	}
	var key string
	ok, err := t.Get("SELECT key FROM metric_keys WHERE id = ?", []any{id}, &key)
	if err == nil && ok {
		t.db.keys.put(key, id)
	}
	return key, err
}

// Log records a batch to an active run.
func (s *Tracking) Log(ctx context.Context, runID string, b tracking.Batch) error {
	return s.db.Update(ctx, func(t *Tx) error {
		run, experiment, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		if err := t.logParams(runID, run, b); err != nil {
			return err
		}
		if err := t.logMetrics(run, experiment, b.Metrics); err != nil {
			return err
		}
		if err := t.setTags("tags", "run", run, b.Tags); err != nil {
			return err
		}
		for _, tag := range b.Tags {
			if tag.Key == tracking.RunNameTag {
				if _, err := t.Exec("UPDATE runs SET name = ? WHERE id = ?", tag.Value, run); err != nil {
					return err
				}
			}
		}
		return t.touch(run)
	})
}

func (t *Tx) logParams(runID string, run int64, b tracking.Batch) error {
	params := b.Params
	if len(params) == 0 {
		return nil
	}
	values := make([]any, 0, 3*len(params))
	for _, p := range params {
		values = append(values, run, p.Key, p.Value)
	}
	if err := t.bulk("INSERT INTO params (run, key, value) VALUES ", " ON CONFLICT DO NOTHING", 3, values); err != nil {
		return err
	}
	// Parameters that were there before must have the same values.
	for _, p := range params {
		var old string
		if _, err := t.Get("SELECT value FROM params WHERE run = ? AND key = ?", []any{run, p.Key}, &old); err != nil {
			return err
		}
		if old != p.Value && !b.Single {
			return tracking.ParamsChanged(runID, p.Key, old, p.Value)
		}
		if old != p.Value {
			return tracking.ParamChanged(runID, p.Key, old, p.Value)
		}
	}
	return nil
}

// point is a metric as it is stored.
type point struct {
	tracking.Metric
	id  int64
	nan int64
}

func (p point) newer(q point) bool {
	switch {
	case p.Step != q.Step:
		return p.Step > q.Step
	case p.Timestamp != q.Timestamp:
		return p.Timestamp > q.Timestamp
	}
	return p.Value > q.Value
}

const (
	insertMetrics = "INSERT INTO metrics (run, metric, time, step, value, nan) VALUES "
	insertLatest  = "INSERT INTO latest_metrics (run, metric, experiment, time, step, value, nan) VALUES "
	updateLatest  = ` ON CONFLICT (run, metric) DO UPDATE SET time = excluded.time, step = excluded.step, value = excluded.value, nan = excluded.nan
		WHERE (excluded.step, excluded.time, excluded.value) > (latest_metrics.step, latest_metrics.time, latest_metrics.value)`
	insertModelMetrics = "INSERT INTO logged_model_metrics (model, run, metric, time, step, value, nan, dataset_name, dataset_digest) VALUES "
	updateModelMetrics = " ON CONFLICT (model, metric, run, time, step) DO UPDATE SET value = excluded.value, nan = excluded.nan"
)

func (t *Tx) logMetrics(run, experiment int64, metrics []tracking.Metric) error {
	if len(metrics) == 0 {
		return nil
	}
	values := make([]any, 0, 6*len(metrics))
	latest := make([]point, 0, len(metrics))
	at := make(map[string]int, len(metrics))
	for _, m := range metrics {
		p := point{Metric: m}
		p.Value, p.nan = storedValue(m.Value)
		i, seen := at[m.Key]
		if seen {
			p.id = latest[i].id
			if p.newer(latest[i]) {
				latest[i] = p
			}
		} else {
			var err error
			if p.id, err = t.metricID(m.Key, true); err != nil {
				return err
			}
			at[m.Key] = len(latest)
			latest = append(latest, p)
		}
		values = append(values, run, p.id, p.Timestamp, p.Step, p.Value, p.nan)
		if m.ModelID != "" {
			if err := t.logModelMetric(run, p); err != nil {
				return err
			}
		}
	}
	if err := t.bulk(insertMetrics, " ON CONFLICT DO NOTHING", 6, values); err != nil {
		return err
	}
	values = values[:0]
	for _, p := range latest {
		values = append(values, run, p.id, experiment, p.Timestamp, p.Step, p.Value, p.nan)
	}
	return t.bulk(insertLatest, updateLatest, 7, values)
}

func (t *Tx) logModelMetric(run int64, p point) error {
	model, err := t.modelKey(p.ModelID)
	if err != nil {
		return err
	}
	return t.bulk(insertModelMetrics, updateModelMetrics, 9,
		[]any{model, run, p.id, p.Timestamp, p.Step, p.Value, p.nan, p.DatasetName, p.DatasetDigest})
}

// fill reads what was logged to the runs.
func (t *Tx) fill(rows []runRow) error {
	byKey := make(map[int64]*tracking.Run, len(rows))
	ids := make([]any, len(rows))
	for i, r := range rows {
		byKey[r.key], ids[i] = r.Run, r.key
	}
	if err := t.fillMetrics(byKey, ids); err != nil {
		return err
	}
	err := t.tagsOf("params", "run", ids, func(id int64, tag tracking.Tag) { byKey[id].Params = append(byKey[id].Params, tag) })
	if err != nil {
		return err
	}
	err = t.tagsOf("tags", "run", ids, func(id int64, tag tracking.Tag) { byKey[id].Tags = append(byKey[id].Tags, tag) })
	if err != nil {
		return err
	}
	return t.fillInputs(byKey, ids)
}

// unnamed is a metric whose name was not at hand.
type unnamed struct {
	run *tracking.Run
	at  int
	id  int64
}

func (t *Tx) fillMetrics(byKey map[int64]*tracking.Run, ids []any) error {
	var late []unnamed
	err := eachChunk(ids, func(m string, ids []any) error {
		return t.each("SELECT run, metric, time, step, value, nan FROM latest_metrics WHERE run IN "+m, ids, func(r *sql.Rows) error {
			var run, id, nan int64
			var m tracking.Metric
			if err := r.Scan(&run, &id, &m.Timestamp, &m.Step, &m.Value, &nan); err != nil {
				return err
			}
			if nan != 0 {
				m.Value = math.NaN()
			}
			known := false
			of := byKey[run]
			if m.Key, known = t.db.keys.name(id); !known {
				late = append(late, unnamed{of, len(of.Metrics), id})
			}
			of.Metrics = append(of.Metrics, m)
			return nil
		})
	})
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, u := range late {
		if _, ok := names[u.id]; !ok {
			if names[u.id], err = t.metricName(u.id); err != nil {
				return err
			}
		}
		u.run.Metrics[u.at].Key = names[u.id]
	}
	return nil
}
