package table

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

// testdata/splits.json was written by scikit-learn 1.9.1's train_test_split.
func TestSplitsAsScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/splits.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Y                                  []float64
		Size                               float64
		Seed                               uint32
		Train, Test, PlainTrain, PlainTest []int
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for i, c := range cases {
		train, test, err := StratifiedSplit(c.Y, c.Size, c.Seed)
		if err != nil || !slices.Equal(train, c.Train) || !slices.Equal(test, c.Test) {
			t.Errorf("case %d: stratified split differs (%v)", i, err)
		}
		train, test, err = TrainTestSplit(len(c.Y), c.Size, c.Seed)
		if err != nil || !slices.Equal(train, c.PlainTrain) || !slices.Equal(test, c.PlainTest) {
			t.Errorf("case %d: plain split differs (%v)", i, err)
		}
	}
}

func TestImpossibleSplits(t *testing.T) {
	y := []float64{0, 0, 0, 1, 1, 1}
	groups := []int{1, 1, 2, 2, 3, 3}
	for name, s := range map[string]struct {
		splitter Splitter
		rows     Rows
	}{
		"no splits":           {ShuffleSplit{TestSize: .5}, Rows{N: 6}},
		"NaN test size":       {ShuffleSplit{Splits: 1, TestSize: math.NaN()}, Rows{N: 6}},
		"more than all":       {ShuffleSplit{Splits: 1, TestSize: 6}, Rows{N: 6}},
		"no training rows":    {ShuffleSplit{Splits: 1, TestSize: .9}, Rows{N: 1}},
		"both too large":      {ShuffleSplit{Splits: 1, TestSize: .6, TrainSize: .6}, Rows{N: 6}},
		"no rows":             {ShuffleSplit{Splits: 1}, Rows{}},
		"no labels":           {StratifiedShuffleSplit{Splits: 1}, Rows{N: 6}},
		"a class of one":      {StratifiedShuffleSplit{Splits: 1, TestSize: .5}, Rows{N: 4, Y: []float64{0, 0, 0, 1}}},
		"a label missing":     {StratifiedShuffleSplit{Splits: 1, TestSize: .5}, Rows{N: 4, Y: []float64{0, 0, 1, math.NaN()}}},
		"fewer than classes":  {StratifiedShuffleSplit{Splits: 1, TestSize: .1}, Rows{N: 6, Y: y}},
		"no groups":           {GroupShuffleSplit{Splits: 1}, Rows{N: 6}},
		"one group":           {GroupShuffleSplit{Splits: 1}, Rows{N: 2, Groups: []int{1, 1}}},
		"one fold":            {KFold{Folds: 1}, Rows{N: 6}},
		"empty folds":         {KFold{Folds: 7}, Rows{N: 6}},
		"folds over classes":  {StratifiedKFold{Folds: 4}, Rows{N: 6, Y: y}},
		"folds over groups":   {GroupKFold{Folds: 4}, Rows{N: 6, Groups: groups}},
		"time: too few":       {TimeSeriesSplit{Folds: 6}, Rows{N: 6}},
		"time: gap too large": {TimeSeriesSplit{Folds: 2, Gap: 5}, Rows{N: 6}},
		"time: below nothing": {TimeSeriesSplit{Folds: 2, Gap: -1}, Rows{N: 6}},
	} {
		if _, err := s.splitter.Split(s.rows); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want an error of kind Invalid", name, err)
		}
	}
	for name, size := range map[string]float64{"nothing": 0, "one or all": 1, "all": 10, "minus": -.5} {
		if _, _, err := TrainTestSplit(10, size, 1); !errs.Is(err, errs.Invalid) {
			t.Errorf("train_test_split of %s: got %v, want an error of kind Invalid", name, err)
		}
		if _, _, err := StratifiedSplit(y, size, 1); !errs.Is(err, errs.Invalid) {
			t.Errorf("stratified train_test_split of %s: got %v, want an error of kind Invalid", name, err)
		}
	}
}

// Whatever the splitter, a row tests at most once in a fold, never trains in it
// too, and groups are kept whole.
func TestFoldsDivideRows(t *testing.T) {
	rows := Rows{N: 97}
	for i := range rows.N {
		rows.Y = append(rows.Y, float64(i*i%3))
		rows.Groups = append(rows.Groups, i*7%20)
	}
	for name, s := range map[string]Splitter{
		"ShuffleSplit":           ShuffleSplit{Splits: 3, TestSize: 20, Seed: 5},
		"StratifiedShuffleSplit": StratifiedShuffleSplit{Splits: 3, TestSize: .3, Seed: 5},
		"GroupShuffleSplit":      GroupShuffleSplit{Splits: 3, Seed: 5},
		"KFold":                  KFold{Folds: 4, Shuffle: true, Seed: 5},
		"StratifiedKFold":        StratifiedKFold{Folds: 4},
		"GroupKFold":             GroupKFold{Folds: 4},
	} {
		folds, err := s.Split(rows)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tested := 0
		for _, f := range folds {
			both := slices.Concat(f.Train, f.Test)
			slices.Sort(both)
			if !slices.Equal(both, upTo(0, rows.N)) {
				t.Errorf("%s: a fold does not hold each row once: %v", name, both)
			}
			tested += len(f.Test)
			err := f.CheckGroups(rows.Groups)
			if byGroup := strings.HasPrefix(name, "Group"); byGroup != (err == nil) {
				t.Errorf("%s: CheckGroups says %v", name, err)
			}
		}
		if strings.HasSuffix(name, "KFold") && tested != rows.N {
			t.Errorf("%s: %d rows were tested, want each once", name, tested)
		}
	}
}

func ExampleGroupKFold() {
	serials := []string{"S1", "S1", "S2", "S3", "S3", "S3"}
	folds, err := GroupKFold{Folds: 2}.Split(Rows{N: len(serials), Groups: GroupsOf(serials)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range folds {
		fmt.Println("train", f.Train, "test", f.Test)
	}
	// Output:
	// train [0 1 2] test [3 4 5]
	// train [3 4 5] test [0 1 2]
}

func ExampleStratifiedSplit() {
	failed := []float64{0, 0, 0, 0, 0, 0, 1, 1, 1}
	train, test, err := StratifiedSplit(failed, 0.33, 42)
	fmt.Println(train, test, err)
	// Output: [8 0 2 7 5 1] [6 3 4] <nil>
}
