// Command fleet measures reading at the size of a large operator: it makes the
// daily files of a fleet, and reads them back into histories.
//
// usage:
//
//	fleet make -drives N -days D FOLDER   plain CSV files of 60 columns, one a day
//	fleet read FOLDER                     all columns parsed, windows kept on 16 attributes
//
// A quarter of 250,000 drives takes about 8 GB. read prints rows per second,
// processor time and the largest resident size; STATE=FILE saves the history.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/drivecast/drivecast/bench/ingest/usage"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	set := flag.NewFlagSet("fleet", flag.ContinueOnError)
	drives := set.Int("drives", 250_000, "drives")
	days := set.Int("days", 90, "days")
	from := set.Int("from", 0, "first day of the quarter that is written")
	if len(args) == 0 || set.Parse(args[1:]) != nil || set.NArg() != 1 {
		return errors.New("usage: fleet make [-drives N] [-days D] [-from D] FOLDER, or fleet read FOLDER")
	}
	switch folder := set.Arg(0); args[0] {
	case "make":
		return makeFleet(folder, *drives, *from, *days)
	case "read":
		return readFleet(folder)
	}
	return fmt.Errorf("%s is neither make nor read", args[0])
}

// readFleet reads all columns of all days, and keeps the windows of the default
// attributes.
func readFleet(folder string) error {
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
	begin, ctx := time.Now(), context.Background()
	src, err := smart.Open(ctx, folder, smart.Options{Attributes: smart.AllAttributes()})
	if err != nil {
		return err
	}
	history, err := feature.NewFold(feature.NewSpec(smart.DefaultAttributes))
	if err != nil {
		return err
	}
	dates := src.Dates()
	var rows feature.Rows
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		history.Day(day, src.Attributes(), &rows, func(*smart.Reading) bool { return false })
		src.Recycle(day)
	}
	took, n := time.Since(begin), src.Stats().Rows
	fmt.Printf("%d rows of %d attributes, %d days, %d drives\n", n, len(src.Attributes()), len(dates), history.Stats().Drives)
	fmt.Printf("%.2f s wall, %.2f s cpu on %d processors: %.2f million rows/s, %.2f million rows a cpu second, %d MB resident at most\n", took.Seconds(),
		usage.CPU().Seconds(), runtime.GOMAXPROCS(0), float64(n)/1e6/took.Seconds(), float64(n)/1e6/usage.CPU().Seconds(), usage.PeakMemory())
	if path := os.Getenv("STATE"); path != "" {
		return saveAndLoad(history, path)
	}
	return nil
}

func saveAndLoad(history *feature.Fold, path string) error {
	begin, cpu := time.Now(), usage.CPU()
	if err := history.SaveFile(path); err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("state saved: %.2f s wall, %.2f s cpu, %d MB\n", time.Since(begin).Seconds(), (usage.CPU() - cpu).Seconds(), st.Size()>>20)
	begin, cpu = time.Now(), usage.CPU()
	if _, err := feature.LoadFile(path, history.Spec()); err != nil {
		return err
	}
	fmt.Printf("state loaded: %.2f s wall, %.2f s cpu\n", time.Since(begin).Seconds(), (usage.CPU() - cpu).Seconds())
	return nil
}

// makeFleet writes the days side by side.
func makeFleet(folder string, drives, from, days int) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	next, failed := make(chan int), make(chan error, 2)
	for range 2 {
		go func() {
			var err error
			for d := range next {
				date := time.Date(2024, 1, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				if err == nil {
					err = writeDay(filepath.Join(folder, date+".csv"), date, d, drives)
				}
			}
			failed <- err
		}()
	}
	for d := from; d < from+days; d++ {
		next <- d
	}
	close(next)
	return errors.Join(<-failed, <-failed)
}
