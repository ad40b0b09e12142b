package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

// fleet makes four runs, a to d, that differ in what the searches look at.
func fleet(t *testing.T, b *bench) string {
	c := t.Context()
	id := must(b.runs.CreateExperiment(c, "fleet", "", nil))(t)
	for i, name := range []string{"a", "b", "c", "d"} {
		r := b.run(t, id, name)
		batch := tracking.Batch{Tags: []tracking.Tag{{Key: "with space", Value: "X" + name}}}
		if name != "d" {
			batch.Metrics = []tracking.Metric{metric("auc", []float64{.5, .9, math.NaN()}[i], 1, 0), metric("m.a/b", float64(i), 1, 0)}
			batch.Params = []tracking.Tag{{Key: "depth", Value: fmt.Sprint(i)}}
		}
		ok(t, b.runs.Log(c, r.ID, batch))
		if name == "b" {
			must(b.runs.UpdateRun(c, r.ID, tracking.RunChange{Status: "FINISHED", End: 77}))(t)
			ok(t, b.runs.LogInputs(c, r.ID, []tracking.DatasetInput{{
				Dataset: tracking.Dataset{Name: "seed", Digest: "abc", SourceType: "local", Source: "{}"},
				Tags:    []tracking.Tag{{Key: "mlflow.data.context", Value: "training"}},
			}}, nil))
		}
	}
	return id
}

func (b *bench) find(t *testing.T, id, text string) []string {
	t.Helper()
	page, _, err := b.runs.SearchRuns(t.Context(), tracking.Search{ExperimentIDs: []string{id}, Filter: text, OrderBy: []string{"run_name"}})
	if err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return names(page)
}

func filters(t *testing.T, b *bench) {
	id := fleet(t, b)
	for text, want := range map[string]string{
		"": "[a b c d]", "  ": "[a b c d]",
		"metrics.auc > 0.5": "[b]", "metric.auc >= 0.5": "[a b]", "metrics.auc != 0.5": "[b c]", "metrics.auc < 1e3": "[a b]", "metrics.auc = .9": "[b]",
		"metrics.`m.a/b` = 1": "[b]", `metrics."m.a/b" <= 0`: "[a]", "metrics.nobody > 0": "[]",
		"params.depth = '1'": "[b]", "params.depth != '1'": "[a c]", "param.depth IS NULL": "[d]", "params.depth IS NOT NULL": "[a b c]",
		"tags.`with space` LIKE 'X%'": "[a b c d]", "tags.`with space` LIKE 'x%'": "[]", "tags.`with space` ILIKE 'x_'": "[a b c d]", "tag.\"with space\" = 'Xc'": "[c]",
		"status = 'FINISHED'": "[b]", "attributes.status != 'FINISHED'": "[a c d]", "attr.run_name = 'a' AND status = 'RUNNING'": "[a]",
		"run_name IN ('a', 'd')": "[a d]", "run_name NOT IN ('a')": "[b c d]", "run.`Run Name` LIKE '_'": "[a b c d]",
		"end_time = 77": "[b]", "end_time < 100": "[b]", "start_time > 0": "[a b c d]", "attributes.created > 1e300": "[]",
		"dataset.name = 'seed'": "[b]", "datasets.digest LIKE 'a%'": "[b]", "dataset.context = 'training' and dataset.name = 'seed'": "[b]", "dataset.context = 'test'": "[]",
		"metrics.auc >= 0.5 AND metrics.auc < 0.8 and params.depth = '0'": "[a]",
	} {
		same(t, text, b.find(t, id, text), want)
	}
	for _, text := range []string{
		"metrics.auc > 'x'", "params.depth = 1", "params.depth > '1'", "nobody.x = 1", "attributes.nobody = 'x'", "metrics.auc LIKE 'x'", "metrics.auc >",
		"metrics.auc > 1 OR metrics.auc < 0", "(metrics.auc > 1)", "metrics.auc > 1; DROP TABLE runs", "status = FINISHED", "run_id IN ('a', 2)", "run_id IN ()",
		"dataset.nobody = 'x'", "tags.a = 'x", "metrics.auc > 1 metrics.auc < 2", "AND", "= 1", "status IN 'FINISHED'",
	} {
		_, _, err := b.runs.SearchRuns(t.Context(), tracking.Search{ExperimentIDs: []string{id}, Filter: text})
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want a refusal", text, err)
		}
	}
}

// orders compares the pages of many orderings with the whole list.
func orders(t *testing.T, b *bench) {
	c := t.Context()
	id := must(b.runs.CreateExperiment(c, "many", "", nil))(t)
	for i := range 23 {
		r := b.run(t, id, fmt.Sprintf("r%02d", i))
		var batch tracking.Batch
		switch {
		case i%5 == 4:
		case i%5 == 3:
			batch.Metrics = []tracking.Metric{metric("m", math.NaN(), 1, 0)}
		default:
			batch.Metrics = []tracking.Metric{metric("m", float64(i*7%4), 1, 0)}
			batch.Params = []tracking.Tag{{Key: "p", Value: fmt.Sprint(i % 3)}}
		}
		ok(t, b.runs.Log(c, r.ID, batch))
		if i%2 == 0 {
			must(b.runs.UpdateRun(c, r.ID, tracking.RunChange{Status: "FINISHED", End: int64(100 - i)}))(t)
		}
	}
	for _, order := range [][]string{
		nil, {"metrics.m DESC"}, {"metrics.m ASC"}, {"metrics.m DESC", "params.p"}, {"params.p DESC", "metrics.m"}, {"end_time"}, {"end_time DESC"},
		{"status", "run_name DESC"}, {"tags.nobody"}, {"metrics.nobody"}, {"metrics.nobody", "run_name"}, {"start_time ASC"}, {"attributes.run_id DESC"},
	} {
		for _, text := range []string{"", "metrics.m >= 1", "status = 'FINISHED'"} {
			q := tracking.Search{ExperimentIDs: []string{id, "0"}, Filter: text, OrderBy: order}
			whole, next, err := b.runs.SearchRuns(c, q)
			ok(t, err)
			if next != "" {
				t.Errorf("%v: a token behind the whole list", order)
			}
			for _, limit := range []int{1, 4, 5, 23} {
				q.Limit, q.Token = limit, ""
				var paged []string
				for range 40 {
					page, next, err := b.runs.SearchRuns(c, q)
					ok(t, err)
					paged = append(paged, names(page)...)
					if q.Token = next; next == "" {
						break
					}
				}
				if !slices.Equal(paged, names(whole)) {
					t.Errorf("%v %q by %d: got %v, want %v", order, text, limit, paged, names(whole))
				}
			}
			if len(order) == 1 && order[0] == "metrics.m DESC" {
				descending(t, whole)
			}
		}
	}
	badPages(t, b, id)
}

// descending wants numbers first, falling, then NaN, then runs without the
// metric.
func descending(t *testing.T, runs []*tracking.Run) {
	t.Helper()
	rank := func(r *tracking.Run) (int, float64) {
		switch {
		case len(r.Metrics) == 0:
			return 2, 0
		case math.IsNaN(r.Metrics[0].Value):
			return 1, 0
		}
		return 0, -r.Metrics[0].Value
	}
	for i := 1; i < len(runs); i++ {
		a, x := rank(runs[i-1])
		b, y := rank(runs[i])
		if a > b || a == b && x > y {
			t.Errorf("run %d is out of order: %v", i, names(runs))
		}
	}
}

func badPages(t *testing.T, b *bench, id string) {
	c := t.Context()
	page, next, err := b.runs.SearchRuns(c, tracking.Search{ExperimentIDs: []string{id}, Limit: 2})
	ok(t, err)
	same(t, "page", len(page), 2)
	for _, q := range []tracking.Search{
		{ExperimentIDs: []string{id}, Token: "garbage"}, {ExperimentIDs: []string{id}, Token: "eyJvZmZzZXQiOi0xfQ=="}, {ExperimentIDs: []string{id}, Limit: -1}, {ExperimentIDs: []string{id}, Limit: 50001},
		{ExperimentIDs: []string{id}, Token: next, Filter: "status = 'FAILED'"}, {ExperimentIDs: []string{id}, OrderBy: []string{"start_time", "start_time DESC"}},
		{ExperimentIDs: []string{id}, OrderBy: []string{"nobody"}}, {ExperimentIDs: []string{id}, OrderBy: []string{"metrics.m UP"}}, {ExperimentIDs: []string{"../x"}},
	} {
		_, _, err := b.runs.SearchRuns(c, q)
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: got %v, want a refusal", q, err)
		}
	}
}

// bareRuns checks that a run's Rev changes with everything that can be seen of it.
func bareRuns(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	m := must(b.runs.CreateModel(c, tracking.LoggedModel{ExperimentID: "0"}))(t)
	rev := func() int64 { return must(b.runs.Run(c, r.ID))(t).Rev }
	last := rev()
	batch := func(b2 tracking.Batch) func() error { return func() error { return b.runs.Log(c, r.ID, b2) } }
	for name, f := range map[string]func() error{
		"metric": batch(tracking.Batch{Metrics: []tracking.Metric{metric("m", 1, 1, 1)}}), "param": batch(tracking.Batch{Params: []tracking.Tag{{Key: "p"}}}),
		"tag": batch(tracking.Batch{Tags: []tracking.Tag{{Key: "t"}}}), "delete": func() error { return b.runs.DeleteRun(c, r.ID) },
		"input": func() error {
			return b.runs.LogInputs(c, r.ID, []tracking.DatasetInput{{Dataset: tracking.Dataset{Name: "a", Digest: "b", SourceType: "c", Source: "d"}}}, nil)
		},
		"output": func() error { return b.runs.LogOutputs(c, r.ID, []tracking.ModelOutput{{ModelID: m.ID}}) },
		"history": func() error {
			return b.runs.LogModelHistory(c, r.ID, `{"artifact_path":"a","flavors":{},"utc_time_created":"t","run_id":"r"}`)
		},
		"update": func() error { _, err := b.runs.UpdateRun(c, r.ID, tracking.RunChange{Name: "n"}); return err },
	} {
		if name != "delete" {
			ok(t, b.runs.RestoreRun(c, r.ID))
			last = rev()
		}
		ok(t, f())
		if now := rev(); now == last {
			t.Errorf("%s left Rev at %d", name, now)
		} else {
			last = now
		}
	}
	ok(t, b.runs.RestoreRun(c, r.ID))
	q := tracking.Search{ExperimentIDs: []string{"0"}, Have: func(id string, at int64) bool { return id == r.ID && at == rev() }}
	page, _, err := b.runs.SearchRuns(c, q)
	ok(t, err)
	same(t, "bare", []any{page[0].Bare, page[0].ID == r.ID, len(page[0].Tags)}, "[true true 0]")
}
