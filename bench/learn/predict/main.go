// Command predict times our kernels on models that peers.py has fitted, and
// checks their answers against the library's own.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"path/filepath"
	"time"

	"github.com/drivecast/drivecast/bench/learn/data"
	"github.com/drivecast/drivecast/tree/kernel"
)

func main() {
	dir := flag.String("data", ".", "folder that peers.py has filled")
	name := flag.String("model", "rf", "rf, lgb or xgb, or contribs: Shapley values alone")
	flag.Parse()
	xt, _, err := data.Load(*dir, 100_000, true)
	if err != nil {
		log.Fatal(err)
	}
	m, e, err := data.LoadModel(filepath.Join(*dir, *name+".json"), xt.Cols)
	if err != nil {
		log.Fatal(err)
	}
	if *name == "contribs" {
		explain(*dir, *name, e, xt.RowMajor(), xt.Cols, 1)
		return
	}
	c, err := kernel.Compile(e)
	if err != nil {
		log.Fatal(err)
	}
	x, k := xt.RowMajor(), c.Answers()
	dst := make([]float64, xt.Rows*k)
	start := make([]float64, k)
	start[0] = m.Base
	best("batch", xt.Rows, func() { c.Sum(dst, x, start) })
	const some = 300 // few enough to fit a turn on a busy machine
	best("batch of 1,024", 1024, func() { c.Sum(dst[:1024*k], x[:1024*xt.Cols], start) })
	best("one row at a time", some, func() {
		for r := range some {
			c.Sum(dst[r*k:(r+1)*k], x[r*xt.Cols:(r+1)*xt.Cols], start)
		}
	})
	scale := 1.0
	if m.Kind == "rf" {
		scale = float64(len(m.Trees))
	}
	c.Sum(dst, x, start)
	compare(*dir, *name, dst, scale)
	if m.Kind == "rf" {
		explain(*dir, *name, e, x, xt.Cols, scale)
	}
}

// best times f for about two seconds and prints its quickest run.
func best(what string, rows int, f func()) {
	wall, cpu := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for begin := time.Now(); time.Since(begin) < 2*time.Second; {
		start, used := time.Now(), data.CPU()
		f()
		wall, cpu = min(wall, time.Since(start)), min(cpu, data.CPU()-used)
	}
	fmt.Printf("ours, %s: %.3f us/row wall, %.3f us/row cpu\n", what, wall.Seconds()*1e6/float64(rows), cpu.Seconds()*1e6/float64(rows))
}

func compare(dir, name string, got []float64, scale float64) {
	want, err := data.Floats(filepath.Join(dir, name+".want"))
	if err != nil {
		fmt.Println("no answers of the library to compare with:", err)
		return
	}
	var worst float64
	for i, v := range want {
		worst = max(worst, math.Abs(v-got[i]/scale))
	}
	fmt.Printf("largest difference from the library: %g over %d answers\n", worst, len(want))
}

func explain(dir, name string, e *kernel.Ensemble, x []float64, cols int, scale float64) {
	ex, err := kernel.NewExplainer(e, e.Outputs-1)
	if err != nil {
		log.Fatal(err)
	}
	const rows = 100
	dst := make([]float64, rows*cols)
	best("Shapley values", 1, func() { ex.Explain(dst[:cols], x[:cols]) })
	best("Shapley values of 100 rows", rows, func() {
		clear(dst)
		for r := range rows {
			ex.Explain(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols])
		}
	})
	want, err := data.Floats(filepath.Join(dir, name+".shap.want"))
	if err != nil {
		fmt.Println("no Shapley values to compare with:", err)
		return
	}
	var worst float64
	for i, v := range want {
		worst = max(worst, math.Abs(v-dst[i]/scale))
	}
	fmt.Printf("largest difference from the library: %g over %d values, base %v\n", worst, len(want), ex.Base()/scale)
}
