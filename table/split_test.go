package table

import (
	"encoding/json"
	"os"
	"slices"
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
	for name, f := range map[string]func() error{
		"size 0":          func() error { _, _, err := TrainTestSplit(10, 0, 1); return err },
		"size 1":          func() error { _, _, err := TrainTestSplit(10, 1, 1); return err },
		"nothing left":    func() error { _, _, err := TrainTestSplit(1, .5, 1); return err },
		"single member":   func() error { _, _, err := StratifiedSplit([]float64{0, 0, 0, 1}, .5, 1); return err },
		"too few to test": func() error { _, _, err := StratifiedSplit([]float64{0, 0, 1, 1, 2, 2}, .2, 1); return err },
	} {
		if err := f(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want an error of kind Invalid", name, err)
		}
	}
}
