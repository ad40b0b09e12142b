package train

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// FeatureFile holds, in the folder of a model of drives over time, the recipe by
// which a drive's history becomes the model's columns.
const FeatureFile = "features.json"

// Of the drive-days without failure this many are learned from at most; each then
// counts for all those it stands for, so that probabilities keep the natural rate.
const keptNegatives = 20000

// alarmShare is the share of drive-days on which a drive may raise an alarm, and
// watchShare that on which it may be watched: they set the model's threshold and
// risk levels, from the training days.
const (
	alarmShare = .01
	watchShare = .05
)

// prepareDrives makes daily statistics ready to be learned from: one row for each
// drive and day, positive when the drive fails within the horizon, split by time.
func prepareDrives(ctx context.Context, spec Spec, l *learner) (*Prepared, error) {
	if l.adapt != nil {
		l = l.adapt(true)
	}
	if l.regression {
		return nil, errs.New(errs.Usage, "daily statistics are learned from by a classifier, not by %s", spec.Learner)
	}
	if spec.Features != nil {
		return nil, errs.New(errs.Usage, "--features chooses columns of a table; the features of daily statistics are made from each drive's history")
	}
	spec.Compat = "sklearn-1.8" // multiplies weights into the bootstrap; 1.9 draws by weight and would hardly see a failing drive
	horizon := spec.Horizon
	if horizon == 0 {
		horizon = DefaultHorizon
	}
	f, err := buildFleet(ctx, spec, horizon)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", spec.Data)
	}
	hash, err := table.HashPath(ctx, spec.Data)
	if err != nil {
		return nil, err
	}
	s := &set{x: f.X, y: f.Y, ids: f.Serial, weights: naturalWeights(f)}
	r := &Result{Learner: spec.Learner, Data: Data{Path: spec.Data, Hash: hash, Rows: f.X.Rows, Features: f.X.Names, Target: "failure within " + strconv.Itoa(horizon) + " days"}}
	if r.Split, err = splitDrives(s, f, spec, hash); err != nil {
		return nil, err
	}
	recipe, err := json.MarshalIndent(map[string]any{"spec": f.Spec, "horizon_days": horizon}, "", " ")
	if err != nil {
		return nil, err
	}
	fitted := func(r *Result, e model.Estimator, l *learner) error {
		r.Model = &model.Model{Estimator: e, Names: f.X.Names, LabelType: mlfolder.Long, Format: "drivecast"}
		s.setAlarms(r.Model)
		r.Extra = map[string][]byte{FeatureFile: append(recipe, '\n')}
		r.Settings = append(r.Settings, Setting{"horizon_days", strconv.Itoa(horizon)}, Setting{"negatives_kept", Show(f.Beta)},
			Setting{"alarm_share", Show(alarmShare)})
		return nil
	}
	return &Prepared{spec: spec, set: s, learner: l, result: *r, days: f.Day, horizon: horizon, fitted: fitted,
		suit: func(l *learner) *learner { return overTime(spec.Learner, l) }}, nil
}

// overTime adapts a learner to drives: a learner of either kind learns classes,
// and logistic regression sees columns of one
// scale, missing values being average.
func overTime(name string, l *learner) *learner {
	if l.adapt != nil {
		l = l.adapt(true)
	}
	if l.missing {
		return l
	}
	return &learner{fit: func(ctx context.Context, t task) (model.Estimator, error) {
		scaler := linear.NewScaler(t.x)
		t.x = scaler.Apply(t.x)
		for i, v := range t.x.Data {
			if math.IsNaN(v) {
				t.x.Data[i] = 0
			}
		}
		e, err := l.fit(ctx, t)
		if err != nil {
			return nil, err
		}
		scaled, ok := e.(*linear.Logistic)
		if !ok {
			return nil, errs.New(errs.Unsupported, "%s does not take the missing values of daily statistics", name)
		}
		scaled.Fill = make([]float64, t.x.Cols)
		return scaler.Unscale(scaled), nil
	}}
}

// buildFleet makes the rows. Negative rows of the training days are sampled when
// there are many; held-out days are kept whole.
func buildFleet(ctx context.Context, spec Spec, horizon int) (*feature.Set, error) {
	report := func(step string) func(done, total int64) {
		if spec.Progress == nil {
			return nil
		}
		return func(done, total int64) { spec.Progress(step, "bytes", done, total) }
	}
	source, err := smart.Open(ctx, spec.Data, spec.reading(nil, spec.Workers, nil))
	if err != nil {
		return nil, err
	}
	filled, err := source.Filled(ctx)
	dates := source.Dates()
	source.Close()
	if err != nil {
		return nil, err
	}
	opt := feature.Options{Spec: feature.NewSpec(filled), Horizon: horizon, Seed: uint64(spec.Seed), Negatives: 1}
	rows, err := countRows(ctx, spec, filled, report("count"))
	if err != nil {
		return nil, err
	}
	opt.WholeFrom = dates[len(dates)-1] + 1
	switch by, err := parseSplit(spec.Split); {
	case err != nil:
		return nil, err
	case spec.TestSize > 0 && !by.time: // any row may be held out, and those are not sampled
		opt.WholeFrom, rows = dates[0], 0
	case spec.TestSize > 0:
		split, err := feature.NewTimeSplit(dates[0], dates[len(dates)-1], horizon, 0, spec.TestSize)
		if err != nil {
			return nil, err
		}
		opt.WholeFrom = split.TestFrom
		rows = rows * int(split.TrainUntil-split.TrainFrom+1) / len(dates)
	}
	if rows > keptNegatives {
		opt.Negatives = float64(keptNegatives) / float64(rows)
	}
	pass := 0
	open := func(attributes []smart.Attribute) (feature.Stream, error) {
		pass++
		in := spec.reading(attributes, spec.Workers, report("features, pass "+strconv.Itoa(pass)))
		if len(attributes) > 0 {
			in.Quarantine = spec.Drives.Quarantine // once: the other passes see the same rows
		}
		return smart.Open(ctx, spec.Data, in)
	}
	return feature.Build(ctx, open, opt)
}

// daily reports whether the data is daily statistics of drives.
func (s Spec) daily() bool { return s.Drives.Mapping != nil || smart.IsBackblaze(s.Data) }

// reading returns how the daily statistics are read, bad rows going nowhere.
func (s Spec) reading(attributes []smart.Attribute, workers int, progress func(done, total int64)) smart.Options {
	in := s.Drives
	in.Attributes, in.Workers, in.Progress, in.Quarantine = attributes, workers, progress, nil
	return in
}

// countRows estimates the number of drive-days from a look at the first file.
func countRows(ctx context.Context, spec Spec, attributes []smart.Attribute, report func(done, total int64)) (int, error) {
	source, err := smart.Open(ctx, spec.Data, spec.reading(attributes[:min(1, len(attributes))], 1, report))
	if err != nil {
		return 0, err
	}
	defer source.Close()
	day, err := source.Next(ctx)
	if err != nil {
		return 0, err
	}
	return len(day.Readings) * len(source.Dates()), nil
}

// naturalWeights lets each sampled negative row count for those it stands for.
func naturalWeights(f *feature.Set) []float64 {
	if f.Beta == 1 || f.Beta == 0 {
		return nil
	}
	out := make([]float64, len(f.Y))
	for i, y := range f.Y {
		out[i] = 1
		if y == 0 {
			out[i] = math.Round(1 / f.Beta)
		}
	}
	return out
}

// setAlarms puts the threshold where the stated share of training drive-days
// raises an alarm, and the risk levels beside it.
func (s *set) setAlarms(m *model.Model) {
	x, _, w := s.rows(s.train)
	scores := make([]float64, 2*x.Rows)
	m.Estimator.Scores(scores, x.RowMajor())
	order := make([]int, x.Rows)
	total := 0.0
	weight := func(r int) float64 {
		if w == nil {
			return 1
		}
		return w[r]
	}
	for r := range order {
		order[r] = r
		total += weight(r)
	}
	slices.SortFunc(order, func(a, b int) int {
		if scores[2*a+1] > scores[2*b+1] {
			return -1
		}
		if scores[2*a+1] < scores[2*b+1] {
			return 1
		}
		return a - b
	})
	ranked, weights := make([]float64, len(order)), make([]float64, len(order))
	for i, r := range order {
		ranked[i], weights[i] = scores[2*r+1], weight(r)
	}
	at := func(share float64) float64 { return cutAt(ranked, weights, share*total) }
	m.Threshold = max(at(alarmShare), math.SmallestNonzeroFloat64)
	m.Risk = model.Risk{Medium: min(at(watchShare), m.Threshold), High: m.Threshold}
}
