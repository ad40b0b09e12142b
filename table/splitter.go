package table

import (
	"cmp"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/rng"
)

// Rows is what a Splitter divides: N rows, with a class label for each where it
// keeps the shares of classes, and a group for each where it keeps groups whole.
type Rows struct {
	N      int
	Y      []float64
	Groups []int
}

// Fold is one division of rows. Both lists hold row numbers from 0.
type Fold struct{ Train, Test []int }

// Splitter divides rows into training and test rows, once or several times. The
// splitters of this package are those of scikit-learn with the same names and
// give the same rows in the same order for the same seed. Their errors are of
// kind Invalid.
type Splitter interface {
	Split(rows Rows) ([]Fold, error)
}

// GroupsOf returns a number for each value, equal for equal values and in their
// order: groups for Rows.
func GroupsOf[T cmp.Ordered](values []T) []int {
	distinct := slices.Clone(values)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	out := make([]int, len(values))
	for i, v := range values {
		out[i], _ = slices.BinarySearch(distinct, v)
	}
	return out
}

// CheckGroups returns an error of kind Invalid when a group has rows on both
// sides, naming it and two such rows. groups has one entry a row of the data.
func (f Fold) CheckGroups(groups []int) error {
	at := make(map[int]int, len(f.Test))
	for _, r := range f.Test {
		at[groups[r]] = r
	}
	for _, r := range f.Train {
		if other, both := at[groups[r]]; both {
			return errs.New(errs.Invalid, "group %d is on both sides of the split: row %d trains and row %d tests; split by groups", groups[r], r, other)
		}
	}
	return nil
}

// ShuffleSplit draws test rows at random, and training rows from the others,
// Splits times.
type ShuffleSplit struct {
	Splits    int     // at least 1
	TestSize  float64 // share of the rows below 1, rounded up, or a number of rows; 0 for what TrainSize leaves, or 0.1
	TrainSize float64 // the same, rounded down; 0 for what TestSize leaves
	Seed      uint32
}

// Split divides the rows.
func (s ShuffleSplit) Split(rows Rows) ([]Fold, error) {
	nTrain, nTest, err := sizes(rows.N, s.TestSize, s.TrainSize, 0.1)
	if err != nil {
		return nil, err
	}
	if err := atLeast(s.Splits, 1); err != nil {
		return nil, err
	}
	r := rng.New(s.Seed)
	out := make([]Fold, s.Splits)
	for i := range out {
		order := r.Perm(rows.N)
		out[i] = Fold{Train: order[nTest : nTest+nTrain], Test: order[:nTest]}
	}
	return out, nil
}

// StratifiedShuffleSplit is ShuffleSplit in which each class has, as nearly as
// rows allow, the same share of both sides. It needs Rows.Y.
type StratifiedShuffleSplit struct {
	Splits              int
	TestSize, TrainSize float64 // as in ShuffleSplit
	Seed                uint32
}

// Split divides the rows. A class with a single row, or more classes than rows on
// one side, is an error.
func (s StratifiedShuffleSplit) Split(rows Rows) ([]Fold, error) {
	nTrain, nTest, err := sizes(rows.N, s.TestSize, s.TrainSize, 0.1)
	if err != nil {
		return nil, err
	}
	if err := atLeast(s.Splits, 1); err != nil {
		return nil, err
	}
	if len(rows.Y) != rows.N {
		return nil, errs.New(errs.Invalid, "%d rows have %d class labels", rows.N, len(rows.Y))
	}
	members, err := strata(rows.Y)
	if err != nil {
		return nil, err
	}
	if min(nTrain, nTest) < len(members) {
		return nil, errs.New(errs.Invalid, "%d training and %d test rows cannot hold all %d classes; change the test size", nTrain, nTest, len(members))
	}
	r := rng.New(s.Seed)
	out := make([]Fold, s.Splits)
	for i := range out {
		out[i].Train, out[i].Test = stratify(members, nTrain, nTest, r)
	}
	return out, nil
}

// GroupShuffleSplit is ShuffleSplit of groups, each of which is on one side as a
// whole. Sizes count groups. It needs Rows.Groups.
type GroupShuffleSplit struct {
	Splits              int
	TestSize, TrainSize float64 // as in ShuffleSplit, 0.2 by default
	Seed                uint32
}

// Split divides the rows; row numbers are ascending on both sides.
func (s GroupShuffleSplit) Split(rows Rows) ([]Fold, error) {
	members, of, err := groupsOf(rows)
	if err != nil {
		return nil, err
	}
	if s.TestSize == 0 && s.TrainSize == 0 {
		s.TestSize = 0.2
	}
	folds, err := ShuffleSplit(s).Split(Rows{N: len(members)})
	if err != nil {
		return nil, errs.Wrap(err, "%d groups as rows", len(members))
	}
	for i, f := range folds {
		folds[i] = Fold{Train: rowsOf(f.Train, of, len(members)), Test: rowsOf(f.Test, of, len(members))}
	}
	return folds, nil
}

// rowsOf returns the rows in the given groups.
func rowsOf(groups, of []int, n int) []int {
	in := make([]bool, n)
	for _, g := range groups {
		in[g] = true
	}
	var out []int
	for r, g := range of {
		if in[g] {
			out = append(out, r)
		}
	}
	return out
}

// groupsOf returns the number of rows in each group, groups in ascending order,
// and the place in that order of each row's group.
func groupsOf(rows Rows) (count, of []int, err error) {
	if len(rows.Groups) != rows.N {
		return nil, nil, errs.New(errs.Invalid, "%d rows have %d groups", rows.N, len(rows.Groups))
	}
	of = GroupsOf(rows.Groups)
	for _, g := range of {
		for g >= len(count) {
			count = append(count, 0)
		}
		count[g]++
	}
	return count, of, nil
}

// sizes resolves the sizes of both sides among n rows.
func sizes(n int, test, train, byDefault float64) (nTrain, nTest int, err error) {
	if test == 0 && train == 0 {
		test = byDefault
	}
	for _, s := range []struct {
		name string
		size float64
	}{{"test", test}, {"training", train}} {
		if !(s.size >= 0 && s.size < max(1, float64(n))) || s.size > 1 && s.size != math.Trunc(s.size) {
			return 0, 0, errs.New(errs.Invalid, "a %s size of %v is neither a share between 0 and 1 nor a number of the %d rows", s.name, s.size, n)
		}
	}
	nTest, nTrain = resolve(test, n, math.Ceil), resolve(train, n, math.Floor)
	switch {
	case train == 0:
		nTrain = n - nTest
	case test == 0:
		nTest = n - nTrain
	}
	switch {
	case nTest+nTrain > n:
		return 0, 0, errs.New(errs.Invalid, "%d training and %d test rows are more than the %d rows there are", nTrain, nTest, n)
	case nTrain == 0 || nTest == 0:
		return 0, 0, errs.New(errs.Invalid, "a test size of %v of %d rows leaves no row to train on or to test with", test, n)
	}
	return nTrain, nTest, nil
}

func resolve(size float64, n int, round func(float64) float64) int {
	if size < 1 {
		return int(round(size * float64(n)))
	}
	return int(size)
}

func atLeast(splits, least int) error {
	if splits < least {
		return errs.New(errs.Invalid, "%d splits are too few; ask for %d or more", splits, least)
	}
	return nil
}

func checkLabels(y []float64) error {
	for i, v := range y {
		if math.IsNaN(v) {
			return errs.New(errs.Invalid, "row %d has no class label", i)
		}
	}
	return nil
}
