package tune

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/table"
)

// Learner judges settings of a learner by cross-validation on the training rows.
type Learner struct {
	Data     *train.Prepared
	Rows     *train.Rows
	Name     string        // of the learner
	Fixed    []train.Param // that every setting shares
	Space    search.Space
	Metric   Metric
	Split    Splitter
	Seed     uint64
	Workers  int    // goroutines of one fit
	Resource string // what halving gives less of: rows, or a parameter that Fixed has
	folds    []table.Fold
	order    [][]int // of each fold, its training rows; a share of them is a first part
	classes  []float64
	full     int // of the parameter Resource
}

// Open divides the rows and checks everything that can be wrong with all trials
// alike. Its faults are of kind Usage or Invalid.
func (l *Learner) Open() error {
	var err error
	if l.folds, err = l.Split.Folds(l.Rows); err != nil {
		return err
	}
	if !l.Rows.Regression {
		if err := checkClasses(l.folds, l.Rows.Y, l.Metric, l.Split); err != nil {
			return err
		}
		l.classes = slices.Compact(slices.Sorted(slices.Values(l.Rows.Y)))
	}
	for k, f := range l.folds {
		l.order = append(l.order, shuffled(f.Train, l.Rows, rand.New(rand.NewPCG(l.Seed, uint64(k)))))
	}
	if err := CheckSpace(l.Name, l.Fixed, l.Space); err != nil {
		return err
	}
	return l.checkResource()
}

// Folds are the parts of the cross-validation, as positions in Rows.
func (l *Learner) Folds() []table.Fold { return l.folds }

// CheckSpace tries the ends and the middle of each hyperparameter on the learner
// and returns what it would not take, as a fault of kind Usage.
func CheckSpace(learner string, fixed []train.Param, space search.Space) error {
	for _, p := range fixed {
		if _, both := space[p.Name]; both {
			return errs.New(errs.Usage, "%s is fixed by --param and searched by --space; leave out one", p.Name)
		}
	}
	for _, name := range space.Names() {
		d := space[name]
		points := []float64{0, 0.5, math.Nextafter(1, 0)}
		if d.Kind == "choice" {
			points = nil
			for k := range d.Values {
				points = append(points, (float64(k)+0.5)/float64(len(d.Values)))
			}
		}
		for _, u := range points {
			p, err := Param(name, d, d.At(u))
			if err != nil {
				return err
			}
			if err := train.CheckParams(learner, []train.Param{p}); err != nil {
				return errs.Wrap(err, "--space %s", name)
			}
		}
	}
	return nil
}

func (l *Learner) checkResource() error {
	if l.Resource == "" || l.Resource == "rows" {
		return nil
	}
	i := slices.IndexFunc(l.Fixed, func(p train.Param) bool { return p.Name == l.Resource })
	if i >= 0 {
		if v, ok := l.Fixed[i].Value.(int64); ok && v >= 1 {
			l.full = int(v)
			return nil
		}
	}
	return errs.New(errs.Usage, "halving by %s needs its full number; give it with --param %s=N, or halve by rows", l.Resource, l.Resource)
}

// Param is the value of a hyperparameter as the learner takes it. The text is
// that of the space: a number, or a choice as it was written.
func Param(name string, d search.Distribution, text string) (train.Param, error) {
	if d.Kind == "choice" {
		v, err := train.Literal(text)
		return train.Param{Name: name, Value: v}, errs.Wrap(err, "--space %s", name)
	}
	if d.Whole() {
		v, err := strconv.ParseInt(text, 10, 64)
		return train.Param{Name: name, Value: v}, err
	}
	v, err := strconv.ParseFloat(text, 64) // stays a float where it happens to be whole
	return train.Param{Name: name, Value: v}, err
}

// Params are the learner's parameters for a setting, with the full effort.
func (l *Learner) Params(values map[string]string) ([]train.Param, error) {
	out := slices.Clone(l.Fixed)
	for _, name := range l.Space.Names() {
		p, err := Param(name, l.Space[name], values[name])
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Judge is the Objective: each step is the metric of one fold.
func (l *Learner) Judge(ctx context.Context, j Job, values map[string]string, report func(float64) bool) error {
	params, err := l.Params(values)
	if err != nil {
		return err
	}
	if l.full > 0 {
		i := slices.IndexFunc(params, func(p train.Param) bool { return p.Name == l.Resource })
		params[i].Value = max(1, int64(math.Round(j.Share*float64(l.full))))
	}
	for k, f := range l.folds {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := f.Train
		if l.full == 0 && j.Share < 1 {
			rows = l.part(k, j.Share)
		}
		classes, scores, err := l.Data.FitScore(ctx, params, rows, f.Test, l.Workers)
		if err != nil {
			return errs.Wrap(err, "fold %d", k+1)
		}
		v, err := l.Metric.judge(l.Rows.Y, l.Rows.Weights, f.Test, classes, l.classes, scores)
		if err != nil {
			return errs.Wrap(err, "fold %d", k+1)
		}
		if !report(v) {
			return nil
		}
	}
	return nil
}

// part is a share of the training rows of a fold, in their order. A larger share
// holds every smaller one, and classes keep theirs.
func (l *Learner) part(fold int, share float64) []int {
	order := l.order[fold]
	out := slices.Clone(order[:min(len(order), max(2, len(l.classes), int(math.Ceil(share*float64(len(order))))))])
	at := make(map[int]int, len(l.folds[fold].Train))
	for i, r := range l.folds[fold].Train {
		at[r] = i
	}
	slices.SortFunc(out, func(a, b int) int { return at[a] - at[b] })
	return out
}

// shuffled orders rows at random so that every first part has, as nearly as rows
// allow, the classes in the shares of the whole, and each of them at least once:
// row k of n of a class, from 0, stands at the place k/n.
func shuffled(rows []int, all *train.Rows, r *rand.Rand) []int {
	out := slices.Clone(rows)
	r.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	if all.Regression {
		return out
	}
	size, seen := map[float64]int{}, map[float64]int{}
	for _, k := range out {
		size[all.Y[k]]++
	}
	place := make(map[int]float64, len(out))
	for _, k := range out {
		y := all.Y[k]
		place[k] = float64(seen[y]) / float64(size[y])
		seen[y]++
	}
	slices.SortStableFunc(out, func(a, b int) int {
		switch {
		case place[a] < place[b]:
			return -1
		case place[a] > place[b]:
			return 1
		}
		return 0
	})
	return out
}

// About is what the outcomes of trials depend on, for Settings.
func (l *Learner) About() map[string]string {
	var fixed []string
	for _, p := range l.Fixed {
		fixed = append(fixed, p.Name+"="+train.Show(p.Value))
	}
	data, split := l.Data.Data(), l.Data.Split()
	out := map[string]string{
		"learner": l.Name, "params": strings.Join(fixed, " "), "metric": l.Metric.Name, "cv": l.Split.String(),
		"data": data.Hash, "target": data.Target, "features": strings.Join(data.Features, ","), "held-out rows": split.Digest,
		"train seed": strconv.FormatUint(uint64(split.Seed), 10),
	}
	if l.Resource != "" {
		out["resource"] = l.Resource
	}
	return out
}
