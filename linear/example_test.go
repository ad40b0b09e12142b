package linear_test

import (
	"context"
	"fmt"

	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

// Age in years and reallocated sectors of eight drives, and whether they failed.
var (
	history = &table.Matrix{Rows: 8, Cols: 2, Names: []string{"age", "sectors"}, Data: []float64{
		1, 2, 2, 3, 4, 4, 5, 6,
		0, 0, 3, 0, 8, 0, 9, 20,
	}}
	failed = []float64{0, 0, 0, 0, 1, 0, 1, 1}
)

func ExampleFitLogistic() {
	m, err := linear.FitLogistic(context.Background(), history, failed, nil, linear.Defaults())
	if err != nil {
		panic(err)
	}
	p := make([]float64, 4)
	m.Scores(p, []float64{2, 0, 5, 12})
	fmt.Printf("a young, clean drive fails with chance %.3f, an old one with 12 bad sectors %.3f\n", p[1], p[3])
	// Output: a young, clean drive fails with chance 0.009, an old one with 12 bad sectors 0.997
}

func ExampleLogistic_Explain() {
	m, err := linear.FitLogistic(context.Background(), history, failed, nil, linear.Defaults())
	if err != nil {
		panic(err)
	}
	parts := make([]float64, 2)
	base, space := m.Explain(parts, []float64{5, 12})
	for j, name := range history.Names {
		fmt.Printf("%s adds %+.2f\n", name, parts[j])
	}
	fmt.Printf("to a base of %.2f in %s\n", base, space)
	// Output:
	// age adds +0.43
	// sectors adds +5.66
	// to a base of -0.34 in log-odds
}

func ExampleScaler() {
	s := linear.NewScaler(history)
	scaled, err := linear.FitLogistic(context.Background(), s.Apply(history), failed, nil, linear.Defaults())
	if err != nil {
		panic(err)
	}
	raw := s.Unscale(scaled) // one model for raw units, in place of a pipeline
	a, b := make([]float64, 2), make([]float64, 2)
	scaled.Scores(a, s.Apply(history).RowMajor()[:2])
	raw.Scores(b, history.RowMajor()[:2])
	fmt.Printf("%.12f %.12f\n", a[1], b[1])
	// Output: 0.068945789475 0.068945789475
}
