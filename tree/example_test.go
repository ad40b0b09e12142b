package tree_test

import (
	"context"
	"fmt"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// Eight drives: reallocated sectors and temperature. The last four failed.
func drives() (*table.Matrix, []float64) {
	return &table.Matrix{Rows: 8, Cols: 2, Names: []string{"reallocated", "temperature"}, Data: []float64{
		0, 0, 1, 3, 40, 55, 60, 900,
		31, 38, 29, 35, 33, 41, 30, 36,
	}}, []float64{0, 0, 0, 0, 1, 1, 1, 1}
}

func ExampleFit() {
	x, failed := drives()
	opt := tree.RandomForestClassifier()
	opt.Estimators, opt.MaxDepth, opt.Seed = 50, 3, 42
	forest, err := tree.Fit(context.Background(), x, failed, nil, opt)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 2*2)
	forest.Scores(p, []float64{
		0, 30, // no reallocated sectors
		300, 40, // many
	})
	fmt.Printf("healthy drive fails: %.2f\n", p[1])
	fmt.Printf("worn drive fails: %.2f\n", p[3])
	// Output:
	// healthy drive fails: 0.15
	// worn drive fails: 0.93
}

// One tree, its first question read off its arrays.
func ExampleDecisionTreeClassifier() {
	x, failed := drives()
	forest, err := tree.Fit(context.Background(), x, failed, nil, tree.DecisionTreeClassifier())
	if err != nil {
		fmt.Println(err)
		return
	}
	root := forest.Trees[0]
	fmt.Printf("%s <= %v\n", x.Names[root.Feature[0]], root.Threshold[0])
	fmt.Println(root.Value[2*root.Left[0]:2*root.Left[0]+2], root.Value[2*root.Right[0]:])
	// Output:
	// reallocated <= 21.5
	// [1 0] [0 1]
}

// Drives that fail are rare: weigh the classes, and let every tree judge the rows
// that it did not draw.
func ExampleBalance() {
	x, failed := drives()
	opt := tree.RandomForestClassifier()
	opt.Balance, opt.OOBScore = tree.Balanced, true
	forest, err := tree.Fit(context.Background(), x, failed, nil, opt)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("right out of bag:", forest.OOB.Score)
	fmt.Printf("importances of %v: %.2f\n", x.Names, forest.Importances())
	// Output:
	// right out of bag: 1
	// importances of [reallocated temperature]: [0.68 0.32]
}

// A forest on bins, grown in two goes.
func ExampleForest_Join() {
	x, failed := drives()
	opt := hist.ForestDefaults(false)
	opt.Trees = 30
	first, err := tree.FitHistForest(context.Background(), x, failed, nil, opt)
	if err != nil {
		fmt.Println(err)
		return
	}
	opt.First, opt.Trees = 30, 20
	more, err := tree.FitHistForest(context.Background(), x, failed, nil, opt)
	if err != nil {
		fmt.Println(err)
		return
	}
	forest, err := first.Join(more)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 2)
	forest.Scores(p, []float64{300, 40})
	fmt.Println(len(forest.Trees), "trees; a worn drive is at risk:", p[1] > 0.8)
	// Output: 50 trees; a worn drive is at risk: true
}
