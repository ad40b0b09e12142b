package eval

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// testdata/sklearn.json was written by scikit-learn 1.9.1.
func TestMetricsAsScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Y, D                                   []int
		S                                      []float64
		AUC, AP, LL, Brier, Acc, P, R, F1, MCC float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for i, c := range cases {
		n := Count(c.Y, c.D)
		for name, pair := range map[string][2]float64{
			"AUC": {AUC(c.Y, c.S), c.AUC}, "average precision": {AveragePrecision(c.Y, c.S), c.AP},
			"log loss": {LogLoss(c.Y, c.S), c.LL}, "Brier": {Brier(c.Y, c.S), c.Brier},
			"accuracy": {n.Accuracy(), c.Acc}, "precision": {n.Precision(), c.P}, "recall": {n.Recall(), c.R},
			"F1": {n.F1(), c.F1}, "MCC": {n.MCC(), c.MCC},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Errorf("case %d: %s is %v, want %v", i, name, pair[0], pair[1])
			}
		}
	}
}

func TestUndefinedIsNaN(t *testing.T) {
	if got := AUC([]int{1, 1}, []float64{.1, .2}); !math.IsNaN(got) {
		t.Errorf("AUC of one class is %v", got)
	}
	if got := AUC(nil, nil); !math.IsNaN(got) {
		t.Errorf("AUC of nothing is %v", got)
	}
	if got := AUCInterval([]int{1, 0, 0}, []float64{.3, .1, .2}, .95); !math.IsNaN(got.Low) {
		t.Errorf("interval of one positive is %v", got)
	}
}

// The 95 % interval should hold the true AUC in about 95 of 100 samples.
func TestIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	truth := math.Erfc(-1.0/2) / 2 // of two normals one standard deviation apart
	inside := 0
	const samples = 400
	for range samples {
		y, s := make([]int, 150), make([]float64, 150)
		for i := range y {
			y[i] = i % 3 / 2
			s[i] = r.NormFloat64() + float64(y[i])
		}
		if v := AUCInterval(y, s, .95); v.Low <= truth && truth <= v.High {
			inside++
		}
	}
	if share := float64(inside) / samples; share < .92 || share > .98 {
		t.Errorf("the interval covers the truth in %.1f %% of samples", 100*share)
	}
}

// A monotone transform of the scores changes no ranking.
func TestRankingIgnoresScale(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	y, s, u := make([]int, 99), make([]float64, 99), make([]float64, 99)
	for i := range y {
		y[i], s[i] = r.IntN(2), float64(r.IntN(20))
		u[i] = math.Exp(s[i])
	}
	if a, b := AUC(y, s), AUC(y, u); a != b {
		t.Errorf("AUC %v becomes %v", a, b)
	}
	if a, b := AveragePrecision(y, s), AveragePrecision(y, u); a != b {
		t.Errorf("average precision %v becomes %v", a, b)
	}
}

func TestWilson(t *testing.T) { // textbook: 8 of 10 at 95 %
	got := Wilson(8, 10, .95)
	if math.Abs(got.Low-.4901625) > 1e-6 || math.Abs(got.High-.9433178) > 1e-6 {
		t.Errorf("got %v", got)
	}
}
