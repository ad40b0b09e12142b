package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

func main() {
	if p := os.Getenv("PROF"); p != "" {
		f, _ := os.Create(p)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}

	for range 8 {
		if os.Getenv("PROF") != "" {
			run()
		}
	}
	run()
}

func run() {
	begin := time.Now()
	ctx := context.Background()
	attrs := []smart.Attribute{smart.Raw(1), smart.Raw(5), smart.Raw(9), smart.Raw(194), smart.Raw(197)}
	src, err := smart.Open(ctx, os.Args[1], smart.Options{Attributes: attrs})
	if err != nil {
		panic(err)
	}
	fold, _ := feature.NewFold(feature.NewSpec(attrs))
	var rows feature.Rows
	n := 0
	sums := make([]float64, len(fold.Names()))
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			panic(err)
		}
		fold.Day(day, src.Attributes(), &rows, nil)
		n += len(rows.Reading)
		w := len(sums)

		for i := range rows.Reading {
			for c, v := range rows.X[i*w : i*w+w] {
				if v == v {
					sums[c] += v
				}
			}
		}
		src.Recycle(day)
	}
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	fmt.Println(n, "wall", time.Since(begin).Seconds(), "cpu", float64(ru.Utime.Sec+ru.Stime.Sec)+float64(ru.Utime.Usec+ru.Stime.Usec)/1e6, "rss", ru.Maxrss>>10)
	for c, name := range fold.Names() {
		if strings.HasSuffix(name, "_7d") || strings.HasSuffix(name, "raw") {
			fmt.Println(name, sums[c])
		}
	}
}
