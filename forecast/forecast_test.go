package forecast_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/linear"
)

func logistic(coef []float64, intercept float64) *linear.Logistic {
	return &linear.Logistic{Coef: [][]float64{coef}, Intercept: []float64{intercept}, Labels: []float64{0, 1}, Fill: make([]float64, len(coef))}
}

// small is a forecast of two members over the features of smart_5_raw.
func small() *forecast.Model {
	return &forecast.Model{
		Spec: feature.Spec{Version: feature.SpecVersion, Attributes: []string{"smart_5_raw"}, Memory: 1}, Horizon: 7,
		Members: []forecast.Member{
			{Name: "a", Weight: 1, Scorer: logistic([]float64{2}, -1), Input: forecast.Input{Columns: []int{0}, Log: true, Low: []float64{0}, High: []float64{1}}},
			{Name: "b", Weight: 3, Scorer: logistic([]float64{.5, 1}, 0), Input: forecast.Input{Columns: []int{1, 0}}},
		},
		Line: forecast.Line{Slope: 2, Offset: -.5}, Band: forecast.Band{At: []float64{-1, 1}, Below: []float64{1, .5}, Above: []float64{.5, .25}},
		Limits: forecast.Limits{Families: []forecast.Family{{"M", 50, 2}, {"N", 3, 0}}, MinDrives: 10, MinKnown: .5, Medium: .2, High: .6},
	}
}

func checked(t *testing.T) *forecast.Model {
	t.Helper()
	m := small()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScoresByHand(t *testing.T) {
	m := checked(t)
	x := make([]float64, 2*m.Features())
	x[0], x[1] = 20, 4             // ln 21 is beyond the bound of 1
	x[m.Features()] = math.NaN()   // filled with 0 by both members
	x[m.Features()+1] = math.NaN() // likewise
	got := make([]float64, 4)
	m.Scores(got, x)
	for i, z := range []float64{(1*(2*1-1.) + 3*min(.5*4+20, 16)) / 4, (1*-1. + 0) / 4} {
		want := 1 / (1 + math.Exp(-(2*z - .5)))
		if math.Abs(got[2*i+1]-want) > 1e-12 || math.Abs(got[2*i]+got[2*i+1]-1) > 1e-15 {
			t.Errorf("row %d: got %v, want %v", i, got[2*i:2*i+2], want)
		}
	}
}

func TestAnswers(t *testing.T) {
	m := checked(t)
	width := m.Features()
	x := make([]float64, 4*width)
	x[width], x[width+1] = 8, 8
	missed := width - 3
	x[3*width+missed] = 5
	got := make([]forecast.Answer, 4)
	m.Answers(got, x, []forecast.Drive{{"M", 1}, {"N", 1}, {"M", 0}, {"M", 1}})
	for i, want := range []struct{ risk, reason string }{
		{"medium", ""}, {"high", "not trained for this family: 3 drives"}, {"medium", "too few attributes: 0 of 1"}, {"medium", "stale: no reading in the 5 days"},
	} {
		a := got[i]
		if a.Risk != want.risk || !strings.HasPrefix(a.Reason, want.reason) || a.Abstained() != (want.reason != "") {
			t.Errorf("row %d: %+v, want %+v", i, a, want)
		}
		if !(a.Low <= a.Probability && a.Probability <= a.High && a.Low > 0 && a.High < 1) {
			t.Errorf("row %d: %v is not within %v..%v", i, a.Probability, a.Low, a.High)
		}
	}
	x[width-2] = 1 // one attribute was reported before and is not today
	m.Answers(got, x, []forecast.Drive{{"M", 0}, {"M", 1}, {"M", 1}, {"M", 1}})
	if !strings.HasPrefix(got[0].Reason, "stale: 1 of 1 attributes") {
		t.Errorf("a drive whose attributes are gone: %q", got[0].Reason)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*forecast.Model){
		"no members":     func(m *forecast.Model) { m.Members = nil },
		"slope":          func(m *forecast.Model) { m.Line.Slope = 0 },
		"offset":         func(m *forecast.Model) { m.Line.Offset = math.NaN() },
		"weight":         func(m *forecast.Model) { m.Members[0].Weight = -1 },
		"column":         func(m *forecast.Model) { m.Members[1].Input.Columns[0] = 99 },
		"columns":        func(m *forecast.Model) { m.Members[1].Input.Columns = []int{0} },
		"bounds":         func(m *forecast.Model) { m.Members[0].Input.Low[0] = 2 },
		"band":           func(m *forecast.Model) { m.Band.Below[0] = -1 },
		"band order":     func(m *forecast.Model) { m.Band.At[0] = 9 },
		"band is absent": func(m *forecast.Model) { m.Band = forecast.Band{} },
		"families":       func(m *forecast.Model) { m.Limits.Families[0].Name = "Z" },
		"threshold":      func(m *forecast.Model) { m.Limits.High = math.Inf(1) },
		"attribute":      func(m *forecast.Model) { m.Spec.Attributes[0] = "size" },
	} {
		m := small()
		spoil(m)
		if err := m.Check(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBandHoldsLaterWeeks makes fleets whose failure rate moves from week to week,
// fits a band on one week and counts how often the share that fails among drives of
// like score lies within it in another.
func TestBandHoldsLaterWeeks(t *testing.T) {
	const spread = .405
	rng := rand.New(rand.NewPCG(1, 2))
	week := func(rows int) []forecast.Outcome {
		burst := spread * rng.NormFloat64()
		out := make([]forecast.Outcome, rows)
		for i := range out {
			z := -6 + 3*rng.NormFloat64()
			out[i] = forecast.Outcome{LogOdds: z, Failed: rng.Float64() < 1/(1+math.Exp(-z-burst)), Drive: i, Weight: 1}
		}
		return out
	}
	held, groups := 0.0, 0.0
	for range 60 {
		band, err := forecast.FitBand(week(3000), spread)
		if err != nil {
			t.Fatal(err)
		}
		later := week(20000)
		for _, part := range [][2]float64{{-9, -6}, {-6, -4}, {-4, -2}, {-2, 0}, {0, 9}} {
			low, high, failed, n := 0.0, 0.0, 0.0, 0.0
			for _, o := range later {
				if o.LogOdds < part[0] || o.LogOdds >= part[1] {
					continue
				}
				a, b := band.Around(o.LogOdds)
				low, high, n = low+a, high+b, n+1
				if o.Failed {
					failed++
				}
			}
			groups++
			if low <= failed && failed <= high {
				held++
			}
		}
	}
	if share := held / groups; share < forecast.Confidence-.04 {
		t.Errorf("the band held %.3f of %v groups, less than %v", share, groups, forecast.Confidence)
	} else {
		t.Logf("held %.3f", share)
	}
}

func TestFitBandWantsFailures(t *testing.T) {
	if _, err := forecast.FitBand([]forecast.Outcome{{LogOdds: -1, Weight: 1}}, .4); !errs.Is(err, errs.Invalid) {
		t.Errorf("no failure: %v", err)
	}
}
