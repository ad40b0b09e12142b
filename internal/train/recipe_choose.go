package train

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/smart"
)

// fold is one step of the walk forward.
type fold struct {
	learn, judge []int
	text         string
}

// The two ways to judge.
const (
	walkForward = "walk forward"
	byDrive     = "by drive"
)

const (
	mostFolds   = 4
	failingFold = 3 // drives that fail, in each part of a fold
)

// folds walks forward through the days: learn up to a cut, leave a gap of the
// horizon, judge on the days after. When the days do not allow that, three parts
// of the drives take turns instead, which is said.
func (w *recipe) folds() ([]fold, error) {
	first, last := slices.Min(w.set.Day), slices.Max(w.set.Day)
	h := smart.Date(w.spec.Horizon)
	low, high := first+h/2, last-h-2
	var out []fold
	for k := range mostFolds {
		cut := low
		if mostFolds > 1 {
			cut += smart.Date(k) * (high - low) / mostFolds
		}
		if cut >= last-h || len(out) > 0 && k > 0 && high <= low {
			break
		}
		f := fold{text: "learn to " + cut.String() + ", judge from " + (cut + h + 1).String()}
		for i, d := range w.set.Day {
			switch {
			case d <= cut:
				f.learn = append(f.learn, i)
			case d > cut+h:
				f.judge = append(f.judge, i)
			}
		}
		if w.failing(f.learn) >= failingFold && w.failing(f.judge) >= failingFold {
			out = append(out, f)
		}
	}
	if w.evidence.Split = walkForward; len(out) > 0 {
		return out, nil
	}
	w.evidence.Split = byDrive
	for k := range 3 {
		f := fold{text: "drives of part " + strconv.Itoa(k+1) + " of 3"}
		for i, d := range w.drive {
			if int(d)%3 == k {
				f.judge = append(f.judge, i)
			} else {
				f.learn = append(f.learn, i)
			}
		}
		if w.failing(f.learn) == 0 || w.failing(f.judge) == 0 {
			return nil, errs.New(errs.Invalid, "%d drives fail in the days that have a label (%s to %s); a forecast that can be judged needs some in every part: bring more days, or take one --learner",
				w.failing(nil), first, last)
		}
		out = append(out, f)
	}
	return out, nil
}

// failing counts the drives with a row of failure; among all rows, when rows is nil.
func (w *recipe) failing(rows []int) int {
	seen := map[int32]bool{}
	if rows == nil {
		for i, y := range w.set.Y {
			if y == 1 {
				seen[w.drive[i]] = true
			}
		}
	}
	for _, r := range rows {
		if w.set.Y[r] == 1 {
			seen[w.drive[r]] = true
		}
	}
	return len(seen)
}

// heldOut is what candidates said of rows that they had not learned from.
type heldOut struct {
	rows  []int // a row may occur in several folds
	fold  []int
	folds []fold
	base  []float64            // of each fold: share of failures in what was learned
	z     map[string][]float64 // log-odds of each candidate
}

// main is the fold that is told about in detail: the first of a walk forward, which
// has the most days, or all, below 0, when drives took turns and no row is in two.
func (w *recipe) main() int {
	if w.evidence.Split == byDrive {
		return -1
	}
	return 0
}

// mean averages the log-odds of members.
func (h *heldOut) mean(members []string) []float64 {
	out := make([]float64, len(h.rows))
	for _, m := range members {
		for i, v := range h.z[m] {
			out[i] += v / float64(len(members))
		}
	}
	return out
}

func (w *recipe) compare(ctx context.Context, all []candidate, folds []fold) (*heldOut, error) {
	h := &heldOut{folds: folds, z: map[string][]float64{}}
	for k, f := range folds {
		h.rows = append(h.rows, f.judge...)
		h.base = append(h.base, w.prevalence(f.learn))
		for range f.judge {
			h.fold = append(h.fold, k)
		}
		w.evidence.Folds = append(w.evidence.Folds, f.text)
		x := w.set.X.Take(f.judge).RowMajor()
		for c, l := range all {
			w.tell("walk forward", k*len(all)+c, len(folds)*len(all))
			m, err := w.fit(ctx, l, f.learn)
			if err != nil {
				return nil, err
			}
			z := make([]float64, len(f.judge))
			m.LogOdds(z, x, w.set.X.Cols)
			h.z[l.name] = append(h.z[l.name], z...)
		}
	}
	w.tell("walk forward", len(folds)*len(all), len(folds)*len(all))
	return h, nil
}

// Contender is a candidate, or a mean of several, and how it did on the days after
// those it had learned from, as a mean over the folds.
type Contender struct {
	Name      string   `json:"name"`
	Members   []string `json:"members"`
	Settings  string   `json:"settings,omitempty"`
	AUC       float64  `json:"row_auc"`
	AP        float64  `json:"average_precision"`
	Detection float64  `json:"detection_at_1_percent"` // share of the failing drives that are among the 1 % of some day
	Score     float64  `json:"score"`                  // mean of the three
}

// alarmed is the share of drives alarmed a day at which candidates are compared.
const alarmed = .01

// tie is the difference of scores below which several learners are preferred to
// one: what differs by less is luck with so few failures.
const tie = .02

// choose compares the candidates and their means.
func (w *recipe) choose(h *heldOut) Contender {
	var all []Contender
	for _, c := range w.candidates() {
		all = append(all, Contender{Name: c.name, Members: []string{c.name}, Settings: c.why})
	}
	names := func(at ...int) (out []string) {
		for _, i := range at {
			out = append(out, all[i].Name)
		}
		return out
	}
	blends := [][]string{names(0, 1, 2), names(0, 1, 2, 3)}
	for _, b := range blends {
		all = append(all, Contender{Name: "mean of " + strings.Join(b, ", "), Members: b})
	}
	best := 0
	for i := range all {
		w.rate(&all[i], h)
		if all[i].Score > all[best].Score {
			best = i
		}
	}
	chosen := best
	for i := range all {
		if len(all[i].Members) > 1 && all[i].Score >= all[best].Score-tie && (len(all[chosen].Members) == 1 || all[i].Score > all[chosen].Score) {
			chosen = i
		}
	}
	e := w.evidence
	e.Contenders, e.Chosen = all, all[chosen].Name
	e.Why = "it has the highest mean of row AUC, average precision and detection at 1 % of drives alarmed a day"
	if chosen != best {
		e.Why = "within " + strconv.FormatFloat(tie, 'g', -1, 64) + " of the best (" + all[best].Name + "), and several learners err less together"
	}
	return all[chosen]
}

func (w *recipe) rate(c *Contender, h *heldOut) {
	z := h.mean(c.Members)
	n := 0.0
	for k := range h.folds {
		v := w.watch(h, k, z)
		rank, err := eval.Rank(v.Truth, v.Score, v.Weight)
		if err != nil {
			continue
		}
		top, err := v.Top(alarmed)
		if err != nil {
			continue
		}
		auc := rank.AUC()
		if math.IsNaN(auc) {
			continue
		}
		n++
		c.AUC, c.AP, c.Detection = c.AUC+auc, c.AP+rank.AveragePrecision(), c.Detection+v.Count(top).Rate.Value
	}
	c.AUC, c.AP, c.Detection = c.AUC/n, c.AP/n, c.Detection/n
	c.Score = (c.AUC + c.AP + c.Detection) / 3
}
