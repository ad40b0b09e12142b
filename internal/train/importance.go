package train

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// ImportanceFile holds, in a model's folder and among a run's artifacts, how much
// the columns matter.
const ImportanceFile = "feature_importances.json"

// Importances says how much each column matters to a model. Lists have one entry
// a column; what a model does not have is absent.
type Importances struct {
	Features    []string  `json:"features"`
	Gain        []float64 `json:"gain,omitempty"`  // boosting: what splits lowered the loss by; forests: the share of impurity they removed
	Split       []int     `json:"split,omitempty"` // nodes that test the column
	Permutation *Permuted `json:"permutation,omitempty"`
}

// Permuted is permutation importance: see eval.Permutation.
type Permuted struct {
	Metric   string    `json:"metric"`
	Rows     int       `json:"rows"`
	HeldOut  bool      `json:"held_out"` // else the rows were learned from
	Repeats  int       `json:"repeats"`
	Baseline float64   `json:"baseline"`
	Mean     []float64 `json:"mean"` // by how much the metric worsens
	Std      []float64 `json:"std"`
}

// The values of Spec.Importance.
const (
	ImportanceModel       = "model"       // gain and splits, for models that have them
	ImportancePermutation = "permutation" // these and permutation importance
	ImportanceNone        = "none"
)

const importanceRepeats = 5

// checkImportance refuses unknown values of Spec.Importance.
func checkImportance(kind string) error {
	if known := []string{ImportanceModel, ImportancePermutation, ImportanceNone, ""}; !slices.Contains(known, kind) {
		return errs.New(errs.Usage, "--importance %q is none of model, permutation and none", kind)
	}
	return nil
}

// importances fills in r.Importances and adds its file to the model's folder.
func (s *set) importances(ctx context.Context, r *Result, spec Spec) error {
	if spec.Importance == ImportanceNone {
		return nil
	}
	im := &Importances{Features: s.x.Names}
	switch e := r.Model.Estimator.(type) {
	case *tree.Forest:
		im.Gain, im.Split = e.Importances(), e.Splits()
	case *hist.Boosted:
		of := e.Importance()
		im.Gain, im.Split = of.Gain, of.Splits
	}
	if spec.Importance == ImportancePermutation {
		var err error
		if im.Permutation, err = s.permuted(ctx, r.Model.Estimator, spec); err != nil {
			return errs.Wrap(err, "permutation importance")
		}
	}
	if im.Gain == nil && im.Permutation == nil {
		return nil
	}
	r.Importances = im
	text, err := json.MarshalIndent(im, "", " ")
	if err != nil {
		return err
	}
	if r.Extra == nil {
		r.Extra = map[string][]byte{}
	}
	r.Extra[ImportanceFile] = append(text, '\n')
	return nil
}

// permuted shuffles columns of the held-out rows, or, without these, of those
// learned from.
func (s *set) permuted(ctx context.Context, e model.Estimator, spec Spec) (*Permuted, error) {
	rows := s.test
	if len(rows) == 0 {
		rows = s.train
	}
	x, y, w := s.rows(rows)
	name := spec.ImportanceMetric
	if name == "" {
		name = usualMeasure(e)
	}
	m, err := measureOf(name, e.Classes(), .5)
	if err != nil {
		return nil, err
	}
	fast, outputs := compiled(e), max(1, len(e.Classes()))
	sign := -1.0
	if m.higher {
		sign = 1
	}
	r, err := eval.Permutation{Repeats: importanceRepeats, Seed: uint64(spec.Seed), Workers: spec.Workers,
		Progress: spec.Progress.tell("permutation importance", "shuffles")}.Importance(ctx, x.RowMajor(), x.Cols, func(x []float64) float64 {
		answers := make([]float64, len(y)*outputs)
		fast.Scores(answers, x)
		return sign * m.of(y, answers, w)
	})
	if err != nil {
		return nil, err
	}
	return &Permuted{Metric: m.name, Rows: len(y), HeldOut: len(s.test) > 0, Repeats: importanceRepeats, Baseline: sign * r.Baseline, Mean: r.Mean, Std: r.Std}, nil
}

// usualMeasure is what columns are judged by unless another metric is named.
func usualMeasure(e model.Estimator) string {
	if b, ok := e.(*hist.Boosted); ok && b.Objective == hist.Cox {
		return "concordance_index"
	}
	switch len(e.Classes()) {
	case 0:
		return "r2_score"
	case 2:
		return "roc_auc"
	}
	return "log_loss"
}

// compiled returns the fastest form of an estimator.
func compiled(e model.Estimator) model.Estimator {
	switch e := e.(type) {
	case *tree.Forest:
		if c, err := e.Compile(); err == nil {
			return c
		}
	case *hist.Boosted:
		if c, err := e.Compile(); err == nil {
			return c
		}
	}
	return e
}

// Top returns the columns that matter most, at most n of them, by permutation
// where it was measured, else by gain; each with its importance.
func (im *Importances) Top(n int) (names []string, values []float64) {
	by := im.Gain
	if im.Permutation != nil {
		by = im.Permutation.Mean
	}
	order := make([]int, len(by))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(by[b], by[a]) })
	for _, c := range order[:min(n, len(order))] {
		names, values = append(names, im.Features[c]), append(values, by[c])
	}
	return names, values
}
