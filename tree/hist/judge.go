package hist

import (
	"context"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// judge follows the validation metric.
type judge struct {
	data      *binned
	y, w      []float64
	class     []float64 // y as class numbers, for the default metric
	score     [][]float32
	best      float64
	bestTrees int
	since     int
	seen      bool
}

func newJudge(f *fit, v *Validation) (*judge, error) {
	if err := checkShape(v.X, v.Y, v.Weight); err != nil {
		return nil, errs.Wrap(err, "validation rows")
	}
	data, err := f.data.bins.bin(v.X, f.opt.Workers)
	if err != nil {
		return nil, errs.Wrap(err, "validation rows")
	}
	j := &judge{data: data, y: v.Y, w: v.Weight, class: v.Y, bestTrees: len(f.model.Trees)}
	if f.model.Labels != nil {
		j.class = make([]float64, len(v.Y))
		for i, y := range v.Y {
			k, ok := slices.BinarySearch(f.model.Labels, y)
			if !ok {
				return nil, errs.New(errs.Invalid, "validation row %d has a class that is not in the training rows: %v", i+1, y)
			}
			j.class[i] = float64(k)
		}
	}
	j.score = planes(f.model.Outputs, v.X.Rows)
	row := make([]float64, v.X.Cols)
	for r := range v.X.Rows {
		f.model.retrace(j.score, r, v.X.Row(row, r))
	}
	return j, nil
}

// judge measures the round and reports whether patience is over.
func (j *judge) judge(ctx context.Context, f *fit) (done bool, err error) {
	agreed := []float64{f.metric(j)}
	if err := f.opt.Shard.max(ctx, agreed); err != nil { // so that all processes stop together
		return false, err
	}
	m := agreed[0]
	if m != m {
		return false, errs.New(errs.Invalid, "the metric of the validation rows is not a number after %d rounds", f.model.Rounds())
	}
	f.model.History = append(f.model.History, m)
	if !j.seen || m < j.best-f.opt.MinDelta {
		j.seen, j.best, j.bestTrees, j.since = true, m, len(f.model.Trees), 0
		return false, nil
	}
	j.since++
	return f.opt.Patience > 0 && j.since >= f.opt.Patience, nil
}

// metric returns the chosen metric, or the mean loss.
func (f *fit) metric(j *judge) float64 {
	k := f.model.Outputs
	raw := make([]float64, len(j.y)*k)
	for o, s := range j.score {
		for i, v := range s {
			raw[i*k+o] = float64(v) + f.model.Base[o]
		}
	}
	if f.opt.Metric == nil && f.opt.Objective != Cox {
		var sum, all float64
		for i, y := range j.class {
			w := 1.0
			if j.w != nil {
				w = j.w[i]
			}
			sum += w * f.loss.value(y, raw[i*k:(i+1)*k])
			all += w
		}
		return sum / all
	}
	c := max(len(f.model.Labels), 1)
	answers := make([]float64, len(j.y)*c)
	for i := range j.y {
		f.loss.answer(answers[i*c:(i+1)*c], raw[i*k:(i+1)*k])
	}
	if f.opt.Metric == nil {
		return coxLoss(j.y, answers, j.w)
	}
	return f.opt.Metric(j.y, answers, j.w)
}
