package train

import (
	"context"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Prepared is data that was read, encoded and split, ready to be learned from:
// once, as Run does, or many times with different parameters. It is not changed
// by use, and safe for concurrent use.
type Prepared struct {
	spec    Spec
	set     *set
	learner *learner
	result  Result // what is known before anything is fitted
	suit    func(l *learner) *learner
	fitted  func(r *Result, e model.Estimator, l *learner) error // makes the model
	table   *table.Table                                         // nil: daily statistics
	days    []smart.Date                                         // of each row; nil: a table
	horizon int
}

// Prepare does what Run does before it fits. Its errors are those of Run.
func Prepare(ctx context.Context, spec Spec) (*Prepared, error) {
	l, err := newLearner(spec.Learner, spec.Params)
	if err != nil {
		return nil, err
	}
	if _, ok := eras[spec.Compat]; !ok {
		return nil, errs.New(errs.Usage, "--compat %q is neither sklearn-1.8 nor sklearn-1.9", spec.Compat)
	}
	if spec.Peers != nil && !l.spreads {
		return nil, errs.New(errs.Usage, "%s is not spread over processes; GBDT is", spec.Learner)
	}
	if err := checkImportance(spec.Importance); err != nil {
		return nil, err
	}
	if spec.TestSize < 0 || spec.TestSize >= 1 {
		return nil, errs.New(errs.Usage, "a test size of %v is not in [0, 1)", spec.TestSize)
	}
	if spec.Target != "" && spec.Split != "" {
		return nil, errs.New(errs.Usage, "--split is of daily statistics; tables are split at random, within classes")
	}
	if spec.Target == "" {
		if !spec.daily() {
			return nil, errs.New(errs.Usage, "%s holds no daily drive statistics; name the target column with --target", spec.Data)
		}
		if _, err := parseSplit(spec.Split); err != nil {
			return nil, err
		}
		return prepareDrives(ctx, spec, l)
	}
	return prepareTable(ctx, spec, l)
}

// CheckParams returns the fault of kind Usage for which the learner would not
// take the parameters.
func CheckParams(learner string, params []Param) error {
	_, err := newLearner(learner, params)
	return err
}

// Finish fits on all training rows and judges the model on the held-out rows.
func (p *Prepared) Finish(ctx context.Context, params []Param) (*Result, error) {
	spec := p.spec
	spec.Params = params
	l, err := newLearner(spec.Learner, params)
	if err != nil {
		return nil, err
	}
	l = p.suit(l)
	estimator, err := p.set.fit(ctx, spec, l)
	if err != nil {
		return nil, errs.Wrap(err, "train %s on %s", spec.Learner, spec.Data)
	}
	r := p.result
	r.Settings = slices.Clone(r.Settings)
	if err := p.fitted(&r, estimator, l); err != nil {
		return nil, err
	}
	return &r, finish(ctx, &r, p.set, spec, l)
}

// Data describes the data.
func (p *Prepared) Data() Data { return p.result.Data }

// Split says which rows are held out.
func (p *Prepared) Split() Split { return p.result.Split }

// Rows are the rows to learn from, without those held out, in the order of the
// split. Every list has one entry a row, or is nil.
type Rows struct {
	Row        []int // its number in the data
	Y          []float64
	Weights    []float64    // nil: ones
	IDs        []string     // the drive; nil when the data names none
	Days       []smart.Date // nil: a table
	Horizon    int          // daily statistics: days that the label looks ahead
	Regression bool         // Y is a number to predict, not a class
	Text       []string     // the column that Training was asked for
}

// Training returns the rows to learn from. column names one more column of a
// table that is wanted as text, or is "".
func (p *Prepared) Training(column string) (*Rows, error) {
	s := p.set
	out := &Rows{Row: slices.Clone(s.train), Horizon: p.horizon, Regression: p.learner.regression}
	for _, r := range s.train {
		out.Y = append(out.Y, s.y[r])
		if s.weights != nil {
			out.Weights = append(out.Weights, s.weights[r])
		}
		if s.ids != nil {
			out.IDs = append(out.IDs, s.ids[r])
		}
		if p.days != nil {
			out.Days = append(out.Days, p.days[r])
		}
	}
	if column == "" {
		return out, nil
	}
	if p.table == nil {
		return nil, errs.New(errs.Usage, "daily statistics are grouped by drive; leave out the column %q", column)
	}
	c := p.table.Column(column)
	if c == nil {
		return nil, errs.New(errs.Invalid, "%s has no column %q; its columns are %s", p.spec.Data, column, strings.Join(p.table.Names(), ", "))
	}
	for _, r := range s.train {
		if c.Kind == table.Text {
			out.Text = append(out.Text, c.Texts[r])
		} else {
			out.Text = append(out.Text, Show(c.Floats[r]))
		}
	}
	return out, nil
}

// FitScore fits on some of the training rows and returns the estimator's classes
// (nil for a regressor) and its scores of others, one row of scores for each row
// of test. Both lists are positions in Rows: held-out rows have none.
func (p *Prepared) FitScore(ctx context.Context, params []Param, train, test []int, workers int) (classes, scores []float64, err error) {
	spec := p.spec
	spec.Params, spec.Workers, spec.Progress = params, workers, nil
	l, err := newLearner(spec.Learner, params)
	if err != nil {
		return nil, nil, err
	}
	part := *p.set
	part.train, part.test = make([]int, len(train)), make([]int, len(test))
	for i, k := range train {
		part.train[i] = p.set.train[k]
	}
	for i, k := range test {
		part.test[i] = p.set.train[k]
	}
	e, err := part.fit(ctx, spec, p.suit(l))
	if err != nil {
		return nil, nil, err
	}
	x, _, _ := part.rows(part.test)
	classes = e.Classes()
	scores = make([]float64, x.Rows*max(1, len(classes)))
	e.Scores(scores, x.RowMajor())
	return classes, scores, nil
}
