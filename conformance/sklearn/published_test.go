package sklearn

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

// The forest that was published, read from its pickle, is the forest that grows
// from the published table, node by node.
func TestPublishedForestGrowsAgain(t *testing.T) {
	root := os.Getenv("DRIVE_DATA")
	if root == "" {
		t.Skip("DRIVE_DATA does not name the folder of real drive data")
	}
	ctx := context.Background()
	m, err := model.Open(ctx, filepath.Join(root, "seed/models/v2"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := table.ReadFile(ctx, filepath.Join(root, "seed/hdd_balanced_dataset.csv"), table.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := data.Matrix([]string{"capacity_bytes", "lifetime", "model_encoded"})
	if err != nil {
		t.Fatal(err)
	}
	y := data.Column("failure").Floats
	train, _, err := table.StratifiedSplit(y, 0.2, 42)
	if err != nil {
		t.Fatal(err)
	}
	yTrain := make([]float64, len(train))
	for i, r := range train {
		yTrain[i] = y[r]
	}
	o := tree.RandomForestClassifier()
	o.MaxDepth, o.MinSamplesSplit, o.Seed, o.Compat = 10, tree.N(5), 42, tree.Sklearn18
	f, err := tree.Fit(ctx, x.Take(train), yTrain, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	nodes := 0
	for i, want := range m.Estimator.(*tree.Forest).Trees {
		got := f.Trees[i]
		nodes += len(got.Left)
		if !slices.Equal(got.Left, want.Left) || !slices.Equal(got.Right, want.Right) || !slices.Equal(got.Feature, want.Feature) ||
			!slices.Equal(got.Threshold, want.Threshold) || !slices.Equal(got.Impurity, want.Impurity) ||
			!slices.Equal(got.Samples, want.Samples) || !slices.Equal(got.Weight, want.Weight) || !slices.Equal(got.Value, want.Value) {
			t.Fatalf("tree %d differs from the published one; %d agreed before it", i, i)
		}
	}
	fmt.Printf("published forest: all %d trees agree, %d nodes\n", len(f.Trees), nodes)
	if nodes != 20666 {
		t.Errorf("%d nodes, want 20666", nodes)
	}
}
