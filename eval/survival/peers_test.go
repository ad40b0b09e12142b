package survival_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/eval/survival"
	"github.com/drivecast/drivecast/table"
)

// peer is one case of testdata/peers.json, which peers.py wrote.
type peer struct {
	Time, Entry, Weight, X []float64
	Failed                 []bool
	Cols                   int
	At, KM, NA             []float64
	KMLow                  []float64 `json:"km low"`
	KMHigh                 []float64 `json:"km high"`
	Cox                    []float64
	CoxSE                  []float64 `json:"cox se"`
	CoxLogLik              float64   `json:"cox loglik"`
	CoxBaseline            []float64 `json:"cox baseline"`
	Weibull                []float64
	WeibullLogLik          float64 `json:"weibull loglik"`
	Risk, Harrell          []float64
	Limit, Uno, IBS        float64
	Times, Brier           []float64
	Chance                 [][]float64
	SksurvCox              []float64 `json:"sksurv cox"`
}

func (p *peer) data() *survival.Data {
	return &survival.Data{Time: p.Time, Failed: p.Failed, Entry: p.Entry, Weight: p.Weight}
}

func (p *peer) matrix() *table.Matrix {
	return &table.Matrix{Rows: len(p.Time), Cols: p.Cols, Data: p.X}
}

func peers(t *testing.T) []peer {
	t.Helper()
	text, err := os.ReadFile("testdata/peers.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Peers string
		Cases []peer
	}
	// lifelines writes NaN for bounds where the curve is 0 or 1.
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "NaN", "-1")), &file); err != nil || len(file.Cases) == 0 {
		t.Fatal(len(file.Cases), err)
	}
	return file.Cases
}

// agree compares two lists within a tolerance relative to the larger of 1 and
// their size.
func agree(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d figures, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if d := math.Abs(got[i] - w); !(d <= tolerance*math.Max(1, math.Abs(w))) {
			t.Errorf("%s: figure %d is %.12g, want %.12g", what, i, got[i], w)
		}
	}
}

func TestCurvesAgreeWithLifelines(t *testing.T) {
	for _, c := range peers(t) {
		km, err := survival.KaplanMeier(c.data(), .95)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Kaplan–Meier", km.Value, c.KM, 1e-12)
		for i, v := range km.Value {
			if v > 0 && v < 1 {
				agree(t, "bounds", []float64{km.Low[i], km.High[i]}, []float64{c.KMLow[i], c.KMHigh[i]}, 1e-8)
			}
		}
		na, err := survival.NelsonAalen(c.data(), .95)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Nelson–Aalen", na.Value, c.NA, 1e-12)
	}
}

func TestModelsAgreeWithLifelines(t *testing.T) {
	for _, c := range peers(t) {
		m, err := survival.FitCox(context.Background(), c.matrix(), c.data(), 0)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Cox", m.Coef, c.Cox, 1e-6)
		agree(t, "Cox log likelihood", []float64{m.LogLik}, []float64{c.CoxLogLik}, 1e-10)
		agree(t, "Cox standard errors", m.SE, c.CoxSE, 1e-6)
		if m.LogLik < c.CoxLogLik-1e-12 || !m.Converged {
			t.Errorf("Cox stops at %v, lifelines climbs to %v", m.LogLik, c.CoxLogLik)
		}
		if c.CoxBaseline != nil && c.Entry == nil { // lifelines' baseline does not heed late entry
			agree(t, "Cox baseline", m.Baseline.Value, c.CoxBaseline, 1e-6)
		}
		if c.SksurvCox != nil {
			agree(t, "scikit-survival's Cox", m.Coef, c.SksurvCox, 1e-6)
		}
		w, err := survival.FitWeibull(context.Background(), c.matrix(), c.data())
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Weibull", append(append([]float64(nil), w.Coef...), w.Intercept, math.Log(w.Shape)), c.Weibull, 5e-5)
		agree(t, "Weibull log likelihood", []float64{w.LogLik}, []float64{c.WeibullLogLik}, 1e-8)
		if w.LogLik < c.WeibullLogLik-1e-12 || !w.Converged {
			t.Errorf("Weibull stops at %v, lifelines climbs to %v", w.LogLik, c.WeibullLogLik)
		}
	}
}

func TestScoresAgreeWithScikitSurvival(t *testing.T) {
	seen := 0
	for _, c := range peers(t) {
		if c.Harrell == nil {
			continue
		}
		seen++
		d := c.data()
		h, err := survival.Harrell(d, c.Risk)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Harrell", []float64{h.Index, h.Concordant, h.Discordant, h.Tied}, c.Harrell[:4], 1e-12)
		u, err := survival.Uno(d, d, c.Risk, c.Limit)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "Uno", []float64{u.Index}, []float64{c.Uno}, 1e-12)
		for k, at := range c.Times {
			chance := make([]float64, len(c.Chance))
			for i, row := range c.Chance {
				chance[i] = row[k]
			}
			b, err := survival.Brier(d, d, chance, at)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "Brier", []float64{b}, []float64{c.Brier[k]}, 1e-12)
		}
		ibs, err := survival.IntegratedBrier(d, d, c.Chance, c.Times)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "integrated Brier", []float64{ibs}, []float64{c.IBS}, 1e-12)
	}
	if seen == 0 {
		t.Fatal("no case has scores")
	}
}
