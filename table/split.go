package table

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/rng"
)

// TrainTestSplit divides rows 0 to n-1 at random into training and test rows, as
// scikit-learn's train_test_split does without stratify: testSize is the share of
// test rows, rounded up, in (0, 1), or their number, from 2; the same seed gives
// the same rows in the same order. Errors are of kind Invalid.
func TrainTestSplit(n int, testSize float64, seed uint32) (train, test []int, err error) {
	if err := checkTestSize(testSize); err != nil {
		return nil, nil, err
	}
	folds, err := ShuffleSplit{Splits: 1, TestSize: testSize, Seed: seed}.Split(Rows{N: n})
	if err != nil {
		return nil, nil, err
	}
	return folds[0].Train, folds[0].Test, nil
}

// StratifiedSplit divides rows as train_test_split(stratify=y) does: each class
// has, as nearly as rows allow, the same share of both sides. y holds one class
// label a row. A class with a single row, or more classes than rows on one side,
// is an error of kind Invalid.
func StratifiedSplit(y []float64, testSize float64, seed uint32) (train, test []int, err error) {
	if err := checkTestSize(testSize); err != nil {
		return nil, nil, err
	}
	folds, err := StratifiedShuffleSplit{Splits: 1, TestSize: testSize, Seed: seed}.Split(Rows{N: len(y), Y: y})
	if err != nil {
		return nil, nil, err
	}
	return folds[0].Train, folds[0].Test, nil
}

// checkTestSize refuses what is most likely a slip: nothing, and 1, which could
// be all rows as well as one.
func checkTestSize(size float64) error {
	if !(size > 0) || size == 1 {
		return errs.New(errs.Invalid, "a test size of %v is not between 0 and 1, nor a number of rows from 2", size)
	}
	return nil
}

// strata returns the rows of each class, classes in ascending order. Each has two
// rows at least.
func strata(y []float64) ([][]int, error) {
	if err := checkLabels(y); err != nil {
		return nil, err
	}
	at := map[float64]int{}
	var labels []float64
	for _, v := range y {
		if _, seen := at[v]; !seen {
			at[v] = 0
			labels = append(labels, v)
		}
	}
	slices.Sort(labels)
	for i, v := range labels {
		at[v] = i
	}
	members := make([][]int, len(labels))
	for r, v := range y {
		members[at[v]] = append(members[at[v]], r)
	}
	for i, m := range members {
		if len(m) < 2 {
			return nil, errs.New(errs.Invalid, "class %v has a single row, which cannot stand on both sides of a split; add rows or leave the class out", labels[i])
		}
	}
	return members, nil
}

func stratify(members [][]int, nTrain, nTest int, r *rng.MT) (train, test []int) {
	counts := make([]int, len(members))
	for i, m := range members {
		counts[i] = len(m)
	}
	inTrain := shares(counts, nTrain, r)
	for i, k := range inTrain {
		counts[i] -= k
	}
	inTest := shares(counts, nTest, r)
	for i, rows := range members {
		order := r.Perm(len(rows))
		for j, o := range order[:inTrain[i]+inTest[i]] {
			if j < inTrain[i] {
				train = append(train, rows[o])
			} else {
				test = append(test, rows[o])
			}
		}
	}
	return reorder(train, r), reorder(test, r)
}

func reorder(rows []int, r *rng.MT) []int {
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

// shares divides draws among classes in proportion to their counts: the whole
// parts first, then one more for the largest fractions, equal fractions in random
// order.
func shares(counts []int, draws int, r *rng.MT) []int {
	total := 0
	for _, c := range counts {
		total += c
	}
	out := make([]int, len(counts))
	rest := make([]float64, len(counts))
	missing := draws
	for i, c := range counts {
		exact := float64(c) / float64(total) * float64(draws)
		out[i] = int(math.Floor(exact))
		rest[i] = exact - math.Floor(exact)
		missing -= out[i]
	}
	fractions := slices.Clone(rest)
	slices.Sort(fractions)
	fractions = slices.Compact(fractions)
	for i := len(fractions) - 1; i >= 0 && missing > 0; i-- {
		var tied []int
		for c, f := range rest {
			if f == fractions[i] {
				tied = append(tied, c)
			}
		}
		order := r.Perm(len(tied))
		for _, o := range order[:min(len(tied), missing)] {
			out[tied[o]]++
		}
		missing -= min(len(tied), missing)
	}
	return out
}
