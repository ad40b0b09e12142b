package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// predictFleet scores daily statistics: each drive's history becomes the model's
// columns, up to the day that is scored.
func (a *app) predictFleet(ctx context.Context, m *model.Model, o *predictOptions) error {
	// Nearly all of the heap is the history and the day in hand, which do not become
	// garbage: collecting often would only cost time.
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(2 << 30)
	spec, err := featureSpec(m)
	if err != nil {
		return err
	}
	today, err := lastDay(o.state)
	if err != nil {
		return err
	}
	src, from, err := o.openDays(ctx, today, spec, a)
	if err != nil {
		return err
	}
	defer src.Close()
	src.Start(ctx) // while the history is loaded
	fold, err := loadState(o.state, spec)
	if err != nil {
		return err
	}
	fleet, err := score.NewFleet(m, fold)
	if err != nil {
		return err
	}
	fleet.Reasons, fleet.Why = max(toldDrives, o.why), o.why > 0
	before, follow := fold.Stats(), fleet.Follow
	if table.IsParquetName(o.out) {
		follow = fleet.FollowParquet
	}
	write := func(w io.Writer) error { return follow(ctx, src, from, o.until, w) }
	if o.out == "-" {
		err = write(a.stdout)
	} else {
		err = table.WriteFile(o.out, write)
	}
	if err != nil {
		return errs.Wrap(err, "%s", o.data)
	}
	if o.state != "" {
		if err := fold.SaveFile(o.state); err != nil {
			return err
		}
	}
	return a.fleetSummary(o, fleetSummary{
		Output: o.out, Rows: fleet.Rows, Day: fold.Today().String(), Drives: fold.Stats().Drives, Bad: src.Stats().Bad,
		Duplicates: fold.Stats().Duplicates - before.Duplicates, Again: fold.Stats().Replayed - before.Replayed,
		First: tellDrives(fleet.First), Late: fold.Stats().Late - before.Late, Nameless: fold.Stats().Nameless - before.Nameless, Missed: fold.Stats().Missed - before.Missed,
	})
}

// featureSpec returns how the model's columns are made of a drive's history.
func featureSpec(m *model.Model) (feature.Spec, error) {
	if c, ok := m.Estimator.(*forecast.Model); ok {
		return c.Spec, nil
	}
	var recipe struct {
		Spec feature.Spec `json:"spec"`
	}
	path := filepath.Join(m.Source, train.FeatureFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &recipe)
	}
	if err != nil {
		return recipe.Spec, errs.New(errs.Invalid, "the model does not say how daily statistics become its columns (%s: %v); train it on daily statistics", path, err)
	}
	return recipe.Spec, nil
}

// loadState returns the history saved in a file, a new one when there is none.
func loadState(path string, spec feature.Spec) (*feature.Fold, error) {
	if path == "" {
		return feature.NewFold(spec)
	}
	fold, err := feature.LoadFile(path, spec)
	if errs.Is(err, errs.NotFound) {
		return feature.NewFold(spec)
	}
	return fold, errs.Wrap(err, "--state")
}

// lastDay returns the last day of the history saved in a file, NoDate when there
// is none.
func lastDay(path string) (smart.Date, error) {
	if path == "" {
		return smart.NoDate, nil
	}
	day, err := feature.LastDay(path)
	if errs.Is(err, errs.NotFound) {
		return smart.NoDate, nil
	}
	return day, errs.Wrap(err, "--state")
}

// dayStream is what predict reads: daily statistics or smartctl's reports.
type dayStream interface {
	feature.Stream
	Start(context.Context)
	Stats() smart.Stats
	Dates() []smart.Date
}

// open opens the readings, whatever they are.
func (o *predictOptions) open(ctx context.Context, in smart.Options, a *app) (dayStream, error) {
	if in.Mapping != nil || smart.IsBackblaze(o.data) || tableName(o.data) {
		return smart.Open(ctx, o.data, in)
	}
	return smart.OpenReports(ctx, o.data, in, smart.DateOf(time.Now()), func(err error) { fmt.Fprintln(a.stderr, "drivecast:", err) })
}

// noDay is what smart.Open says of data without a day in the time asked for.
const noDay = "there is no day of drive statistics"

// openDays opens the data from the day after the history on, and returns the first
// day to score: by default the last of the data.
func (o *predictOptions) openDays(ctx context.Context, today smart.Date, spec feature.Spec, a *app) (dayStream, smart.Date, error) {
	in := o.reading
	in.Until, in.Workers = o.until, o.workers
	for _, text := range spec.Attributes {
		if at, ok := smart.ParseAttribute(text); ok {
			in.Attributes = append(in.Attributes, at)
		}
	}
	bars := &steps{reporter: a.progress()}
	in.Progress = func(done, total int64) {
		bars.set("read and score", "bytes", done, total)
		if done == total {
			bars.done()
		}
	}
	if today != smart.NoDate {
		in.From = today + 1
		if o.from != 0 && o.from < today {
			return nil, 0, errs.New(errs.Usage, "the history in %s reaches to %s already, so %s cannot be scored with it; leave --state out, or name another file", o.state, today, o.from)
		}
		if o.from == today || o.until == today {
			in.From = today // a day given again changes nothing
		}
	}
	src, err := o.open(ctx, in, a)
	if errs.Is(err, errs.Invalid) && today != smart.NoDate && o.from == 0 && strings.Contains(err.Error(), noDay) {
		return nil, 0, errs.New(errs.Invalid, "%s holds no day after %s, which the history in %s has already; give --from %s to score that day again", o.data, today, o.state, today)
	}
	if err != nil {
		return nil, 0, err
	}
	if o.from != 0 {
		return src, o.from, nil
	}
	dates := src.Dates()
	if _, reports := src.(*smart.Reports); reports {
		return src, dates[0], nil // drives are not all asked on one day
	}
	return src, dates[len(dates)-1], nil
}
