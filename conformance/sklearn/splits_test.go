package sklearn

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/table"
)

// splitCase is one splitter of scikit-learn on one table.
type splitCase struct {
	Kind          string
	N             int
	Y             []float64
	Groups        []int
	Folds         int
	Shuffle       bool
	Seed          uint32
	Size          float64
	Gap, MaxTrain int
	Rows          [][2][]int
}

func (c *splitCase) splitter() table.Splitter {
	switch c.Kind {
	case "KFold":
		return table.KFold{Folds: c.Folds, Shuffle: c.Shuffle, Seed: c.Seed}
	case "StratifiedKFold":
		return table.StratifiedKFold{Folds: c.Folds, Shuffle: c.Shuffle, Seed: c.Seed}
	case "GroupKFold":
		return table.GroupKFold{Folds: c.Folds, Shuffle: c.Shuffle, Seed: c.Seed}
	case "TimeSeriesSplit":
		return table.TimeSeriesSplit{Folds: c.Folds, Gap: c.Gap, MaxTrain: c.MaxTrain}
	case "ShuffleSplit":
		return table.ShuffleSplit{Splits: c.Folds, TestSize: c.Size, Seed: c.Seed}
	case "StratifiedShuffleSplit":
		return table.StratifiedShuffleSplit{Splits: c.Folds, TestSize: c.Size, Seed: c.Seed}
	case "GroupShuffleSplit":
		return table.GroupShuffleSplit{Splits: c.Folds, TestSize: c.Size, Seed: c.Seed}
	}
	panic("no splitter " + c.Kind)
}

func (c *splitCase) split() ([]table.Fold, error) {
	once := func(train, test []int, err error) ([]table.Fold, error) {
		return []table.Fold{{Train: train, Test: test}}, err
	}
	switch c.Kind {
	case "train_test_split":
		return once(table.TrainTestSplit(c.N, c.Size, c.Seed))
	case "train_test_split stratified":
		return once(table.StratifiedSplit(c.Y, c.Size, c.Seed))
	}
	return c.splitter().Split(table.Rows{N: c.N, Y: c.Y, Groups: c.Groups})
}

func compareSplits(t *testing.T, version string, files fs.FS) {
	t.Helper()
	text, err := fs.ReadFile(files, "splits.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []splitCase
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 50 {
		t.Fatalf("%d splits: %v", len(all), err)
	}
	kinds := map[string]int{}
	for i, c := range all {
		folds, err := c.split()
		if err != nil {
			t.Fatalf("split %d, %s: %v", i, c.Kind, err)
		}
		if len(folds) != len(c.Rows) {
			t.Fatalf("split %d, %s: %d folds, want %d", i, c.Kind, len(folds), len(c.Rows))
		}
		for j, f := range folds {
			if !slices.Equal(f.Train, c.Rows[j][0]) || !slices.Equal(f.Test, c.Rows[j][1]) {
				t.Fatalf("split %d of %d (%s, %d rows, seed %d, shuffle %v): fold %d has train %v, want %v; test %v, want %v; %d agreed before it",
					i, len(all), c.Kind, c.N, c.Seed, c.Shuffle, j, f.Train, c.Rows[j][0], f.Test, c.Rows[j][1], i)
			}
		}
		kinds[c.Kind]++
	}
	fmt.Printf("scikit-learn %s: %d of %d splits agree row by row: %v\n", version, len(all), len(all), kinds)
}
