package mlflow

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/tracking"
)

// carefully reads metrics without the short way.
func carefully(raw []byte) (out []tracking.Metric, err error) {
	var metrics []wireMetric
	if err := json.Unmarshal(raw, &metrics); err != nil {
		return nil, err
	}
	for i := range metrics {
		m, err := metrics[i].metric(i)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// TestPlainMetricsAreReadAlike puts metrics together from right and odd pieces:
// what the short way accepts, the careful way reads as the same.
func TestPlainMetricsAreReadAlike(t *testing.T) {
	pick := func(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }
	taken := 0
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		odd := r.IntN(3) == 0
		field := func(name, usual string, others ...string) string {
			if !odd || r.IntN(4) > 0 {
				return `"` + name + `":` + usual
			}
			return pick(r, `"`, ` "`) + pick(r, name, strings.ToUpper(name), "other", "value") + `"` + pick(r, ":", " : ") + pick(r, append(others, usual, "null", `""`, "{}", "[1]", "true")...)
		}
		var items []string
		for range r.IntN(4) {
			parts := []string{
				field("key", pick(r, `"a"`, `"b é"`), `"\u0041"`, `"\""`, "1"),
				field("value", pick(r, "1", "-0", "2.5e-3", "1E5", "0.1", "-7.25"), `"NaN"`, "1e999", `"1"`),
				field("timestamp", pick(r, "0", "1700000000000", "-3"), "1.0", `"5"`, "1e3", "99999999999999999999"),
				field("step", pick(r, "0", "12"), "1.5", `"5"`),
				field("model_id", `"m-1"`), field("dataset_name", `"d"`),
			}
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			if odd {
				parts = parts[:r.IntN(len(parts)+1)]
			}
			items = append(items, "{"+strings.Join(parts, pick(r, ",", ", ", "\n,"))+"}")
		}
		raw := []byte("[" + strings.Join(items, pick(r, ",", " , ")) + "]")
		got, ok := plainMetrics(raw)
		if !ok {
			continue
		}
		taken++
		want, err := carefully(raw)
		if err != nil || len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %+v, want %+v, %v", raw, got, want, err)
		}
	}
	if taken < 12_000 {
		t.Errorf("only %d of the usual ones go the short way", taken)
	}
}
