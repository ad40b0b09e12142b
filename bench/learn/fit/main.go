// Command fit times our learners on data files that peers.py reads too.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/pprof"
	"time"

	"github.com/drivecast/drivecast/bench/learn/data"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

func main() {
	dir := flag.String("data", ".", "folder with x.bin, y.bin, xt.bin, yt.bin: float64, column-major")
	rows := flag.Int("rows", 1000000, "training rows to use")
	cols := flag.Int("cols", 0, "columns to use; 0: all")
	leaves := flag.Int("leaves", 31, "leaves of a tree")
	trees := flag.Int("trees", 100, "rounds")
	workers := flag.Int("workers", 1, "goroutines")
	depth := flag.Int("depth", 10, "levels of a forest's trees; 0: no limit")
	learner := flag.String("learner", "gbdt", "gbdt or forest")
	seed := flag.Uint64("seed", 0, "of every draw")
	exactly := flag.Bool("exactly", false, "wide gradients")
	profile := flag.String("cpuprofile", "", "file")
	flag.Parse()
	x, y, err := data.Load(*dir, *rows, false)
	if err != nil {
		log.Fatal(err)
	}
	xt, yt, err := data.Load(*dir, 0, true)
	if err != nil {
		log.Fatal(err)
	}
	if *cols > 0 {
		x = &table.Matrix{Rows: x.Rows, Cols: *cols, Data: x.Data[:x.Rows**cols]}
		xt = &table.Matrix{Rows: xt.Rows, Cols: *cols, Data: xt.Data[:xt.Rows**cols]}
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	start, used := time.Now(), data.CPU()
	var m model.Estimator
	if *learner == "forest" {
		opt := hist.ForestDefaults(false)
		opt.Trees, opt.Depth, opt.Workers, opt.Seed = *trees, *depth, *workers, *seed
		m, err = tree.FitHistForest(context.Background(), x, y, nil, opt)
	} else {
		opt := hist.Defaults(hist.Binary)
		opt.Leaves, opt.Trees, opt.Workers, opt.Exactly, opt.Seed = *leaves, *trees, *workers, *exactly, *seed
		m, err = hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	wall, spent := time.Since(start), data.CPU()-used
	both, p := make([]float64, 2*xt.Rows), make([]float64, xt.Rows)
	m.Scores(both, xt.RowMajor())
	for i := range p {
		p[i] = both[2*i+1]
	}
	fmt.Printf("ours %s %d rows, %d trees, %d leaves %d workers: wall %.2f s, cpu %.2f s, auc %.5f\n", *learner, *rows, *trees, *leaves, *workers, wall.Seconds(), spent.Seconds(), data.AUC(yt, p))
}
