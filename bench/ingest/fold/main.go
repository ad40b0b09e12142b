// Command fold is our side of bench/ingest: the daily files to the vector of every
// drive and day. It prints the sums that its peers print, and the time.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/drivecast/drivecast/bench/ingest/usage"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fold FOLDER   (PROFILE=FILE writes a profile)")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	if path := os.Getenv("PROFILE"); path != "" {
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	runtime.GOMAXPROCS(2)
	begin, before := time.Now(), usage.CPU()
	names, sums, err := fold(context.Background(), folder)
	if err != nil {
		return err
	}
	wall, cpu := time.Since(begin), usage.CPU()-before
	for i, name := range names {
		fmt.Printf("sum %s %.0f\n", name, sums[i])
	}
	fmt.Printf("ours wall %.3f cpu %.3f\n", wall.Seconds(), cpu.Seconds())
	return nil
}

// fold reads the days into a history and adds up what its peers add up.
func fold(ctx context.Context, folder string) (names []string, sums []float64, err error) {
	attributes := []smart.Attribute{smart.Raw(1), smart.Raw(5), smart.Raw(9), smart.Raw(194), smart.Raw(197)}
	src, err := smart.Open(ctx, folder, smart.Options{Attributes: attributes})
	if err != nil {
		return nil, nil, err
	}
	spec := feature.NewSpec(attributes)
	spec.Memory = 7 // as far back as the peers look
	history, err := feature.NewFold(spec)
	if err != nil {
		return nil, nil, err
	}
	names, columns := shown(history.Names())
	sums = make([]float64, len(names))
	var rows feature.Rows
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return names, sums, nil
		} else if err != nil {
			return nil, nil, err
		}
		history.Day(day, src.Attributes(), &rows, nil)
		width := len(history.Names())
		sums[0] += float64(len(rows.Reading))
		for i := range rows.Reading {
			x := rows.X[i*width : (i+1)*width]
			sums[1] += math.Round(24 * x[columns[1]])
			for k, c := range columns[2:] {
				sums[k+2] += x[c]
			}
		}
		src.Recycle(day)
	}
}

// shown returns the names of the sums and the columns they are of.
func shown(features []string) (names []string, columns []int) {
	at := map[string]int{}
	for i, name := range features {
		at[name] = i
	}
	names, columns = []string{"rows", "smart_9_raw"}, []int{-1, at["age_days"]}
	for _, id := range []int{1, 194, 197, 5} { // in the order of their names
		stem := fmt.Sprintf("smart_%d", id)
		names = append(names, stem+"_delta_7d", stem+"_raw")
		columns = append(columns, at[stem+"_delta_7d"], at[stem+"_raw"])
	}
	return names, columns
}
