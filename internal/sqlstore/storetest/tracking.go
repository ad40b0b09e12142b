package storetest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

type ctx = context.Context

func experiments(t *testing.T, b *bench) {
	c := t.Context()
	e := must(b.runs.Experiment(c, "0"))(t)
	same(t, "default experiment", []string{e.Name, e.ArtifactLocation, e.Stage}, []string{"Default", "mlflow-artifacts:/0", "active"})
	id := must(b.runs.CreateExperiment(c, "drives", "", []tracking.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}}))(t)
	e = must(b.runs.ExperimentByName(c, "drives"))(t)
	same(t, "made", []any{e.ID, e.ArtifactLocation, e.Tags}, []any{id, "mlflow-artifacts:/" + id, "[{k 2}]"})
	_, err := b.runs.CreateExperiment(c, "drives", "", nil)
	refused(t, err, errs.Exists)
	_, err = b.runs.Experiment(c, "99")
	refused(t, err, errs.NotFound)
	for _, bad := range []string{"", "x\x00y", fmt.Sprintf("%0501d", 1)} {
		_, err = b.runs.CreateExperiment(c, bad, "", nil)
		refused(t, err, errs.Invalid)
	}
	r := b.run(t, id, "r")
	ok(t, b.runs.DeleteExperiment(c, id))
	refused(t, b.runs.DeleteExperiment(c, id), errs.NotFound)
	same(t, "its run", must(b.runs.RunInfo(c, r.ID))(t).Stage, "deleted")
	_, err = b.runs.CreateRun(c, tracking.NewRun{ExperimentID: id})
	refused(t, err, errs.Invalid)
	refused(t, b.runs.RenameExperiment(c, id, "x"), errs.State)
	_, err = b.runs.CreateExperiment(c, "drives", "", nil)
	refused(t, err, errs.Exists)
	ok(t, b.runs.RestoreExperiment(c, id))
	same(t, "its run", must(b.runs.RunInfo(c, r.ID))(t).Stage, "active")
	refused(t, b.runs.RenameExperiment(c, id, "Default"), errs.Exists)
	ok(t, b.runs.RenameExperiment(c, id, "disks"))
	ok(t, b.runs.SetExperimentTag(c, id, tracking.Tag{Key: "k", Value: "3"}))
	ok(t, b.runs.DeleteExperimentTag(c, id, "k"))
	refused(t, b.runs.DeleteExperimentTag(c, id, "k"), errs.NotFound)

	for i := range 5 {
		must(b.runs.CreateExperiment(c, fmt.Sprintf("e%d", i), "", []tracking.Tag{{Key: "n", Value: fmt.Sprint(i)}}))(t)
	}
	list := func(q tracking.Search) (out []string) {
		for {
			page, next, err := b.runs.SearchExperiments(c, q)
			ok(t, err)
			for _, e := range page {
				out = append(out, e.Name)
			}
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	same(t, "newest first", list(tracking.Search{Limit: 2}), "[e4 e3 e2 e1 e0 disks Default]")
	same(t, "by name", list(tracking.Search{Limit: 3, OrderBy: []string{"name DESC"}}), "[e4 e3 e2 e1 e0 disks Default]")
	same(t, "filtered", list(tracking.Search{Filter: "name LIKE 'e%' AND tags.n != '2'", OrderBy: []string{"name"}}), "[e0 e1 e3 e4]")
	same(t, "LIKE and case", list(tracking.Search{Filter: "name LIKE 'E%'"}), "[]")
	same(t, "ILIKE", len(list(tracking.Search{Filter: "name ILIKE 'E%'"})), 5)
}

func runs(t *testing.T, b *bench) {
	c := t.Context()
	r := must(b.runs.CreateRun(c, tracking.NewRun{UserID: "u", Start: 5, Tags: []tracking.Tag{{Key: "mlflow.runName", Value: "named"}}}))(t)
	got := must(b.runs.Run(c, r.ID))(t)
	same(t, "run", []any{got.Name, got.Status, got.Start, got.End, got.Stage, got.UserID, got.ExperimentID, got.ArtifactURI},
		[]any{"named", "RUNNING", 5, 0, "active", "u", "0", "mlflow-artifacts:/0/" + r.ID + "/artifacts"})
	_, err := b.runs.CreateRun(c, tracking.NewRun{Name: "a", Tags: []tracking.Tag{{Key: "mlflow.runName", Value: "b"}}})
	refused(t, err, errs.Invalid)
	random := must(b.runs.CreateRun(c, tracking.NewRun{}))(t)
	if random.Name == "" || must(b.runs.Run(c, random.ID))(t).Tags[0].Value != random.Name {
		t.Errorf("a run without a name is named %q", random.Name)
	}
	info := must(b.runs.UpdateRun(c, r.ID, tracking.RunChange{Status: "FINISHED", End: 9, Name: "new"}))(t)
	same(t, "updated", []any{info.Status, info.End, info.Name}, "[FINISHED 9 new]")
	info = must(b.runs.UpdateRun(c, r.ID, tracking.RunChange{}))(t)
	same(t, "not changed", []any{info.Status, info.End, info.Name}, "[FINISHED 9 new]")
	same(t, "tag", must(b.runs.Run(c, r.ID))(t).Tags, "[{mlflow.runName new}]")
	ok(t, b.runs.DeleteRun(c, r.ID))
	refused(t, b.runs.Log(c, r.ID, tracking.Batch{Tags: []tracking.Tag{{Key: "a"}}}), errs.Invalid)
	_, err = b.runs.UpdateRun(c, r.ID, tracking.RunChange{Status: "FAILED"})
	refused(t, err, errs.Invalid)
	ok(t, b.runs.RestoreRun(c, r.ID))
	_, err = b.runs.Run(c, "0123456789abcdef")
	refused(t, err, errs.NotFound)
	_, err = b.runs.Run(c, "../x")
	refused(t, err, errs.Invalid)
}

func logging(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	param := func(v string) error {
		return b.runs.Log(c, r.ID, tracking.Batch{Single: true, Params: []tracking.Tag{{Key: "p", Value: v}}})
	}
	ok(t, param("1"))
	ok(t, param("1"))
	refused(t, param("2"), errs.Invalid)
	tag := func(k, v string) error {
		return b.runs.Log(c, r.ID, tracking.Batch{Single: true, Tags: []tracking.Tag{{Key: k, Value: v}}})
	}
	ok(t, tag("t", "a"))
	ok(t, tag("t", "b"))
	ok(t, tag("mlflow.runName", "renamed"))
	got := must(b.runs.Run(c, r.ID))(t)
	same(t, "logged", []any{got.Name, got.Params, got.Tags}, "[renamed [{p 1}] [{mlflow.runName renamed} {t b}]]")
	ok(t, b.runs.DeleteTag(c, r.ID, "t"))
	refused(t, b.runs.DeleteTag(c, r.ID, "t"), errs.NotFound)
	for _, bad := range []string{"", "..", "../a", "a//b", "/a", "a/", "a#b", "a\nb", "a/../b", fmt.Sprintf("%0251d", 1)} {
		refused(t, tag(bad, "x"), errs.Invalid)
	}
	for _, good := range []string{"a/b", "a.b", "a b", "a-b", "a:b", "é", "a/..b"} {
		ok(t, tag(good, "x"))
	}
}

func wholeBatches(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	ok(t, b.runs.Log(c, r.ID, tracking.Batch{Params: []tracking.Tag{{Key: "p", Value: "1"}}}))
	err := b.runs.Log(c, r.ID, tracking.Batch{
		Metrics: []tracking.Metric{metric("m", 1, 1, 1)}, Tags: []tracking.Tag{{Key: "t", Value: "1"}},
		Params: []tracking.Tag{{Key: "fresh", Value: "1"}, {Key: "p", Value: "2"}},
	})
	refused(t, err, errs.Invalid)
	got := must(b.runs.Run(c, r.ID))(t)
	if len(got.Metrics) != 0 || len(got.Params) != 1 || len(got.Tags) != 1 {
		t.Errorf("a refused batch left %v %v %v", got.Metrics, got.Params, got.Tags)
	}
	big := tracking.Batch{Metrics: make([]tracking.Metric, 1001)}
	refused(t, b.runs.Log(c, r.ID, big), errs.Invalid)
	refused(t, b.runs.Log(c, r.ID, tracking.Batch{Params: []tracking.Tag{{Key: "x", Value: "1"}, {Key: "x", Value: "1"}}}), errs.Invalid)
}

func latest(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	for _, m := range []tracking.Metric{
		metric("m", 1, 10, 1), metric("m", 2, 5, 2), metric("m", 3, 99, 1), // a higher step wins over a later time
		metric("same", 1, 1, 1), metric("same", 3, 1, 1), metric("same", 2, 1, 1), // then the higher value
		metric("nan", math.NaN(), 1, 0), metric("inf", math.Inf(1), 1, 0), metric("neg", 1, 1, -1), metric("neg", 5, 1, -7),
	} {
		ok(t, b.runs.Log(c, r.ID, tracking.Batch{Metrics: []tracking.Metric{m}}))
	}
	got := map[string]float64{}
	for _, m := range must(b.runs.Run(c, r.ID))(t).Metrics {
		got[m.Key] = m.Value
	}
	same(t, "latest", got, map[string]float64{"m": 2, "same": 3, "nan": math.NaN(), "inf": math.MaxFloat64, "neg": 1})
}

func history(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	list := []tracking.Metric{
		metric("m", 3, 2, 0), metric("m", 1, 1, 5), metric("m", 2, 1, 5), metric("m", math.NaN(), 1, 5), metric("m", 9, 3, -1), metric("other", 7, 1, 1),
	}
	ok(t, b.runs.Log(c, r.ID, tracking.Batch{Metrics: list}))
	ok(t, b.runs.Log(c, r.ID, tracking.Batch{Metrics: list})) // repeats are no new points
	all, next, err := b.runs.History(c, r.ID, "m", "", 0)
	ok(t, err)
	values := func(list []tracking.Metric) (out []float64) {
		for _, m := range list {
			out = append(out, m.Value)
		}
		return out
	}
	same(t, "everything", []any{values(all), next}, "[[NaN 1 2 3 9] ]")
	var paged []float64
	for token := ""; ; {
		page, next, err := b.runs.History(c, r.ID, "m", token, 2)
		ok(t, err)
		paged = append(paged, values(page)...)
		if token = next; next == "" {
			break
		}
	}
	same(t, "by pages", paged, "[NaN 1 2 3 9]")
	none, _, err := b.runs.History(c, r.ID, "nobody", "", 0)
	ok(t, err)
	same(t, "no such metric", len(none), 0)
	_, _, err = b.runs.History(c, r.ID, "m", "garbage", 1)
	refused(t, err, errs.Invalid)
}

func sampled(t *testing.T, b *bench) {
	c := t.Context()
	one, two := b.run(t, "0", "one"), b.run(t, "0", "two")
	var list []tracking.Metric
	for i := range int64(1000) {
		list = append(list, metric("m", float64(i), i, i))
	}
	ok(t, b.runs.Log(c, one.ID, tracking.Batch{Metrics: list}))
	ok(t, b.runs.Log(c, two.ID, tracking.Batch{Metrics: []tracking.Metric{metric("m", 1, 1, 333), metric("m", 2, 1, 777)}}))
	got := must(b.runs.Sampled(c, tracking.SampleQuery{RunIDs: []string{one.ID, two.ID}, Key: "m", Limit: 10}))(t)
	steps := map[string][]int64{}
	for _, m := range got {
		steps[m.RunID] = append(steps[m.RunID], m.Step)
	}
	if n := len(steps[one.ID]); n < 10 || n > 14 || steps[one.ID][0] != 0 || steps[one.ID][n-1] != 999 {
		t.Errorf("sampled steps of the first run: %v", steps[one.ID])
	}
	same(t, "first and last of the other", steps[two.ID], "[333 777]")
	got = must(b.runs.Sampled(c, tracking.SampleQuery{RunIDs: []string{one.ID}, Key: "m", Limit: 2500, Bounded: true, Start: 10, End: 12}))(t)
	same(t, "bounded", len(got), 3)
}

func inputs(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	d := tracking.DatasetInput{
		Dataset: tracking.Dataset{Name: "seed", Digest: "abc", SourceType: "local", Source: "{}", Schema: "s"},
		Tags:    []tracking.Tag{{Key: "mlflow.data.context", Value: "training"}},
	}
	ok(t, b.runs.LogInputs(c, r.ID, []tracking.DatasetInput{d, d}, nil))
	ok(t, b.runs.LogInputs(c, r.ID, []tracking.DatasetInput{d}, nil))
	same(t, "inputs", must(b.runs.Run(c, r.ID))(t).Datasets, []tracking.DatasetInput{d})
	same(t, "summaries", must(b.runs.DatasetSummaries(c, []string{"0"}))(t), "[{0 seed abc training}]")
	refused(t, b.runs.LogInputs(c, r.ID, []tracking.DatasetInput{{Dataset: tracking.Dataset{Name: "x"}}}, nil), errs.Invalid)
	refused(t, b.runs.LogOutputs(c, r.ID, []tracking.ModelOutput{{ModelID: "m-nobody"}}), errs.NotFound)
}

// together logs to one run and makes models from many goroutines at once.
func together(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	must(b.models.CreateModel(c, "m", "", nil))(t)
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 20 {
				key := fmt.Sprintf("w%d", w)
				err := b.runs.Log(c, r.ID, tracking.Batch{Metrics: []tracking.Metric{metric(key, float64(i), int64(i), int64(i))}, Tags: []tracking.Tag{{Key: key, Value: fmt.Sprint(i)}}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	got := must(b.runs.Run(c, r.ID))(t)
	same(t, "metrics and tags", []int{len(got.Metrics), len(got.Tags)}, "[8 9]")
	for _, m := range got.Metrics {
		same(t, m.Key, m.Value, 19)
	}
}
