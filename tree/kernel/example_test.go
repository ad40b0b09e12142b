package kernel_test

import (
	"fmt"

	"github.com/drivecast/drivecast/tree/kernel"
)

func stump() *kernel.Ensemble {
	return &kernel.Ensemble{Features: 2, Outputs: 1, Compare: kernel.LessEqual64, Trees: []kernel.Tree{{
		Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{1, -1, -1}, Threshold: []float64{3, 0, 0},
		Cover: []float64{16, 12, 4}, Value: []float64{0, 0.5, 3},
	}}}
}

func ExampleCompile() {
	c, err := kernel.Compile(stump())
	if err != nil {
		fmt.Println(err)
		return
	}
	sums := make([]float64, 2)
	c.Sum(sums, []float64{7, 3, 7, 4}, []float64{100})
	fmt.Println(sums)
	// Output: [100.5 103]
}

func ExampleNewExplainer() {
	x, err := kernel.NewExplainer(stump(), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	why := make([]float64, 2)
	x.Explain(why, []float64{7, 4})
	fmt.Println(x.Base(), why)
	// Output: 1.125 [0 1.875]
}
