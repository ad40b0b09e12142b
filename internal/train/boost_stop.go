package train

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// stopping says whether boosting stops early, and what it is judged by.
type stopping struct {
	on, auto bool    // auto: on from 10,000 rows, as scikit-learn, where rows can be held out
	patience int     // rounds without a better metric
	share    float64 // of the training rows, held out to judge by; 0: judged on the rows learned from
	count    int     // rows held out, instead of a share
	metric   string  // "loss": the objective's
	warm     bool
	measure  measure
}

// choices are the parameters of stopping early. What LightGBM names turns it on;
// under scikit-learn's names n_iter_no_change does not.
func (s *stopping) choices(lib library) choices {
	rounds := func(v any) string {
		if v == nil || v == int64(0) || v == int64(-1) {
			s.on, s.auto = false, false
			return ""
		}
		s.on = true
		return whole(&s.patience, 1, -1)(v)
	}
	either := func(v any) string {
		switch v {
		case "auto":
			s.on, s.auto = false, true
		case true, false:
			s.on, s.auto = v == true, false
		default:
			if _, ok := v.(int64); !ok {
				return "True, False, auto or a number of rounds"
			}
			return rounds(v)
		}
		return ""
	}
	cs := choices{
		choose("early_stopping", either), choose("validation_fraction", s.setShare),
		choose("metric metrics metric_types eval_metric scoring", s.setMetric),
	}
	if lib == sklearn {
		return append(cs, choose("n_iter_no_change", whole(&s.patience, 1, -1)), choose("early_stopping_round early_stopping_rounds", rounds))
	}
	return append(cs, choose("early_stopping_round early_stopping_rounds n_iter_no_change", rounds))
}

func (s *stopping) setShare(v any) string {
	s.share, s.count = 0, 0
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		if v < 1 || v > 1<<31 {
			return "a share between 0 and 1, a number of rows, or None"
		}
		s.count = int(v)
		return ""
	case float64:
		if v > 0 && v < 1 {
			s.share = v
			return ""
		}
	}
	return "a share between 0 and 1, a number of rows, or None"
}

func (s *stopping) setMetric(v any) string {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	if v == nil {
		v = "default"
	}
	name, ok := v.(string)
	if !ok || name == "" {
		return "the name of one metric"
	}
	s.metric = name
	return ""
}

// shown returns a value of the validation history as people know the metric.
func (s *stopping) shown(v float64) float64 {
	if s.measure.higher {
		return -v
	}
	return v
}

// prepare sets the metric and the rows that judge, and returns the task without
// them. valid is nil when boosting does not stop early.
func (s *stopping) prepare(t task, opt *hist.Options, labels []float64) (rest task, valid *hist.Validation, err error) {
	if !s.on && !(s.auto && t.x.Rows >= 10_000) {
		return t, nil, nil
	}
	opt.Patience = s.patience
	switch name := s.metric; {
	case name == "default" && labels != nil:
		s.metric = "accuracy"
	case name == "default":
		s.metric = "r2_score"
	}
	if s.metric != "loss" {
		if s.measure, err = measureOf(s.metric, labels, opt.Alpha); err != nil {
			return t, nil, err
		}
		s.metric, opt.Metric = s.measure.name, s.measure.loss
	}
	if s.share == 0 && s.count == 0 {
		return t, &hist.Validation{X: t.x, Y: t.y, Weight: t.weights}, nil
	}
	train, judge, err := s.split(t, labels != nil)
	if err != nil && s.auto {
		opt.Patience, opt.Metric = 0, nil
		return t, nil, nil
	}
	if err != nil {
		return t, nil, errs.Wrap(err, "hold rows out to stop early by (validation_fraction, or early_stopping_round=0)")
	}
	held := t.take(judge)
	return t.take(train), &hist.Validation{X: held.x, Y: held.y, Weight: held.weights}, nil
}

// split holds out rows. All records of one drive stay on one side.
func (s *stopping) split(t task, classes bool) (train, test []int, err error) {
	n := len(t.y)
	share := s.share
	if s.count > 0 {
		share = float64(s.count) / float64(n)
	}
	if share >= 1 {
		return nil, nil, errs.New(errs.Invalid, "%d of %d rows leave none to learn from", s.count, n)
	}
	if t.ids != nil {
		groups := table.GroupsOf(t.ids)
		if slices.Max(groups)+1 < n {
			return splitGroups(t, groups, share, classes)
		}
	}
	if classes {
		return table.StratifiedSplit(t.y, share, t.seed)
	}
	return table.TrainTestSplit(n, share, t.seed)
}

// splitGroups draws drives instead of rows: for classes about the same share of the
// drives whose last class is each.
func splitGroups(t task, groups []int, share float64, classes bool) (train, test []int, err error) {
	last := make([]float64, slices.Max(groups)+1)
	for i := range last {
		last[i] = math.Inf(-1)
	}
	for r, g := range groups {
		last[g] = max(last[g], t.y[r])
	}
	var held []int
	if classes {
		_, held, err = table.StratifiedSplit(last, share, t.seed)
	} else {
		_, held, err = table.TrainTestSplit(len(last), share, t.seed)
	}
	if err != nil {
		return nil, nil, err
	}
	out := make([]bool, len(last))
	for _, g := range held {
		out[g] = true
	}
	for r, g := range groups {
		if out[g] {
			test = append(test, r)
		} else {
			train = append(train, r)
		}
	}
	if k := len(classesOf(t.y)); classes && (len(classesOf(t.take(train).y)) < k || len(classesOf(t.take(test).y)) < k) {
		return nil, nil, errs.New(errs.Invalid, "with the records of a drive kept together, one side has not all classes")
	}
	return train, test, nil
}

// take returns the task of some of its rows.
func (t task) take(rows []int) task {
	out := t
	out.x, out.y = t.x.Take(rows), make([]float64, len(rows))
	if t.weights != nil {
		out.weights = make([]float64, len(rows))
	}
	if t.ids != nil {
		out.ids = make([]string, len(rows))
	}
	for i, r := range rows {
		out.y[i] = t.y[r]
		if t.weights != nil {
			out.weights[i] = t.weights[r]
		}
		if t.ids != nil {
			out.ids[i] = t.ids[r]
		}
	}
	return out
}
