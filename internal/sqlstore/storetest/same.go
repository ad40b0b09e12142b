package storetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/drivecast/drivecast/internal/tracking"
)

// textsAndNumbers wants one answer of every database where their own rules
// differ: collations, patterns, whole numbers beside fractions, zeros and limits
// of numbers.
func textsAndNumbers(t *testing.T, b *bench) {
	c := t.Context()
	id := must(b.runs.CreateExperiment(c, "odd", "", nil))(t)
	starts := []int64{9007199254740992, 9007199254740993, -1, math.MaxInt64, math.MinInt64}
	texts := []string{"b", "B", "a_c", `a\c`, "É"}
	for i, text := range texts {
		r := must(b.runs.CreateRun(c, tracking.NewRun{ExperimentID: id, Name: text, Start: starts[i]}))(t)
		value := []float64{math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 5e-324, math.NaN()}[i]
		ok(t, b.runs.Log(c, r.ID, tracking.Batch{Metrics: []tracking.Metric{{Key: "m", Value: value, Timestamp: max(starts[i], 0), Step: starts[i]}}}))
		run := must(b.runs.Run(c, r.ID))(t)
		got := run.Metrics[0]
		if bits := math.Float64bits(got.Value); bits != math.Float64bits(value+0) && !math.IsNaN(value) || math.IsNaN(value) != math.IsNaN(got.Value) {
			t.Errorf("%v came back as %v", value, got.Value)
		}
		same(t, "points", []int64{run.Start, got.Timestamp, got.Step}, []int64{starts[i], max(starts[i], 0), starts[i]})
	}
	for text, want := range map[string]string{
		"": `[B a\c a_c b É]`, "run_name LIKE 'a_c'": `[a\c a_c]`, `run_name LIKE 'a\c'`: `[a\c]`, `run_name LIKE 'a\_c'`: "[]",
		"run_name ILIKE 'b'": "[B b]", "run_name ILIKE 'é'": "[]", "run_name ILIKE 'É'": "[É]", "run_name LIKE '_'": "[B b É]", "run_name = 'b'": "[b]",
		"start_time = 9007199254740993": "[B]", "start_time > 9007199254740992": `[B a\c]`, "start_time >= 0.5": `[B a\c b]`, "start_time > -0.5": `[B a\c b]`,
		"start_time < -0.5": "[a_c É]", "start_time <= -1.5": "[É]", "start_time != 0.5": `[B a\c a_c b É]`, "start_time = 0.5": "[]", "start_time < 1e300": `[B a\c a_c b É]`,
		"start_time > -1e300": `[B a\c a_c b É]`, "start_time >= 1e300": "[]", "start_time = 1e300": "[]", "start_time != 1e300": `[B a\c a_c b É]`, "start_time <= -1e300": "[]",
		"metrics.m = 0": "[b]", "metrics.m > 0": `[B a\c]`, "metrics.m >= 1.7976931348623157e308": "[B]", "metrics.m != 0": `[B a\c a_c É]`,
	} {
		same(t, text, b.find(t, id, text), want)
	}
	for order, want := range map[string]string{
		"metrics.m": `[a_c b a\c B É]`, "metrics.m DESC": `[B a\c b a_c É]`, "start_time": `[É a_c b B a\c]`, "run_name DESC": `[É b a_c a\c B]`,
	} {
		var paged []string
		q := tracking.Search{ExperimentIDs: []string{id}, OrderBy: []string{order}, Limit: 1}
		for range len(texts) {
			page, next, err := b.runs.SearchRuns(c, q)
			ok(t, err)
			paged, q.Token = append(paged, names(page)...), next
		}
		same(t, order, fmt.Sprint(paged), want)
	}
}
