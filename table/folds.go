package table

import (
	"cmp"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/rng"
)

// KFold divides the rows into Folds parts of nearly equal size, each of which
// tests once while the others train. Parts are runs of rows, or random when
// Shuffle is set.
type KFold struct {
	Folds   int // at least 2
	Shuffle bool
	Seed    uint32
}

// Split divides the rows. More folds than rows are an error.
func (k KFold) Split(rows Rows) ([]Fold, error) {
	if err := checkFolds(k.Folds, rows.N); err != nil {
		return nil, err
	}
	order := make([]int, rows.N)
	for i := range order {
		order[i] = i
	}
	if k.Shuffle {
		order = rng.New(k.Seed).Perm(rows.N)
	}
	part := make([]int, rows.N)
	at := 0
	for f := range k.Folds {
		for range share(rows.N, k.Folds, f) {
			part[order[at]] = f
			at++
		}
	}
	return byPart(part, k.Folds), nil
}

// StratifiedKFold is KFold in which each class has nearly the same share of every
// part. It needs Rows.Y.
type StratifiedKFold struct {
	Folds   int
	Shuffle bool
	Seed    uint32
}

// Split divides the rows. More folds than rows in every class are an error.
func (k StratifiedKFold) Split(rows Rows) ([]Fold, error) {
	if err := checkFolds(k.Folds, rows.N); err != nil {
		return nil, err
	}
	if len(rows.Y) != rows.N {
		return nil, errs.New(errs.Invalid, "%d rows have %d class labels", rows.N, len(rows.Y))
	}
	if err := checkLabels(rows.Y); err != nil {
		return nil, err
	}
	at := map[float64]int{} // classes in the order in which they appear
	var members [][]int
	for r, v := range rows.Y {
		c, seen := at[v]
		if !seen {
			c = len(members)
			at[v] = c
			members = append(members, nil)
		}
		members[c] = append(members[c], r)
	}
	most := 0
	for _, m := range members {
		most = max(most, len(m))
	}
	if k.Folds > most {
		return nil, errs.New(errs.Invalid, "%d folds are more than the rows of any class; ask for at most %d", k.Folds, most)
	}
	r := rng.New(k.Seed)
	part := make([]int, rows.N)
	dealt := 0 // rows of the classes before, dealt to one fold after another
	for _, m := range members {
		count := make([]int, k.Folds)
		for i := range m {
			count[(dealt+i)%k.Folds]++
		}
		dealt += len(m)
		var folds []int
		for f, n := range count {
			folds = append(folds, slices.Repeat([]int{f}, n)...)
		}
		if k.Shuffle {
			r.Shuffle(len(folds), func(i, j int) { folds[i], folds[j] = folds[j], folds[i] })
		}
		for i, row := range m {
			part[row] = folds[i]
		}
	}
	return byPart(part, k.Folds), nil
}

// GroupKFold is KFold in which each group is in one part as a whole. Without
// Shuffle the parts have nearly equal numbers of rows, the largest groups being
// placed first; with it they have equal numbers of random groups. It needs
// Rows.Groups.
//
// Groups of equal size are placed as scikit-learn from 1.9 places them; before,
// their order was that of an unstable sort, which differs between machines.
type GroupKFold struct {
	Folds   int
	Shuffle bool
	Seed    uint32
}

// Split divides the rows. More folds than groups are an error.
func (k GroupKFold) Split(rows Rows) ([]Fold, error) {
	if err := checkFolds(k.Folds, rows.N); err != nil {
		return nil, err
	}
	count, of, err := groupsOf(rows)
	if err != nil {
		return nil, err
	}
	if k.Folds > len(count) {
		return nil, errs.New(errs.Invalid, "%d folds are more than the %d groups", k.Folds, len(count))
	}
	placed := make([]int, len(count))
	if k.Shuffle {
		order := rng.New(k.Seed).Perm(len(count))
		at := 0
		for f := range k.Folds {
			for range share(len(count), k.Folds, f) {
				placed[order[at]] = f
				at++
			}
		}
	} else {
		placeLargestFirst(placed, count, k.Folds)
	}
	part := make([]int, rows.N)
	for r, g := range of {
		part[r] = placed[g]
	}
	return byPart(part, k.Folds), nil
}

// placeLargestFirst puts each group, the largest first and the last of equals
// first, into the part that has the fewest rows.
func placeLargestFirst(placed, count []int, folds int) {
	order := make([]int, len(count))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(count[a], count[b]) })
	slices.Reverse(order)
	rows := make([]int, folds)
	for _, g := range order {
		lightest := slices.Index(rows, slices.Min(rows))
		rows[lightest] += count[g]
		placed[g] = lightest
	}
}

// TimeSeriesSplit divides rows in the order of time: each fold tests the rows
// right after those it trains on.
type TimeSeriesSplit struct {
	Folds    int // at least 2
	MaxTrain int // rows to train on at most; 0 for all before the test rows
	TestRows int // rows to test with; 0 for an equal part
	Gap      int // rows left out before the test rows
}

// Split divides the rows. Too few rows for the folds are an error.
func (s TimeSeriesSplit) Split(rows Rows) ([]Fold, error) {
	if s.Folds < 2 || s.Folds+1 > rows.N {
		return nil, errs.New(errs.Invalid, "%d folds in time need at least 2 folds and one row more than folds; there are %d rows", s.Folds, rows.N)
	}
	if s.TestRows < 0 || s.Gap < 0 || s.MaxTrain < 0 {
		return nil, errs.New(errs.Invalid, "test rows, gap and training rows of folds in time must not be negative")
	}
	test := s.TestRows
	if test == 0 {
		test = rows.N / (s.Folds + 1)
	}
	if rows.N-s.Gap-test*s.Folds <= 0 {
		return nil, errs.New(errs.Invalid, "%d folds of %d test rows and a gap of %d leave none of %d rows to train on", s.Folds, test, s.Gap, rows.N)
	}
	out := make([]Fold, s.Folds)
	for i := range out {
		start := rows.N - (s.Folds-i)*test
		end := start - s.Gap
		begin := 0
		if s.MaxTrain > 0 {
			begin = max(0, end-s.MaxTrain)
		}
		out[i] = Fold{Train: upTo(begin, end), Test: upTo(start, start+test)}
	}
	return out, nil
}

func upTo(from, to int) []int {
	out := make([]int, 0, to-from)
	for r := from; r < to; r++ {
		out = append(out, r)
	}
	return out
}

func checkFolds(folds, rows int) error {
	switch {
	case folds < 2:
		return errs.New(errs.Invalid, "%d folds are too few; ask for 2 or more", folds)
	case folds > rows:
		return errs.New(errs.Invalid, "%d folds of %d rows would leave some empty", folds, rows)
	}
	return nil
}

// share is the size of part i of n things in parts, the first ones larger by one.
func share(n, parts, i int) int {
	if i < n%parts {
		return n/parts + 1
	}
	return n / parts
}

// byPart makes the folds in which each part tests once.
func byPart(part []int, folds int) []Fold {
	out := make([]Fold, folds)
	for r, p := range part {
		for f := range out {
			if f == p {
				out[f].Test = append(out[f].Test, r)
			} else {
				out[f].Train = append(out[f].Train, r)
			}
		}
	}
	return out
}
