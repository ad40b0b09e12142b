package train

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

// prepareTable makes a table with a target column ready to be learned from.
func prepareTable(ctx context.Context, spec Spec, l *learner) (*Prepared, error) {
	t, hash, err := readTable(ctx, spec)
	if err != nil {
		return nil, err
	}
	y, labels, err := readTarget(t, spec.Data, spec.Target)
	if err != nil {
		return nil, err
	}
	l = l.forTarget(y, labels)
	if err := checkClasses(spec, l, y, labels); err != nil {
		return nil, err
	}
	features, left, err := chooseFeatures(t, spec.Target, spec.Features)
	if err != nil {
		return nil, errs.Wrap(err, "%s", spec.Data)
	}
	x, encoders, err := encode(t, features)
	if err != nil {
		return nil, errs.Wrap(err, "%s", spec.Data)
	}
	s := &set{x: x, y: y, ids: serials(t)}
	for _, name := range features {
		if t.Column(name).Kind == table.Text {
			s.texts = append(s.texts, name)
		}
	}
	r := &Result{Learner: spec.Learner, LeftOut: left,
		Data: Data{Path: spec.Data, Hash: hash, Rows: t.Rows(), Features: features, Target: spec.Target}}
	if r.Split, err = splitTable(s, spec, l.regression, hash); err != nil {
		return nil, errs.Wrap(err, "split %s", spec.Data)
	}
	fitted := func(r *Result, e model.Estimator, l *learner) error {
		r.Model = &model.Model{Estimator: e, Names: features, Encoders: encoders, Labels: labels,
			LabelType: labelType(l, y, labels), Format: "drivecast"}
		return nil
	}
	return &Prepared{spec: spec, set: s, learner: l, result: *r, table: t, fitted: fitted,
		suit: func(l *learner) *learner { return l.forTarget(y, labels) }}, nil
}

func readTable(ctx context.Context, spec Spec) (*table.Table, string, error) {
	var report func(done, total int64)
	if spec.Progress != nil {
		report = func(done, total int64) { spec.Progress("read", "bytes", done, total) }
	}
	t, err := table.ReadFile(ctx, spec.Data, table.ReadOptions{Progress: report})
	if err != nil {
		return nil, "", err
	}
	hash, err := table.HashPath(ctx, spec.Data)
	return t, hash, err
}

// checkClasses wants at least two classes of a classifier's target, and exactly
// two when spec.Binary says so.
func checkClasses(spec Spec, l *learner, y []float64, labels []string) error {
	if l.regression {
		if labels != nil {
			return errs.New(errs.Invalid, "%s: column %q: the target of a regressor must be numbers; take a classifier", spec.Data, spec.Target)
		}
		return nil
	}
	classes := classesOf(y)
	shown := make([]string, 0, 5)
	for i, c := range classes {
		if i == 5 {
			shown = append(shown, "…")
			break
		}
		if labels != nil {
			shown = append(shown, labels[i])
			continue
		}
		shown = append(shown, strconv.FormatFloat(c, 'g', -1, 64))
	}
	switch {
	case len(classes) < 2:
		return &errs.Input{File: spec.Data, Column: spec.Target, Problem: "the target has one class only (" + shown[0] + ")",
			Mend: "bring rows of another class"}
	case spec.Binary && len(classes) != 2:
		return &errs.Input{File: spec.Data, Column: spec.Target,
			Problem: "the target has " + strconv.Itoa(len(classes)) + " values (" + strings.Join(shown, ", ") + "), and failing or not is two",
			Mend:    "name a column of two values with --target"}
	}
	return nil
}

// encode returns the features as numbers. Text becomes its rank among the
// column's texts; the mapping goes with the model. A numeric feature NAME_encoded
// beside a text column NAME from which it was made gets that mapping too, so that
// the raw text can be scored.
func encode(t *table.Table, features []string) (*table.Matrix, []model.Encoder, error) {
	m := table.NewMatrix(t.Rows(), len(features))
	m.Names = features
	var encoders []model.Encoder
	for i, name := range features {
		c, dst := t.Column(name), m.Col(i)
		if c.Kind == table.Text {
			e, err := textEncoder(c)
			if err != nil {
				return nil, nil, err
			}
			encoders = append(encoders, e)
			for r, s := range c.Texts {
				if dst[r], err = e.Code(s); err != nil {
					return nil, nil, err
				}
			}
			continue
		}
		copy(dst, c.Floats)
		if source, ok := strings.CutSuffix(name, "_encoded"); ok {
			if raw := t.Column(source); raw != nil && raw.Kind == table.Text {
				if e, ok := model.NewEncoder(name, source, raw.Texts, c.Floats); ok {
					encoders = append(encoders, e)
				}
			}
		}
	}
	return m, encoders, nil
}

func textEncoder(c *table.Column) (model.Encoder, error) {
	codes := codesOf(c.Texts)
	numbers := make([]float64, 0, len(codes))
	texts := sortedKeys(codes)
	for _, s := range texts {
		numbers = append(numbers, codes[s])
	}
	e, ok := model.NewEncoder(c.Name, c.Name, texts, numbers)
	if !ok {
		return e, errs.New(errs.Invalid, "column %q has no text to encode", c.Name)
	}
	return e, nil
}

var serialName = regexp.MustCompile(`(?i)^(serial.*|.*serial(_?(number|no|nr))?)$`)

// serials returns the column that names the drives, or nil.
func serials(t *table.Table) []string {
	i := slices.IndexFunc(t.Columns, func(c *table.Column) bool { return c.Kind == table.Text && serialName.MatchString(c.Name) })
	if i < 0 {
		return nil
	}
	return t.Columns[i].Texts
}

func splitTable(s *set, spec Spec, regression bool, hash string) (Split, error) {
	n := len(s.y)
	out := Split{Kind: "none", Size: spec.TestSize, Seed: spec.Seed}
	var err error
	switch {
	case spec.TestSize == 0:
		s.train = make([]int, n)
		for i := range s.train {
			s.train[i] = i
		}
	case regression:
		out.Kind = "random"
		s.train, s.test, err = table.TrainTestSplit(n, spec.TestSize, spec.Seed)
	default:
		out.Kind = "stratified"
		s.train, s.test, err = table.StratifiedSplit(s.y, spec.TestSize, spec.Seed)
	}
	out.Train, out.Test, out.Digest = len(s.train), len(s.test), s.digest(hash)
	return out, err
}

func labelType(l *learner, y []float64, labels []string) string {
	switch {
	case labels != nil:
		return mlfolder.String
	case l.regression || slices.ContainsFunc(y, func(v float64) bool { return v != float64(int64(v)) }):
		return mlfolder.Double
	}
	return mlfolder.Long
}

// finish fills in what every result has: signature, metrics, samples, settings.
func finish(ctx context.Context, r *Result, s *set, spec Spec, l *learner) error {
	if err := s.sign(r.Model); err != nil {
		return err
	}
	s.judge(r, l)
	err := s.importances(ctx, r, spec)
	if err != nil {
		return err
	}
	if r.Example, err = s.example(); err != nil {
		return err
	}
	if !l.regression {
		classes := classesOf(s.y)
		n := 0
		for _, v := range s.y {
			if v == classes[len(classes)-1] {
				n++
			}
		}
		r.Data.Prevalence = float64(n) / float64(len(s.y))
	}
	r.Settings = append(r.Settings, Setting{"learner", spec.Learner}, Setting{"random_state", strconv.FormatUint(uint64(spec.Seed), 10)},
		Setting{"test_size", Show(spec.TestSize)}, Setting{"split", r.Split.Kind})
	if l.settings != nil {
		r.Settings = append(r.Settings, l.settings()...)
	}
	for _, p := range spec.Params {
		r.Settings = slices.DeleteFunc(r.Settings, func(q Setting) bool { return q.Name == p.Name })
		r.Settings = append(r.Settings, Setting{p.Name, Show(p.Value)})
	}
	return nil
}

// CheckTarget reads the target of a table and returns the fault for which no
// model of failing or not could be trained on it: a file that cannot be read, no
// such column, other than two values.
func CheckTarget(ctx context.Context, file, target string) error {
	t, err := table.ReadFile(ctx, file, table.ReadOptions{})
	if err != nil {
		return err
	}
	y, labels, err := readTarget(t, file, target)
	if err != nil {
		return err
	}
	if err := checkClasses(Spec{Data: file, Target: target, Binary: true}, &learner{}, y, labels); err != nil {
		return err
	}
	_, _, err = chooseFeatures(t, target, nil)
	return errs.Wrap(err, "%s", file)
}
