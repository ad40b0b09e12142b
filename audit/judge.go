package audit

import (
	"context"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

// Figures are the means of a learner's metrics over all folds.
type Figures struct {
	Learner  string  `json:"learner"`
	Accuracy float64 `json:"accuracy"`
	AUC      float64 `json:"roc_auc"`
}

// Folds of a judgement: five of them, drawn five times.
const (
	judgeFolds   = 5
	judgeRepeats = 5
)

// Judge cross-validates the two learners of `drivecast train --iteration` on the
// numeric features of the source: five folds, five times, each drive in one fold
// as a whole. Missing values become the column's median. progress may be nil.
func Judge(ctx context.Context, s *Source, opt Options, seed uint32, progress func(done, total int)) ([]Figures, error) {
	d, err := prepare(s, opt)
	if err != nil {
		return nil, err
	}
	if d.y == nil {
		return nil, errs.New(errs.Invalid, "%s: the target %s has not two values, so that nothing can be judged", s.Path, d.target)
	}
	x, err := d.matrix()
	if err != nil {
		return nil, err
	}
	y := make([]float64, len(d.y))
	for i, k := range d.y {
		y[i] = float64(k)
	}
	out := []Figures{{Learner: "LogisticRegression"}, {Learner: "RandomForestClassifier"}}
	const total = 2 * judgeFolds * judgeRepeats
	done := 0
	for repeat := range judgeRepeats {
		folds, err := table.GroupKFold{Folds: judgeFolds, Shuffle: true, Seed: seed + uint32(repeat)}.Split(table.Rows{N: len(y), Y: y, Groups: d.folding()})
		if err != nil {
			return nil, errs.Wrap(err, "divide %s into folds", s.Path)
		}
		for _, f := range folds {
			for i := range out {
				accuracy, auc, err := fold(ctx, out[i].Learner, x, y, f, seed)
				if err != nil {
					return nil, errs.Wrap(err, "judge %s on %s", out[i].Learner, s.Path)
				}
				out[i].Accuracy += accuracy / (judgeFolds * judgeRepeats)
				out[i].AUC += auc / (judgeFolds * judgeRepeats)
				if done++; progress != nil {
					progress(done, total)
				}
			}
		}
	}
	return out, nil
}

// folding returns the drive of each row; rows of unknown drives stand alone.
func (d *data) folding() []int {
	out := make([]int, len(d.y))
	for i := range out {
		if out[i] = d.drives + i; d.drive != nil && d.drive[i] >= 0 {
			out[i] = int(d.drive[i])
		}
	}
	return out
}

// matrix returns the numeric features that vary.
func (d *data) matrix() (*table.Matrix, error) {
	var names []string
	for _, c := range d.Table.Columns {
		if d.role(c) == feature && c.Name != d.time && !countsRows(c) && varies(c) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil, errs.New(errs.Invalid, "%s has no numeric feature", d.Path)
	}
	x, err := d.Table.Matrix(names)
	if err != nil {
		return nil, err
	}
	for c := range x.Cols {
		fill(x.Col(c))
	}
	return x, nil
}

// fill replaces missing values by the median.
func fill(col []float64) {
	known := slices.DeleteFunc(slices.Clone(col), math.IsNaN)
	slices.Sort(known)
	middle := 0.0
	if len(known) > 0 {
		middle = known[len(known)/2]
	}
	for i, v := range col {
		if v != v {
			col[i] = middle
		}
	}
}

func fold(ctx context.Context, learner string, x *table.Matrix, y []float64, f table.Fold, seed uint32) (accuracy, auc float64, err error) {
	train, labels := x.Take(f.Train), make([]float64, len(f.Train))
	for i, r := range f.Train {
		labels[i] = y[r]
	}
	var m interface{ Scores(dst, x []float64) }
	if learner == "LogisticRegression" {
		o := linear.Defaults()
		o.MaxIter = 1000
		m, err = linear.FitLogistic(ctx, train, labels, nil, o)
	} else {
		o := tree.RandomForestClassifier()
		o.Estimators, o.MaxDepth, o.MinSamplesSplit, o.Seed = 100, 10, tree.N(5), seed
		m, err = tree.Fit(ctx, train, labels, nil, o)
	}
	if err != nil {
		return 0, 0, err
	}
	scores := make([]float64, 2*len(f.Test))
	m.Scores(scores, x.Take(f.Test).RowMajor())
	truth, p, right := make([]int, len(f.Test)), make([]float64, len(f.Test)), 0
	for i, r := range f.Test {
		truth[i], p[i] = int(y[r]), scores[2*i+1]
		if (p[i] > .5) == (truth[i] == 1) {
			right++
		}
	}
	return float64(right) / float64(len(truth)), eval.AUC(truth, p), nil
}
