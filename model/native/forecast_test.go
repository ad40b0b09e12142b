package native

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/linear"
)

// fleetModel is a forecast of a logistic regression and a forest.
func fleetModel(t testing.TB) *forecast.Model {
	t.Helper()
	m := &forecast.Model{
		Spec: feature.Spec{Version: feature.SpecVersion, Attributes: []string{"smart_5_raw", "smart_9_raw"}, Memory: 7}, Horizon: 7,
		Members: []forecast.Member{
			{Name: "line", Weight: 1, Scorer: &linear.Logistic{Coef: [][]float64{{1, -2}}, Intercept: []float64{.5}, Labels: []float64{0, 1}},
				Input: forecast.Input{Columns: []int{2, 0}, Log: true, Low: []float64{0, 0}, High: []float64{3, 9}}},
			{Name: "trees", Weight: 2, Scorer: sample(2), Input: forecast.Input{Columns: []int{0, 3, 1}}},
		},
		Line: forecast.Line{Slope: 1.1, Offset: -.2}, Band: forecast.Band{At: []float64{-3, 0}, Below: []float64{1, 1}, Above: []float64{2, 1}},
		Limits: forecast.Limits{Families: []forecast.Family{{Name: "M", Drives: 40, Failures: 3}}, MinDrives: 10, MinKnown: .5, Medium: .1, High: .4},
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForecastRoundTrip(t *testing.T) {
	want := fleetModel(t)
	file, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	again, err := Encode(got)
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("written again, the file differs (%v)", err)
	}
}

// TestForecastsThatDoNotFitAreRefused changes what a file says, with its checksums
// right.
func TestForecastsThatDoNotFitAreRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"a member's array is no file": {`"file":4`, `"file":3`},
		"no such array":               {`"file":4`, `"file":99`},
		"a negative array":            {`"band_at":0`, `"band_at":-1`},
		"no slope":                    {`"slope":1.1`, `"slope":0`},
		"another version":             {`"version":2`, `"version":7`},
		"attributes that are none":    {`"smart_5_raw"`, `"smart_x_raw"`},
		"a weight below 0":            {`"weight":2`, `"weight":-2`},
		"a huge memory":               {`"memory":7`, `"memory":9999999`},
	} {
		file, err := Encode(fleetModel(t))
		if err != nil {
			t.Fatal(err)
		}
		desc, r, err := open(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(desc), change[0], change[1], 1)
		if text == string(desc) {
			t.Fatalf("%s: %q is not in %s", name, change[0], desc)
		}
		if _, err := decodeForecast([]byte(text), r); !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Unsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForecastInAForecastIsRefused(t *testing.T) {
	inner, err := Encode(fleetModel(t))
	if err != nil {
		t.Fatal(err)
	}
	a := &arrays{}
	columns, file := put(a, []int32{0}), putBytes(a, inner)
	sealed, err := seal(map[string]any{"kind": "forecast"}, a)
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeMember(memberDoc{Columns: columns, Low: -1, File: file}, r); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeForecast(f *testing.F) {
	file, err := Encode(fleetModel(f))
	if err != nil {
		f.Fatal(err)
	}
	desc, r, err := open(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(desc))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decodeForecast(text, r)
		if err != nil {
			return
		}
		m := got.(*forecast.Model)
		x := make([]float64, 3*m.Features())
		m.Scores(make([]float64, 6), x)
	})
}
