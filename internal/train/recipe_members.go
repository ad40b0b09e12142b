package train

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// candidate is one learner of the recipe. Its settings were set once, for few
// failures, and are not searched for: sixty failures cannot choose among many.
type candidate struct {
	name, why string
	log       bool // sees logarithms within the bounds of training
	fit       func(ctx context.Context, x *table.Matrix, y, weight []float64, seed uint32, workers int) (forecast.Scorer, error)
}

func (w *recipe) candidates() []candidate {
	return []candidate{
		{"logistic regression", "log1p, scaled, ridge C=0.01", true, fitRidge},
		{"random forest", "200 trees, 20 rows a leaf", false, fitBinForest},
		{"extra trees", "200 trees, 5 rows a leaf", false, fitExtraTrees},
		{"boosting", "150 trees of 8 leaves, rate 0.03, 100 rows a leaf, L2 10, half of the columns", false, fitSlowBoosting},
	}
}

func fitRidge(ctx context.Context, x *table.Matrix, y, weight []float64, _ uint32, workers int) (forecast.Scorer, error) {
	scaler := linear.NewScaler(x)
	scaled := scaler.Apply(x)
	for i, v := range scaled.Data {
		if v != v {
			scaled.Data[i] = 0
		}
	}
	o := linear.Defaults()
	o.C, o.Workers = .01, workers
	m, err := linear.FitLogistic(ctx, scaled, y, weight, o)
	if err != nil {
		return nil, err
	}
	m.Fill = make([]float64, x.Cols)
	return scaler.Unscale(m), nil
}

func fitBinForest(ctx context.Context, x *table.Matrix, y, weight []float64, seed uint32, workers int) (forecast.Scorer, error) {
	o := hist.ForestDefaults(false)
	o.Trees, o.MinRows, o.Seed, o.Workers = 200, 20, uint64(seed), workers
	return tree.FitHistForest(ctx, x, y, weight, o)
}

func fitExtraTrees(ctx context.Context, x *table.Matrix, y, weight []float64, seed uint32, workers int) (forecast.Scorer, error) {
	o := tree.ExtraTreesClassifier()
	o.Estimators, o.MinSamplesLeaf, o.Seed, o.Workers = 200, tree.N(5), seed, workers
	return tree.Fit(ctx, x, y, weight, o)
}

func fitSlowBoosting(ctx context.Context, x *table.Matrix, y, weight []float64, seed uint32, workers int) (forecast.Scorer, error) {
	o := hist.Defaults(hist.Binary)
	o.Trees, o.Rate, o.Leaves, o.MinRows, o.L2, o.ColumnShare = 150, .03, 8, 100, 10, .5
	o.Seed, o.Workers = uint64(seed), workers
	return hist.FitBoosted(ctx, x, y, weight, o, nil)
}

// leftOut are features that no member sees: they say more of when a row was
// written than of its drive, or are one family's luck in a short time.
var leftOut = []string{"model_failure_ratio", "days_missed", "days_seen"}

// fit teaches a candidate the given rows.
func (w *recipe) fit(ctx context.Context, c candidate, rows []int) (forecast.Member, error) {
	rows, weight := w.sample(rows)
	m := forecast.Member{Name: c.name, Weight: 1, Input: forecast.Input{Log: c.log}}
	y := make([]float64, len(rows))
	for i, r := range rows {
		y[i] = w.set.Y[r]
	}
	m.Input.Columns = w.columns(rows)
	if len(m.Input.Columns) == 0 {
		return m, errs.New(errs.Invalid, "no feature differs between the drives")
	}
	x := table.NewMatrix(len(rows), len(m.Input.Columns))
	for i, c := range m.Input.Columns {
		src, dst := w.set.X.Col(c), x.Col(i)
		low, high := math.Inf(1), math.Inf(-1)
		for k, r := range rows {
			v := src[r]
			if m.Input.Log {
				v = math.Copysign(math.Log1p(math.Abs(v)), v)
			}
			dst[k] = v
			low, high = min(low, fill(v, low)), max(high, fill(v, high))
		}
		if m.Input.Log {
			m.Input.Low, m.Input.High = append(m.Input.Low, low), append(m.Input.High, high)
		}
	}
	var err error
	m.Scorer, err = c.fit(ctx, x, y, weight, w.spec.Seed, w.spec.Workers)
	return m, errs.Wrap(err, "%s", c.name)
}

func fill(v, instead float64) float64 {
	if v != v {
		return instead
	}
	return v
}

// columns lists the features that are not the same in all the rows.
func (w *recipe) columns(rows []int) []int {
	var out []int
	for c, name := range w.set.X.Names {
		if strings.Contains("\n"+strings.Join(leftOut, "\n")+"\n", "\n"+name+"\n") {
			continue
		}
		col, first, varies := w.set.X.Col(c), math.NaN(), false
		for _, r := range rows {
			if v := col[r]; v == v {
				varies = varies || first == first && v != first
				first = v
			}
		}
		if varies {
			out = append(out, c)
		}
	}
	return out
}

// sample keeps all rows with failure and, of the others, about learnedRows, which
// then weigh what they stand for.
func (w *recipe) sample(rows []int) ([]int, []float64) {
	negatives := 0
	for _, r := range rows {
		if w.set.Y[r] == 0 {
			negatives++
		}
	}
	share := min(1, learnedRows/float64(max(1, negatives)))
	draw := rand.New(rand.NewPCG(uint64(w.spec.Seed), 7))
	var kept []int
	var weight []float64
	for _, r := range rows {
		u := draw.Float64()
		switch {
		case w.set.Y[r] == 1:
			kept, weight = append(kept, r), append(weight, w.weight[r])
		case u < share:
			kept, weight = append(kept, r), append(weight, w.weight[r]/share)
		}
	}
	return kept, weight
}
