package route

import (
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval/sequential"
	"github.com/drivecast/drivecast/table"
)

// Labels is what happened to drives, which was not known when they were scored.
type Labels struct {
	byID, byDay, byDrive map[string]string
}

// ReadLabels takes labels from a table. Its columns are the label, and either
// correlation_id (with request_row, when a request had several rows), or the drive (key,
// or drive_id) with date, or the drive alone. Errors are of kind Invalid.
func ReadLabels(t *table.Table, file, key, label string) (*Labels, error) {
	l := &Labels{map[string]string{}, map[string]string{}, map[string]string{}}
	find := func(names ...string) *table.Column {
		for _, n := range names {
			if c := t.Column(n); c != nil {
				return c
			}
		}
		return nil
	}
	what := t.Column(label)
	if what == nil {
		return nil, &errs.Input{File: file, Column: label, Problem: "there is no such column", Mend: "name the column of the label with --label"}
	}
	id, row, drive, date := find("correlation_id"), find("request_row", "row"), find(key, "drive_id", "serial_number"), find("date")
	if id == nil && drive == nil {
		return nil, &errs.Input{File: file, Column: key, Problem: "there is neither this column nor correlation_id", Mend: "write the correlation id of each answer, or the drive and the date"}
	}
	for i := range t.Rows() {
		v := what.TextAt(i)
		if v == "" {
			continue
		}
		switch {
		case id != nil:
			at := "0"
			if row != nil {
				at = row.TextAt(i)
			}
			l.byID[id.TextAt(i)+"\x00"+at] = v
		case date != nil:
			day := date.TextAt(i)
			l.byDay[drive.TextAt(i)+"\x00"+day[:min(len(day), 10)]] = v
		default:
			l.byDrive[drive.TextAt(i)] = v
		}
	}
	return l, nil
}

// of returns the label of an answer.
func (l *Labels) of(a *Answer) (string, bool) {
	if v, ok := l.byID[a.ID+"\x00"+strconv.Itoa(a.Row)]; ok {
		return v, true
	}
	if v, ok := l.byDay[a.Drive+"\x00"+a.Date]; ok {
		return v, true
	}
	v, ok := l.byDrive[a.Drive]
	return v, ok
}

// JudgeOptions say how champion and challenger are compared.
type JudgeOptions struct {
	Challenger string  // route; "": the only one there is
	Weight     float64 // per cent of the drives that it answered for; 0: as many as the log shows
	Alpha      float64 // stated rate of wrong decisions; 0: .05
	Loss       string  // "brier": (probability - label)²; "error": 1 for a wrong class
}

// Verdict is what labels say of a challenger.
type Verdict struct {
	Challenger     string  `json:"challenger"`
	Design         string  `json:"design"` // "paired": both answered the same rows; "split": each its own drives
	Loss           string  `json:"loss"`
	Alpha          float64 `json:"alpha"`
	Weight         float64 `json:"weight,omitempty"` // per cent, of a split
	WeightFromLog  bool    `json:"weightFromLog,omitempty"`
	Answers        int     `json:"answers"`  // of both, in the log
	Labelled       int     `json:"labelled"` // of these, with a label
	Drives         [2]int  `json:"drives"`   // of champion and challenger; a drive counts once
	ChampionLoss   float64 `json:"championLoss"`
	ChallengerLoss float64 `json:"challengerLoss"`
	P              float64 `json:"p"`        // always valid
	Decision       string  `json:"decision"` // "challenger", "champion" or "undecided": which loses less
}

// Judge compares the losses of champion and challenger on the answers that have labels,
// in the order of time, by a test that may be looked at again whenever more labels have
// come. A drive counts once, by its first labelled answer, since its later ones tell
// little new. Answers of the challenger in the shadow are compared with those that
// were returned for the same rows; without any, drives that the challenger answered
// for are compared with drives of the champion.
func Judge(answers []Answer, labels *Labels, opt JudgeOptions) (*Verdict, error) {
	if opt.Alpha == 0 {
		opt.Alpha = .05
	}
	if !(opt.Alpha > 0 && opt.Alpha < 1) || !(opt.Weight >= 0 && opt.Weight < 100) {
		return nil, errs.New(errs.Usage, "alpha lies between 0 and 1, a weight between 0 and 100")
	}
	if opt.Loss == "" {
		opt.Loss = "brier"
	}
	if opt.Loss != "brier" && opt.Loss != "error" {
		return nil, errs.New(errs.Usage, "there is no loss %q; brier and error are", opt.Loss)
	}
	name, err := challenger(answers, opt.Challenger)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Challenger: name, Loss: opt.Loss, Alpha: opt.Alpha, P: 1, Decision: "undecided"}
	j := judge{v: v, labels: labels, opt: opt}
	side := 0
	if pairs := pair(answers, name); len(pairs) > 0 {
		v.Design = "paired"
		side, err = j.paired(pairs)
	} else {
		v.Design = "split"
		side, err = j.split(answers)
	}
	if err != nil {
		return nil, err
	}
	if v.P <= opt.Alpha && side != 0 {
		v.Decision = map[int]string{1: Champion, -1: name}[side]
	}
	return v, nil
}

// challenger returns the route to judge.
func challenger(answers []Answer, want string) (string, error) {
	var names []string
	seen := map[string]bool{Champion: true}
	for i := range answers {
		if r := answers[i].Route; !seen[r] {
			seen[r] = true
			names = append(names, r)
		}
	}
	switch {
	case want != "" && want != Champion && seen[want]:
		return want, nil
	case want == "" && len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return "", errs.New(errs.Invalid, "no challenger answered in this log")
	}
	return "", errs.New(errs.Usage, "name the challenger with --challenger; there are: %s", strings.Join(names, ", "))
}

// pair returns the answers of a shadow, each after the one that was returned for the
// same row.
func pair(answers []Answer, name string) (out [][2]*Answer) {
	type place struct {
		id  string
		row int
	}
	live := map[place]*Answer{}
	for i := range answers {
		if a := &answers[i]; !a.Shadow && a.Route == Champion {
			live[place{a.ID, a.Row}] = a
		}
	}
	for i := range answers {
		if a := &answers[i]; a.Shadow && a.Route == name {
			if first := live[place{a.ID, a.Row}]; first != nil {
				out = append(out, [2]*Answer{first, a})
			}
		}
	}
	return out
}

type judge struct {
	v      *Verdict
	labels *Labels
	opt    JudgeOptions
}

// loss returns how wrong an answer was, 0 to 1.
func (j *judge) loss(a *Answer, label string) (float64, error) {
	y, isTruth := truth(label)
	if j.opt.Loss == "error" {
		d, isNumber := truth(a.Decision)
		if a.Decision == label || isTruth && isNumber && d == y {
			return 0, nil
		}
		return 1, nil
	}
	if !isTruth || y != 0 && y != 1 || !(a.Score >= 0 && a.Score <= 1) {
		return 0, errs.New(errs.Invalid, "the Brier loss wants labels 0 or 1 and probabilities; answer %s has label %q and score %v: take --loss error", a.ID, label, a.Score)
	}
	return (a.Score - y) * (a.Score - y), nil
}

// truth reads a number, true or false.
func truth(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v)
}

func (j *judge) paired(pairs [][2]*Answer) (side int, err error) {
	var test sequential.Mean
	var sums [2]float64
	seen := map[string]bool{}
	for _, p := range pairs {
		j.v.Answers += 2
		label, ok := j.labels.of(p[0])
		if !ok {
			continue
		}
		j.v.Labelled += 2
		if seen[p[0].Drive] {
			continue
		}
		seen[p[0].Drive] = true
		var losses [2]float64
		for i, a := range p {
			if losses[i], err = j.loss(a, label); err != nil {
				return 0, err
			}
			sums[i] += losses[i]
		}
		test.Add(losses[1] - losses[0])
	}
	n := test.N()
	if n > 0 {
		j.v.ChampionLoss, j.v.ChallengerLoss = sums[0]/float64(n), sums[1]/float64(n)
	}
	j.v.Drives, j.v.P = [2]int{n, n}, test.P()
	return test.Side(), nil
}

func (j *judge) split(answers []Answer) (side int, err error) {
	var mine []*Answer
	first, drives := map[string]bool{}, [2]int{}
	for i := range answers {
		a := &answers[i]
		if a.Shadow || a.Route != Champion && a.Route != j.v.Challenger {
			continue
		}
		mine = append(mine, a)
		if !first[a.Drive] {
			first[a.Drive] = true
			if a.Route == Champion {
				drives[0]++
			} else {
				drives[1]++
			}
		}
	}
	share := j.opt.Weight / 100
	if share == 0 {
		share, j.v.WeightFromLog = float64(drives[1])/float64(drives[0]+drives[1]), true
	}
	test, err := sequential.NewArms(share)
	if err != nil {
		return 0, errs.New(errs.Invalid, "champion and challenger answered for %d and %d drives: both are wanted", drives[0], drives[1])
	}
	j.v.Weight, j.v.Answers = 100*share, len(mine)
	seen := map[string]bool{}
	for _, a := range mine {
		label, ok := j.labels.of(a)
		if !ok {
			continue
		}
		j.v.Labelled++
		if seen[a.Drive] {
			continue
		}
		seen[a.Drive] = true
		loss, err := j.loss(a, label)
		if err != nil {
			return 0, err
		}
		test.Add(a.Route != Champion, loss)
	}
	j.v.Drives[0], j.v.Drives[1] = test.N()
	if j.v.Drives[0] > 0 && j.v.Drives[1] > 0 {
		j.v.ChampionLoss, j.v.ChallengerLoss = test.Losses()
	}
	j.v.P = test.P()
	return test.Side(), nil
}
