package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

// Run trains what spec says. Daily statistics of drives (smart.IsBackblaze) are
// turned into features and labels over the horizon when no target is named;
// everything else is a table with a target column.
func Run(ctx context.Context, spec Spec) (*Result, error) {
	if spec.Learner == "" && spec.Target == "" && spec.daily() {
		if spec.Peers != nil || spec.Importance == ImportancePermutation {
			return nil, errs.New(errs.Usage, "the default recipe is not spread over processes and has no permutation importance; name a learner with --learner")
		}
		if spec.Split != "" && spec.Split != "time" {
			return nil, errs.New(errs.Usage, "the default recipe walks forward in time; --split %s goes with --learner", spec.Split)
		}
		return runRecipe(ctx, spec)
	}
	p, err := Prepare(ctx, spec)
	if err != nil {
		return nil, err
	}
	return p.Finish(ctx, spec.Params)
}

// eras are the values of Spec.Compat.
var eras = map[string]tree.Compat{"": tree.Sklearn19, "sklearn-1.9": tree.Sklearn19, "sklearn-1.8": tree.Sklearn18}

// set is data ready to be learned from.
type set struct {
	x           *table.Matrix
	y           []float64
	weights     []float64 // nil: ones
	ids         []string  // of each row; nil: the row's number
	texts       []string  // columns of x that stand for texts
	train, test []int
}

func (s *set) rows(rows []int) (x *table.Matrix, y, weights []float64) {
	x, y = s.x.Take(rows), make([]float64, len(rows))
	for i, r := range rows {
		y[i] = s.y[r]
	}
	if s.weights != nil {
		weights = make([]float64, len(rows))
		for i, r := range rows {
			weights[i] = s.weights[r]
		}
	}
	return x, y, weights
}

// fit trains on the training rows.
func (s *set) fit(ctx context.Context, spec Spec, l *learner) (model.Estimator, error) {
	x, y, w := s.rows(s.train)
	if !l.regression && len(classesOf(y)) < 2 {
		return nil, errs.New(errs.Invalid, "the target has one class only, %v, among the %d training rows; at least two are needed", y[0], len(y))
	}
	var ids []string
	if s.ids != nil {
		for _, r := range s.train {
			ids = append(ids, s.ids[r])
		}
	}
	return l.fit(ctx, task{peers: spec.Peers, texts: s.texts, ids: ids, x: x, y: y, weights: w, seed: spec.Seed, workers: spec.Workers, compat: eras[spec.Compat],
		progress: spec.Progress.tell("train "+spec.Learner, "trees")})
}

// digest names the held-out rows of this data.
func (s *set) digest(hash string) string {
	h := sha256.New()
	h.Write([]byte(hash))
	for _, r := range s.test {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(r)))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// judge asks the model about the held-out rows.
func (s *set) judge(r *Result, l *learner) {
	if len(s.test) == 0 {
		return
	}
	x, y, _ := s.rows(s.test)
	rows := x.RowMajor()
	scores := make([]float64, len(y)*r.Model.Outputs())
	r.Model.Estimator.Scores(scores, rows)
	if l.regression {
		judge := l.judge
		if judge == nil {
			judge = regressionMetrics
		}
		r.Metrics = judge(y, scores)
		return
	}
	r.Metrics, r.AUC = classMetrics(r.Model, y, scores, rows)
	if r.Model.Outputs() == 2 {
		r.Samples = s.samples(r.Model, x, y, scores)
	}
}

func regressionMetrics(y, predicted []float64) []Metric {
	mean, absolute, squared, spread := 0.0, 0.0, 0.0, 0.0
	n := float64(len(y))
	for _, v := range y {
		mean += v / n
	}
	for i, v := range y {
		d := predicted[i] - v
		absolute += math.Abs(d) / n
		squared += d * d / n
		spread += (v - mean) * (v - mean) / n
	}
	return []Metric{{"mean_absolute_error", absolute}, {"root_mean_squared_error", math.Sqrt(squared)}, {"r2_score", 1 - squared/spread}}
}

// classMetrics returns accuracy and, for two classes, all that is asked about the
// second one.
func classMetrics(m *model.Model, y, scores, rows []float64) ([]Metric, eval.Interval) {
	classes := m.Estimator.Classes()
	decided := make([]int, len(y))
	m.Decide(decided, scores, rows)
	if len(classes) != 2 {
		right := 0
		for i, v := range y {
			if classes[decided[i]] == v {
				right++
			}
		}
		return []Metric{{"accuracy", float64(right) / float64(len(y))}}, eval.Interval{}
	}
	truth, p := make([]int, len(y)), make([]float64, len(y))
	for i, v := range y {
		if v == classes[1] {
			truth[i] = 1
		}
		p[i] = scores[2*i+1]
	}
	c := eval.Count(truth, decided)
	auc := eval.AUCInterval(truth, p, .95)
	out := []Metric{
		{"accuracy", c.Accuracy()}, {"precision", c.Precision()}, {"recall", c.Recall()}, {"f1_score", c.F1()},
		{"roc_auc", auc.Value}, {"roc_auc_low", auc.Low}, {"roc_auc_high", auc.High},
		{"average_precision", eval.AveragePrecision(truth, p)}, {"log_loss", eval.LogLoss(truth, p)},
		{"brier_score", eval.Brier(truth, p)}, {"mcc", c.MCC()}, {"false_alarm_rate", c.FalseAlarmRate()},
		{"prevalence", eval.Prevalence(truth)},
	}
	return slices.DeleteFunc(out, func(m Metric) bool { return math.IsNaN(m.Value) }), auc
}

// samples picks three held-out rows by their score: the highest, the middle one
// and the lowest. No other rule chooses them.
func (s *set) samples(m *model.Model, x *table.Matrix, y, scores []float64) []Sample {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch d := scores[2*b+1] - scores[2*a+1]; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	var out []Sample
	for i, which := range []string{"riskiest", "middle", "safest"} {
		r := order[(len(order)-1)*i/2]
		sample := Sample{Which: which, ID: "row " + strconv.Itoa(s.test[r]+1), Actual: strconv.FormatFloat(y[r], 'g', -1, 64), Values: map[string]float64{}}
		if m.Labels != nil {
			sample.Actual = m.Labels[slices.Index(m.Estimator.Classes(), y[r])]
		}
		if s.ids != nil && s.ids[s.test[r]] != "" {
			sample.ID = s.ids[s.test[r]]
		}
		for c, name := range x.Names {
			if v := x.At(r, c); !math.IsNaN(v) {
				sample.Values[name] = v
			}
		}
		out = append(out, sample)
	}
	return out
}

// example returns up to five held-out rows (or training rows, when none were held
// out) as a table of the model's columns.
func (s *set) example() (*table.Table, error) {
	rows := s.test
	if len(rows) == 0 {
		rows = s.train
	}
	return numberTable(s.x.Take(rows[:min(5, len(rows))]))
}

func numberTable(x *table.Matrix) (*table.Table, error) {
	cols := make([]*table.Column, x.Cols)
	for c := range cols {
		cols[c] = &table.Column{Name: x.Names[c], Kind: table.Number, Floats: x.Col(c)}
	}
	return table.New(cols...)
}

// sign gives the model its signature: numbers are double, so that whole and
// broken and missing ones may be asked about.
func (s *set) sign(m *model.Model) error {
	t, err := s.example()
	if err != nil {
		return err
	}
	m.Signature, err = model.Infer(t, s.x.Names, m.LabelType)
	if err != nil {
		return err
	}
	for i := range m.Signature.Inputs {
		if m.Signature.Inputs[i].Type == mlfolder.Long {
			m.Signature.Inputs[i].Type = mlfolder.Double
		}
	}
	return nil
}
