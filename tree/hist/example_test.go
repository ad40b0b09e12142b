package hist_test

import (
	"context"
	"fmt"
	"math"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// drives makes drives that fail when they are hot and old.
func drives(n int) (*table.Matrix, []float64) {
	x, failed := table.NewMatrix(n, 2), make([]float64, n)
	x.Names = []string{"temperature", "age"}
	for i := range n {
		x.Col(0)[i], x.Col(1)[i] = float64(20+i*13%40), float64(i/40*7%10)
		if x.At(i, 0) > 45 && x.At(i, 1) > 5 {
			failed[i] = 1
		}
	}
	return x, failed
}

func ExampleFitBoosted() {
	x, failed := drives(2000)
	opt := hist.Defaults(hist.Binary)
	opt.Trees, opt.Leaves, opt.Monotone = 50, 7, []int8{1, 1}
	m, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 4)
	m.Scores(p, []float64{50, 8, 30, math.NaN()})
	fmt.Printf("hot and old: %.2f; cool, age unknown: %.2f\n", p[1], p[3])
	// Output: hot and old: 0.99; cool, age unknown: 0.00
}

func ExampleFitBoosted_earlyStopping() {
	x, failed := drives(2000)
	xv, failedv := drives(500)
	opt := hist.Defaults(hist.Binary)
	opt.Trees, opt.Patience, opt.Rate = 500, 5, 0.5
	m, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, &hist.Validation{X: xv, Y: failedv})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Rounds() < 500, len(m.History) == m.Rounds()+5)
	// Output: true true
}

func ExampleFitForest() {
	x, failed := drives(2000)
	opt := hist.ForestDefaults(false)
	opt.Trees, opt.Depth, opt.Columns = 10, 3, 2
	f, err := hist.FitForest(context.Background(), x, failed, nil, opt)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(f.Trees), "trees, the first tests", x.Names[f.Trees[0].Feature[0]], "at", f.Trees[0].Threshold[0])
	// Output: 10 trees, the first tests temperature at 45.5
}

func ExampleBoosted_Explain() {
	x, failed := drives(2000)
	opt := hist.Defaults(hist.Binary)
	opt.Trees, opt.Leaves = 20, 4
	m, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	why := make([]float64, 2)
	base, space := m.Explain(why, []float64{50, 8})
	raw := make([]float64, 1)
	m.Raw(raw, []float64{50, 8})
	fmt.Println(space, math.Abs(base+why[0]+why[1]-raw[0]) < 1e-12)
	// Output: log-odds true
}

func ExampleBoosted_Importance() {
	x, failed := drives(2000)
	opt := hist.Defaults(hist.Binary)
	opt.Trees, opt.Leaves = 5, 4
	m, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	im := m.Importance()
	fmt.Println(x.Names, "by gain:", im.Gain[0] > im.Gain[1], "by splits:", im.Splits)
	// Output: [temperature age] by gain: false by splits: [7 8]
}

// Ten rounds now, ten more later: the model is that of twenty rounds.
func ExampleOptions_warmStart() {
	x, failed := drives(2000)
	opt := hist.Defaults(hist.Binary)
	opt.Trees = 10
	first, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	opt.Init = first
	m, err := hist.FitBoosted(context.Background(), x, failed, nil, opt, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(first.Rounds(), "rounds became", m.Rounds())
	// Output: 10 rounds became 20
}
