// Command fit times our learners on data files that peers.py reads too.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sort"
	"syscall"
	"time"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

func main() {
	dir := flag.String("data", ".", "folder with x.bin, y.bin, xt.bin, yt.bin: float64, column-major")
	rows := flag.Int("rows", 1000000, "training rows to use")
	leaves := flag.Int("leaves", 31, "leaves of a tree")
	trees := flag.Int("trees", 100, "rounds")
	workers := flag.Int("workers", 1, "goroutines")
	exactly := flag.Bool("exactly", false, "wide gradients")
	profile := flag.String("cpuprofile", "", "file")
	flag.Parse()
	x, y := read(*dir, "x1m.bin", "y1m.bin", *rows)
	xt, yt := read(*dir, "xt.bin", "yt.bin", 0)
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
	opt := hist.Defaults(hist.Binary)
	opt.Leaves, opt.Trees, opt.Workers, opt.Exactly = *leaves, *trees, *workers, *exactly
	start, used := time.Now(), cpu()
	m, err := hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		log.Fatal(err)
	}
	wall, spent := time.Since(start), cpu()-used
	p := make([]float64, 2*xt.Rows)
	m.Scores(p, xt.RowMajor())
	fmt.Printf("ours %d trees %d leaves %d workers: wall %.2f s, cpu %.2f s, auc %.5f\n", *trees, *leaves, *workers, wall.Seconds(), spent.Seconds(), auc(yt, p))
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func read(dir, xs, ys string, limit int) (*table.Matrix, []float64) {
	y, x := floats(filepath.Join(dir, ys)), floats(filepath.Join(dir, xs))
	n := len(y)
	cols := len(x) / n
	if limit == 0 || limit > n {
		limit = n
	}
	m := table.NewMatrix(limit, cols)
	for c := range cols {
		copy(m.Col(c), x[c*n:c*n+limit])
	}
	return m, y[:limit]
}

func floats(path string) []float64 {
	b, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	out := make([]float64, len(b)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out
}

// auc is the area under the ROC curve of the last of two scores a row.
func auc(y, p []float64) float64 {
	n := len(y)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return p[2*order[a]+1] < p[2*order[b]+1] })
	var ranks, pos float64
	for i := 0; i < n; {
		j := i
		for j < n && p[2*order[j]+1] == p[2*order[i]+1] {
			j++
		}
		for _, k := range order[i:j] {
			if y[k] > 0 {
				ranks += float64(i+j+1) / 2
				pos++
			}
		}
		i = j
	}
	return (ranks - pos*(pos+1)/2) / (pos * (float64(n) - pos))
}
