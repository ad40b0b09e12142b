package train

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Recipe is the name of the default recipe, in Result.Learner.
const Recipe = "recipe"

// ReportFile holds, in the folder of a model that the default recipe made, why it
// is what it is and what it would have done: an Evidence as JSON.
const ReportFile = "evidence.json"

const (
	recipeRows  = 600_000 // rows without failure that are made into vectors at most
	learnedRows = 120_000 // and learned from; each counts for those it stands for
	minDrives   = 10      // drives of a family before the model speaks of it
	minKnown    = .5      // share of the attributes that a reading must hold
)

// recipe is the default recipe at work.
type recipe struct {
	spec     Spec
	set      *feature.Set
	drive    []int32 // number of each row's drive
	weight   []float64
	evidence *Evidence
}

// runRecipe trains the default recipe on daily statistics.
func runRecipe(ctx context.Context, spec Spec) (*Result, error) {
	if spec.Horizon == 0 {
		spec.Horizon = DefaultHorizon
	}
	set, err := buildRecipe(ctx, spec)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", spec.Data)
	}
	hash, err := table.HashPath(ctx, spec.Data)
	if err != nil {
		return nil, err
	}
	w := &recipe{spec: spec, set: set, evidence: &Evidence{Horizon: spec.Horizon, Memory: set.Spec.Memory, Stats: set.Stats}}
	w.number()
	f, err := w.make(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "train on %s", spec.Data)
	}
	return w.result(f, hash)
}

// buildRecipe makes the rows of the days up to Spec.Until, with labels from the
// days after it, as far as the windows of those rows reach.
func buildRecipe(ctx context.Context, spec Spec) (*feature.Set, error) {
	in := spec.reading(nil, spec.Workers, nil)
	if spec.Until != 0 {
		in.Until = spec.Until + smart.Date(spec.Horizon)
	}
	source, err := smart.Open(ctx, spec.Data, in)
	if err != nil {
		return nil, err
	}
	filled, err := source.Filled(ctx)
	dates := source.Dates()
	source.Close()
	if err != nil {
		return nil, err
	}
	opt := feature.Options{Spec: feature.NewSpec(filled), Horizon: spec.Horizon, Seed: uint64(spec.Seed), MaxRows: recipeRows, Until: spec.Until}
	opt.Spec.Memory = memoryFor(int(dates[len(dates)-1]-dates[0])+1, spec.Horizon)
	if spec.Progress != nil {
		in.Progress = func(done, total int64) { spec.Progress("features", "bytes", done, total) }
	}
	in.Attributes, in.Quarantine = filled, spec.Drives.Quarantine
	return feature.BuildPath(ctx, spec.Data, in, opt)
}

// memoryFor chooses how far back a vector looks: so far that most rows of the
// data have seen that many days, and at least as far as a week.
func memoryFor(days, horizon int) int {
	for _, m := range []int{30, 14} {
		if days-horizon >= 3*m {
			return m
		}
	}
	return 7
}

// number gives drives their numbers, and rows the weight of those they stand for.
func (w *recipe) number() {
	s := w.set
	known := map[string]int32{}
	w.drive, w.weight = make([]int32, len(s.Y)), make([]float64, len(s.Y))
	for i, serial := range s.Serial {
		n, ok := known[serial]
		if !ok {
			n = int32(len(known))
			known[serial] = n
		}
		w.drive[i], w.weight[i] = n, 1
		if s.Y[i] == 0 && s.Beta > 0 {
			w.weight[i] = 1 / s.Beta
		}
	}
}

// make compares, chooses, fits on all days and calibrates.
func (w *recipe) make(ctx context.Context) (*forecast.Model, error) {
	folds, err := w.folds()
	if err != nil {
		return nil, err
	}
	all := w.candidates()
	held, err := w.compare(ctx, all, folds)
	if err != nil {
		return nil, err
	}
	chosen := w.choose(held)
	f := &forecast.Model{Spec: w.set.Spec, Horizon: w.spec.Horizon, Limits: forecast.Limits{Families: w.families(), MinDrives: minDrives, MinKnown: minKnown}}
	rows := make([]int, len(w.set.Y))
	for i := range rows {
		rows[i] = i
	}
	for k, c := range chosen.Members {
		w.tell("final fit", k, len(chosen.Members))
		m, err := w.fit(ctx, all[slices.IndexFunc(all, func(l candidate) bool { return l.name == c })], rows)
		if err != nil {
			return nil, err
		}
		f.Members = append(f.Members, m)
	}
	w.tell("final fit", len(chosen.Members), len(chosen.Members))
	z := held.mean(chosen.Members)
	if err := w.calibrate(f, held, z); err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, w.judge(ctx, f, held, z)
}

func (w *recipe) tell(step string, done, total int) {
	if w.spec.Progress != nil {
		w.spec.Progress(step, "models", int64(done), int64(total))
	}
}

// families counts the drives of each model, and those of them that failed.
func (w *recipe) families() []forecast.Family {
	drives, failed := map[string]map[int32]bool{}, map[string]map[int32]bool{}
	for i, m := range w.set.Model {
		if drives[m] == nil {
			drives[m], failed[m] = map[int32]bool{}, map[int32]bool{}
		}
		drives[m][w.drive[i]] = true
		if w.set.Y[i] == 1 {
			failed[m][w.drive[i]] = true
		}
	}
	var out []forecast.Family
	for name := range drives {
		out = append(out, forecast.Family{Name: name, Drives: len(drives[name]), Failures: len(failed[name])})
	}
	slices.SortFunc(out, func(a, b forecast.Family) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// result joins model and evidence.
func (w *recipe) result(f *forecast.Model, hash string) (*Result, error) {
	s := w.set
	r := &Result{Learner: Recipe, Evidence: w.evidence}
	r.Model = &model.Model{Estimator: f, Names: f.Names(), LabelType: mlfolder.Long, Format: "drivecast",
		Threshold: max(f.Limits.High, math.SmallestNonzeroFloat64), Risk: model.Risk{Medium: f.Limits.Medium, High: f.Limits.High}}
	positives := 0
	for _, y := range s.Y {
		positives += int(y)
	}
	r.Data = Data{Path: w.spec.Data, Hash: hash, Rows: s.X.Rows, Features: s.X.Names, Target: "failure within " + strconv.Itoa(w.spec.Horizon) + " days",
		Prevalence: w.prevalence(nil)}
	r.Split = Split{Kind: w.evidence.Split, Train: s.X.Rows, Detail: w.evidence.splitText(), Seed: w.spec.Seed}
	all := &set{x: s.X, y: s.Y}
	for i := range s.Y {
		all.train = append(all.train, i)
	}
	r.Split.Digest = all.digest(hash)
	if err := all.sign(r.Model); err != nil {
		return nil, err
	}
	var err error
	if r.Example, err = all.example(); err != nil {
		return nil, err
	}
	r.Metrics = w.evidence.metrics()
	r.AUC = w.evidence.AUC
	r.Settings = []Setting{{"learner", Recipe}, {"random_state", strconv.FormatUint(uint64(w.spec.Seed), 10)}, {"horizon_days", strconv.Itoa(w.spec.Horizon)},
		{"memory_days", strconv.Itoa(s.Spec.Memory)}, {"members", w.evidence.Chosen}, {"negatives_kept", Show(s.Beta)}, {"split", r.Split.Kind}}
	if w.spec.Until != 0 {
		r.Settings = append(r.Settings, Setting{"until", w.spec.Until.String()})
	}
	spec, err := json.MarshalIndent(map[string]any{"spec": s.Spec, "horizon_days": w.spec.Horizon}, "", " ")
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(w.evidence, "", " ")
	if err != nil {
		return nil, errs.Wrap(err, "describe the model")
	}
	r.Extra = map[string][]byte{FeatureFile: append(spec, '\n'), ReportFile: append(text, '\n')}
	return r, nil
}

// prevalence is the weighted share of rows with failure; of all rows, when rows is
// nil.
func (w *recipe) prevalence(rows []int) float64 {
	pos, all := 0.0, 0.0
	add := func(i int) { pos, all = pos+float64(w.weight[i]*w.set.Y[i]), all+w.weight[i] }
	if rows == nil {
		for i := range w.set.Y {
			add(i)
		}
	}
	for _, i := range rows {
		add(i)
	}
	return pos / all
}

// outcomes are held-out rows with calibrated log-odds.
func (w *recipe) outcomes(held *heldOut, line forecast.Line, z []float64) []forecast.Outcome {
	out := make([]forecast.Outcome, len(z))
	for i, r := range held.rows {
		out[i] = forecast.Outcome{LogOdds: line.LogOdds(z[i]), Failed: w.set.Y[r] == 1, Drive: int(w.drive[r]), Weight: w.weight[r]}
	}
	return out
}

// watch makes a watch of held-out rows of one fold, or of all when fold is below 0.
// The scores are those of all held-out rows.
func (w *recipe) watch(held *heldOut, fold int, score []float64) *eval.Watch {
	v := &eval.Watch{}
	var order []int
	for i := range held.rows {
		if fold < 0 || held.fold[i] == fold {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(w.set.Day[held.rows[a]] - w.set.Day[held.rows[b]]) })
	for _, i := range order {
		r := held.rows[i]
		v.Day, v.Drive = append(v.Day, int32(w.set.Day[r])), append(v.Drive, w.drive[r])
		v.Score, v.Truth = append(v.Score, score[i]), append(v.Truth, int(w.set.Y[r]))
		v.Lead, v.Weight = append(v.Lead, w.set.Lead[r]), append(v.Weight, w.weight[r])
	}
	return v
}
