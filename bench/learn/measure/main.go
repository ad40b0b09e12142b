// Command measure times our exact forest, logistic regression and ranking
// metrics on the data that peers.py times scikit-learn on.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"time"

	"github.com/drivecast/drivecast/bench/learn/data"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

func main() {
	dir := flag.String("data", ".", "folder with x.bin and y.bin: float64, column-major")
	rows := flag.Int("rows", 100000, "rows to use; 0: all")
	cols := flag.Int("cols", 0, "columns to use; 0: all")
	trees := flag.Int("trees", 100, "trees of the forest")
	split := flag.Int("split", 2, "the forest's min_samples_split")
	workers := flag.Int("workers", 1, "goroutines")
	repeat := flag.Int("repeat", 1, "runs, of which the quickest counts")
	flag.Parse()
	var work func() float64
	if flag.Arg(0) == "metrics" {
		work = metrics(*rows)
	} else {
		x, y, err := data.Load(*dir, *rows, false)
		if err != nil {
			log.Fatal(err)
		}
		if *cols > 0 {
			x = &table.Matrix{Rows: x.Rows, Cols: *cols, Data: x.Data[:x.Rows**cols]}
		}
		switch flag.Arg(0) {
		case "exact":
			work = exact(x, y, *trees, *split, *workers)
		case "linear":
			work = logistic(x, y, *workers)
		default:
			log.Fatal("usage: measure [flags] exact|linear|metrics")
		}
	}
	wall, cpu, answer := math.Inf(1), math.Inf(1), 0.0
	for range *repeat {
		start, used := time.Now(), data.CPU()
		answer = work()
		wall, cpu = min(wall, time.Since(start).Seconds()), min(cpu, (data.CPU()-used).Seconds())
	}
	fmt.Printf("ours %s rows=%d workers=%d: wall %.6f s, cpu %.6f s, answer %.12g\n", flag.Arg(0), *rows, *workers, wall, cpu, answer)
}

// exact grows scikit-learn's trees; its answer is their number of nodes.
func exact(x *table.Matrix, y []float64, trees, split, workers int) func() float64 {
	return func() float64 {
		o := tree.RandomForestClassifier()
		o.Estimators, o.MaxDepth, o.Seed, o.Workers, o.MinSamplesSplit = trees, 10, 42, workers, tree.N(split)
		f, err := tree.Fit(context.Background(), x, y, nil, o)
		if err != nil {
			log.Fatal(err)
		}
		n := 0
		for _, t := range f.Trees {
			n += len(t.Left)
		}
		return float64(n)
	}
}

// logistic fits to the optimum; its answer is the first coefficient.
func logistic(x *table.Matrix, y []float64, workers int) func() float64 {
	return func() float64 {
		o := linear.Defaults()
		o.MaxIter, o.Workers = 1000, workers
		m, err := linear.FitLogistic(context.Background(), x, y, nil, o)
		if err != nil {
			log.Fatal(err)
		}
		return m.Coef[0][0]
	}
}

// metrics ranks scores with few ties; its answer is AUC plus average precision.
func metrics(n int) func() float64 {
	r := rand.New(rand.NewPCG(1, 2))
	truth, score := make([]int, n), make([]float64, n)
	for i := range truth {
		truth[i] = r.IntN(2)
		score[i] = r.NormFloat64() + float64(truth[i])
	}
	return func() float64 {
		r, err := eval.Rank(truth, score, nil) // sorts once for both
		if err != nil {
			log.Fatal(err)
		}
		return r.AUC() + r.AveragePrecision()
	}
}
