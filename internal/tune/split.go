package tune

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Splits are the forms that a splitter is written in.
const Splits = "kfold:K, stratified:K, group:K (each also K:shuffle), shuffle:N:SHARE, stratified-shuffle:N:SHARE, group-shuffle:N:SHARE, " +
	"series:K[:GAP] (rows in the order of the file), time:K[:GAP] (daily statistics, GAP in days)"

// Splitter divides training rows into folds. The splitters of package table are
// scikit-learn's; time walks forward through the days of daily statistics, the
// rows that are learned from ending, with their labels, before those judged.
type Splitter struct {
	text    string
	split   table.Splitter // nil: time
	folds   int
	gap     int
	grouped bool
	ordered bool // takes the rows in the order of the file
}

// String is the splitter as it was written.
func (s Splitter) String() string { return s.text }

// DefaultSplit is the splitter for rows when none is named.
func DefaultSplit(rows *train.Rows) string {
	switch {
	case rows.Days != nil:
		return "time:3"
	case rows.Regression:
		return "kfold:5"
	}
	return "stratified:5"
}

// ParseSplit reads a splitter such as stratified:5; see Splits. Faults are of
// kind Usage.
func ParseSplit(text string, seed uint32) (Splitter, error) {
	parts := strings.Split(text, ":")
	s := Splitter{text: text}
	wrong := func() (Splitter, error) {
		return s, errs.New(errs.Usage, "%q is no splitter; take one of %s", text, Splits)
	}
	if len(parts) < 2 || len(parts) > 3 {
		return wrong()
	}
	var err error
	if s.folds, err = strconv.Atoi(parts[1]); err != nil || s.folds < 1 || s.folds > 1000 {
		return wrong()
	}
	third := append(parts, "")[2]
	share, shareErr := strconv.ParseFloat(third, 64)
	if third == "" {
		share, shareErr = 0.2, nil
	}
	shuffle := third == "shuffle"
	plain := third == "" || shuffle
	number := func() bool {
		s.gap, err = strconv.Atoi(third)
		return third == "" || err == nil && s.gap >= 0
	}
	sized := shareErr == nil && share > 0 && share < 1
	switch parts[0] {
	case "kfold":
		s.split = table.KFold{Folds: s.folds, Shuffle: shuffle, Seed: seed}
	case "stratified":
		s.split = table.StratifiedKFold{Folds: s.folds, Shuffle: shuffle, Seed: seed}
	case "group":
		s.split, s.grouped = table.GroupKFold{Folds: s.folds, Shuffle: shuffle, Seed: seed}, true
	case "shuffle":
		s.split, plain = table.ShuffleSplit{Splits: s.folds, TestSize: share, Seed: seed}, sized
	case "stratified-shuffle":
		s.split, plain = table.StratifiedShuffleSplit{Splits: s.folds, TestSize: share, Seed: seed}, sized
	case "group-shuffle":
		s.split, plain, s.grouped = table.GroupShuffleSplit{Splits: s.folds, TestSize: share, Seed: seed}, sized, true
	case "series":
		plain = number()
		s.split, s.ordered = table.TimeSeriesSplit{Folds: s.folds, Gap: s.gap}, true
	case "time":
		plain = number()
	default:
		plain = false
	}
	if !plain {
		return wrong()
	}
	return s, nil
}

// Folds divides the rows. A column that was asked for as text groups them, else
// the drive does. Its errors are of kind Usage for a splitter that does not suit
// the rows, and Invalid for one that cannot divide them.
func (s Splitter) Folds(rows *train.Rows) ([]table.Fold, error) {
	names := rows.Text
	if names == nil {
		names = rows.IDs
	}
	switch {
	case rows.Days != nil && !s.grouped && s.split != nil:
		return nil, errs.New(errs.Usage, "%s would learn from the drives and days that it judges on; split daily statistics by time:3 or group:5", s)
	case rows.Days == nil && s.split == nil:
		return nil, errs.New(errs.Usage, "%s is for daily statistics; for rows in the order of time take series:%d", s, s.folds)
	case s.grouped && names == nil:
		return nil, errs.New(errs.Usage, "%s needs to know which rows belong together; name the column with --group", s)
	case s.split == nil:
		return s.walk(rows.Days, rows.Horizon)
	}
	r := table.Rows{N: len(rows.Y), Y: rows.Y}
	if names != nil {
		r.Groups = table.GroupsOf(names)
	}
	folds, err := s.split.Split(r)
	if err != nil {
		return nil, errs.Wrap(err, "split by %s", s)
	}
	if s.ordered {
		inOrder(folds, rows.Row)
	}
	if rows.Text == nil {
		return folds, nil
	}
	for i, f := range folds {
		if err := f.CheckGroups(r.Groups); err != nil {
			return nil, errs.Wrap(err, "fold %d of %s", i+1, s)
		}
	}
	return folds, nil
}

// inOrder turns positions in the order of the file into positions in rows.
func inOrder(folds []table.Fold, row []int) {
	order := make([]int, len(row))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return row[a] - row[b] })
	for _, f := range folds {
		for _, part := range [][]int{f.Train, f.Test} {
			for i, k := range part {
				part[i] = order[k]
			}
		}
	}
}

// walk divides days into equal blocks: each fold judges one block and learns from
// all days before it but those of the gap, which is at least the horizon.
func (s Splitter) walk(days []smart.Date, horizon int) ([]table.Fold, error) {
	first, last := slices.Min(days), slices.Max(days)
	gap := max(s.gap, horizon)
	block := (int(last-first) + 1 - gap) / (s.folds + 1)
	if block < 1 {
		return nil, errs.New(errs.Invalid, "%d days from %s to %s are too few for %s with a gap of %d days; take fewer folds or a shorter --horizon, or bring more days",
			last-first+1, first, last, s, gap)
	}
	out := make([]table.Fold, s.folds)
	for k := range out {
		t := feature.TimeSplit{TrainFrom: first, TrainUntil: first + smart.Date(block*(k+1)) - 1, Gap: gap}
		t.TestFrom = t.TrainUntil + smart.Date(gap) + 1
		t.TestUntil = t.TestFrom + smart.Date(block) - 1
		if k == len(out)-1 {
			t.TestUntil = last
		}
		out[k].Train, out[k].Test = t.Rows(days)
		if len(out[k].Train) == 0 || len(out[k].Test) == 0 {
			return nil, errs.New(errs.Invalid, "fold %d of %s has an empty side: %s", k+1, s, t)
		}
	}
	return out, nil
}

// checkClasses wants what can be judged of every fold: all classes to learn from,
// and to judge on where the metric compares classes.
func checkClasses(folds []table.Fold, y []float64, m Metric, split Splitter) error {
	count := func(rows []int) int {
		seen := map[float64]bool{}
		for _, r := range rows {
			seen[y[r]] = true
		}
		return len(seen)
	}
	for i, f := range folds {
		for name, rows := range map[string][]int{"learns from": f.Train, "judges": f.Test} {
			if count(rows) < 2 && (name == "learns from" || m.ranks) {
				return errs.New(errs.Invalid, "fold %d of %s %s", i+1, split,
					fmt.Sprintf("%s %d rows of one class only; take fewer folds or another splitter", name, len(rows)))
			}
		}
	}
	return nil
}
