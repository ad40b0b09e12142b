package feature_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

var attributes = []smart.Attribute{smart.Raw(5), smart.Raw(9), smart.Raw(193), smart.Raw(194)}

// day makes a day from readings written as serial, model and one value an
// attribute.
func day(date int, readings ...any) *smart.Day {
	d := &smart.Day{Date: smart.Date(date)}
	for i := 0; i < len(readings); i += 6 {
		r := smart.Reading{Serial: readings[i].(string), Model: readings[i+1].(string), Day: d.Date, CapacityBytes: 3000592982016}
		for _, v := range readings[i+2 : i+6] {
			f, ok := v.(float64)
			if !ok {
				f = math.NaN()
			}
			r.Values = append(r.Values, f)
		}
		d.Readings = append(d.Readings, r)
	}
	return d
}

func newFold(t testing.TB, attributes []smart.Attribute) *feature.Fold {
	t.Helper()
	f, err := feature.NewFold(feature.NewSpec(attributes))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// check compares features of a row by name.
func check(t *testing.T, f *feature.Fold, rows *feature.Rows, row int, want map[string]float64) {
	t.Helper()
	names := f.Names()
	for name, w := range want {
		c := slices.Index(names, name)
		if c < 0 {
			t.Fatalf("there is no feature %s in %v", name, names)
		}
		if got := rows.X[row*len(names)+c]; math.Float64bits(got) != math.Float64bits(w) && !(math.IsNaN(got) && math.IsNaN(w)) {
			t.Errorf("row %d, %s: got %v, want %v", row, name, got, w)
		}
	}
}

// TestFeaturesByHand follows two drives over days whose features were worked out
// by hand.
func TestFeaturesByHand(t *testing.T) {
	f := newFold(t, attributes)
	var rows feature.Rows
	nan := math.NaN()
	f.Day(day(100, "a", "M", 0.0, 2400.0, 10.0, 30.0, "b", "M", 8.0, 48.0, nil, 34.0), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"smart_5_raw": 0, "smart_5_delta_1d": 0, "smart_5_delta_30d": 0, "smart_5_max": 0,
		"smart_5_days_nonzero": 0, "smart_5_days_calm": 30, "smart_9_run_7d": 24, "smart_9_days_still": 0, "smart_193_raw": 10, "smart_194_over_fleet": -2, "age_days": 100, "capacity_tb": 3,
		"days_seen": 30, "days_missed": 0, "attributes_lost": 0, "model_failure_ratio": 1})
	check(t, f, &rows, 1, map[string]float64{"smart_5_raw": 8, "smart_5_days_nonzero": 30, "smart_5_days_calm": 30, "smart_193_raw": nan,
		"smart_193_delta_7d": nan, "smart_194_over_model": 2, "age_days": 2})
	f.Day(day(101, "a", "M", 3.0, 2424.0, 12.0, 31.0, "c", "N", 0.0, 0.0, 0.0, 40.0), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"smart_5_raw": 3, "smart_5_delta_1d": 3, "smart_5_delta_7d": 3, "smart_5_days_nonzero": 1,
		"smart_5_days_calm": 0, "smart_194_over_fleet": 31 - 35.5, "smart_194_over_model": 0})
	check(t, f, &rows, 1, map[string]float64{"days_seen": 1, "smart_194_over_model": 0, "smart_194_over_fleet": 4.5})
	// Two days pass without a; then its temperature and hours are missing.
	f.Day(day(104, "a", "M", 3.0, nil, 20.0, nil), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"smart_5_delta_1d": 0, "smart_5_delta_3d": 0, "smart_5_delta_7d": 3, "smart_5_days_nonzero": 4,
		"smart_5_days_calm": 3, "smart_193_delta_1d": 8, "smart_193_delta_7d": 10, "smart_194_raw": 31, "smart_194_over_fleet": nan,
		"smart_9_run_1d": 0, "smart_9_run_3d": 0, "smart_9_run_7d": 6, "smart_9_days_still": 3, "age_days": 101, "days_missed": 2, "attributes_lost": 2})
	f.Day(day(140, "a", "M", 1.0, 3360.0, 30.0, 25.0), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"smart_5_raw": 1, "smart_5_max": 3, "smart_5_delta_1d": -2, "smart_5_delta_30d": -2,
		"smart_5_days_calm": 30, "smart_9_run_30d": 31.2, "smart_9_run_14d": (3360.0 - 2424) / 14, "smart_9_days_still": 0, "smart_193_delta_30d": 10, "smart_194_max": 31, "attributes_lost": 0, "days_missed": 35})
	want := feature.FoldStats{Readings: 6, Drives: 3, Missed: 37}
	if got := f.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNamesOfFeatures(t *testing.T) {
	spec := feature.NewSpec([]smart.Attribute{smart.Raw(12), smart.Normalized(5), smart.TemperatureCelsius, smart.PowerOnHours, smart.PercentUsed, smart.Raw(12)})
	got, err := spec.Names()
	want := strings.Fields(`smart_12_raw smart_12_delta_1d smart_12_delta_7d smart_12_delta_30d
		temperature_celsius temperature_celsius_delta_1d temperature_celsius_delta_7d temperature_celsius_max temperature_celsius_over_fleet
		temperature_celsius_over_model power_on_hours_run_1d power_on_hours_run_3d
		power_on_hours_run_7d power_on_hours_run_14d power_on_hours_run_30d power_on_hours_days_still percent_used percent_used_delta_1d percent_used_delta_3d percent_used_delta_7d percent_used_delta_14d
		percent_used_delta_30d percent_used_max percent_used_days_nonzero percent_used_days_calm
		age_days capacity_tb days_seen days_missed attributes_lost model_failure_ratio`)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []feature.Spec{{Version: 1, Memory: 30}, {Version: 2}, {Version: 2, Memory: 31},
		{Version: 2, Memory: 7, Attributes: []string{"smart_5_normalized"}}, {Version: 2, Memory: 7, Attributes: []string{"x"}}} {
		if _, err := bad.Names(); err == nil {
			t.Errorf("%+v makes features", bad)
		}
	}
}

// TestMemoryBoundsTheVector gives one drive to a fold that has seen it for long and
// to one that has seen it for little more than the memory.
func TestMemoryBoundsTheVector(t *testing.T) {
	spec := feature.NewSpec(attributes)
	spec.Memory = 7
	old, err := feature.NewFold(spec)
	if err != nil {
		t.Fatal(err)
	}
	young, err := feature.NewFold(spec)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(old.Names(), "smart_5_delta_14d") || !slices.Contains(old.Names(), "smart_5_delta_7d") {
		t.Errorf("features beyond the memory: %v", old.Names())
	}
	var a, b feature.Rows
	for d := 100; d < 150; d++ {
		v := float64(d / 20)
		today := day(d, "a", "M", v, 24.0*float64(d), 0.0, 30.0)
		old.Day(today, attributes, &a, nil)
		if d >= 120 {
			young.Day(today, attributes, &b, nil)
		}
	}
	if !sameBits(a.X, b.X) {
		t.Errorf("after 50 days %v, after 30 %v", a.X, b.X)
	}
}

// TestDrivesThatStopTogetherAreOff lets one drive stop on a day, and then five of
// another model.
func TestDrivesThatStopTogetherAreOff(t *testing.T) {
	f := newFold(t, attributes)
	var rows feature.Rows
	for d := 100; d <= 104; d++ {
		hours := func(stop int) float64 { return 24 * float64(min(d, stop)) }
		list := []any{"alone", "M", 0.0, hours(102), 0.0, 30.0}
		for i := range 5 {
			list = append(list, fmt.Sprint("pod", i), "N", 0.0, hours(102), 0.0, 30.0)
		}
		f.Day(day(d, list...), attributes, &rows, func(r *smart.Reading) bool { return r.Serial != "pod4" })
	}
	check(t, f, &rows, 0, map[string]float64{"smart_9_days_still": 2, "smart_9_run_1d": 0, "smart_9_run_3d": 8})
	check(t, f, &rows, 4, map[string]float64{"smart_9_days_still": 0, "smart_9_run_1d": 24, "smart_9_run_3d": 24})
}

func TestModelFailureRatioKnowsOnlyDaysBefore(t *testing.T) {
	f := newFold(t, attributes)
	var rows feature.Rows
	bad := day(1, "a", "M", 0.0, 0.0, 0.0, 0.0, "b", "N", 0.0, 0.0, 0.0, 0.0)
	bad.Readings[0].Failed = true
	f.Day(bad, attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"model_failure_ratio": 1})
	f.Day(day(2, "c", "M", 0.0, 0.0, 0.0, 0.0, "b", "N", 0.0, 0.0, 0.0, 0.0), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"model_failure_ratio": (1.0 + 4) / (.5 + 4)})
	check(t, f, &rows, 1, map[string]float64{"model_failure_ratio": (0.0 + 4) / (.5 + 4)})
}

func TestDuplicateLateAndNamelessReadings(t *testing.T) {
	f := newFold(t, attributes)
	var rows feature.Rows
	f.Day(day(10, "a", "M", 1.0, 0.0, 0.0, 0.0, "a", "M", 99.0, 0.0, 0.0, 0.0, "", "M", 5.0, 0.0, 0.0, 0.0), attributes, &rows, nil)
	if len(rows.Reading) != 1 || rows.Reading[0] != 0 {
		t.Errorf("rows for readings %v, want the first alone", rows.Reading)
	}
	check(t, f, &rows, 0, map[string]float64{"smart_5_raw": 1})
	f.Day(day(9, "a", "M", 50.0, 0.0, 0.0, 0.0, "z", "M", 2.0, 0.0, 0.0, 0.0), attributes, &rows, nil)
	if len(rows.Reading) != 1 || rows.Reading[0] != 1 {
		t.Errorf("late day: rows for readings %v, want the drive never seen", rows.Reading)
	}
	f.Day(day(11, "a", "M", 1.0, 0.0, 0.0, 0.0), attributes, &rows, nil)
	check(t, f, &rows, 0, map[string]float64{"smart_5_max": 1, "smart_5_delta_1d": 0})
	want := feature.FoldStats{Readings: 3, Drives: 2, Duplicates: 1, Late: 1, Nameless: 1}
	if got := f.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// randomFleet makes days with gaps, missing values, newcomers and failures.
func randomFleet(seed uint64, days int) []*smart.Day {
	rng := rand.New(rand.NewPCG(seed, 1))
	values := map[int][]float64{}
	var out []*smart.Day
	for d := range days {
		day := &smart.Day{Date: smart.Date(1000 + d + d/9)}
		for i := range 12 + d/4 {
			if rng.IntN(8) == 0 {
				continue
			}
			v := values[i]
			if v == nil {
				v = []float64{0, float64(rng.IntN(1e4)), 0, 30}
			}
			v = slices.Clone(v)
			if rng.IntN(9) == 0 {
				v[0] = float64(rng.IntN(50))
			}
			v[1], v[2], v[3] = v[1]+24, v[2]+float64(rng.IntN(3)), 20+10*rng.Float64()
			values[i] = v
			shown := slices.Clone(v)
			if rng.IntN(10) == 0 {
				shown[rng.IntN(4)] = math.NaN()
			}
			day.Readings = append(day.Readings, smart.Reading{Serial: fmt.Sprint("S", i), Model: fmt.Sprint("M", i%3), Day: day.Date,
				Values: shown, Failed: rng.IntN(60) == 0})
		}
		rng.Shuffle(len(day.Readings), func(a, b int) { day.Readings[a], day.Readings[b] = day.Readings[b], day.Readings[a] })
		out = append(out, day)
	}
	return out
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// TestReplayAndRestoreChangeNothing gives one fold each day once, and another each
// day twice, saving and loading it in between: all vectors are the same, bit for
// bit, and so is the state in the end.
func TestReplayAndRestoreChangeNothing(t *testing.T) {
	for seed := range uint64(6) {
		once, twice := newFold(t, attributes), newFold(t, attributes)
		var a, b, c feature.Rows
		for _, d := range randomFleet(seed, 50) {
			once.Day(d, attributes, &a, nil)
			twice.Day(d, attributes, &b, nil)
			var state bytes.Buffer
			if err := twice.Save(&state); err != nil {
				t.Fatal(err)
			}
			var err error
			if twice, err = feature.LoadFold(&state); err != nil {
				t.Fatal(err)
			}
			twice.Day(d, attributes, &c, nil)
			if !sameBits(a.X, b.X) || !sameBits(a.X, c.X) {
				t.Fatalf("seed %d, day %v: vectors differ", seed, d.Date)
			}
		}
		s, w := once.Stats(), twice.Stats()
		if w.Replayed == 0 || s.Replayed != 0 {
			t.Fatalf("replayed %d and %d readings", s.Replayed, w.Replayed)
		}
	}
}

// TestOrderWithinADayDoesNotMatter gives whole temperatures, whose sums are exact.
func TestOrderWithinADayDoesNotMatter(t *testing.T) {
	fwd, rev := newFold(t, attributes), newFold(t, attributes)
	var a, b feature.Rows
	width := len(fwd.Names())
	for _, d := range randomFleet(7, 40) {
		for i := range d.Readings {
			d.Readings[i].Values[3] = math.Round(d.Readings[i].Values[3])
		}
		fwd.Day(d, attributes, &a, nil)
		back := &smart.Day{Date: d.Date, Readings: slices.Clone(d.Readings)}
		slices.Reverse(back.Readings)
		rev.Day(back, attributes, &b, nil)
		n := len(a.Reading)
		for i := range n {
			if !sameBits(a.X[i*width:(i+1)*width], b.X[(n-1-i)*width:(n-i)*width]) {
				t.Fatalf("day %v: row %d differs", d.Date, i)
			}
		}
	}
}
