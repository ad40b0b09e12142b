package feature

import (
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Options says which training set is made.
type Options struct {
	Spec    Spec // the features; see NewSpec
	Horizon int  // days ahead: a drive is positive on a day when it fails on it or on one of the Horizon days after it

	From, Until smart.Date // the days that get rows, both counting; the zero Date stands for no bound. All days make history and labels.

	// Negatives is the share of the rows without failure that is kept, 1 keeps
	// all, and 0 keeps at most about MaxRows of them (all, when that is 0 too). Which ones
	// are kept depends on Seed, drive and day alone. Rows from WholeFrom on are
	// kept all: a test set is never sampled. The zero Date samples all days.
	Negatives float64
	MaxRows   int
	WholeFrom smart.Date
	Seed      uint64
}

func (o *Options) within(d smart.Date) bool {
	return (o.From == 0 || d >= o.From) && (o.Until == 0 || d <= o.Until)
}

// Set is a training set: one row for each drive and day.
type Set struct {
	X      *table.Matrix // features, named
	Y      []float64     // 1 when the drive fails within the horizon, else 0
	Day    []smart.Date
	Serial []string
	Model  []string
	Lead   []int32 // days until the drive fails, -1 when it was not seen to

	Spec    Spec
	Horizon int
	Beta    float64 // share of the negative rows that was kept before WholeFrom; see Correct
	Stats   Stats
}

// Stats counts what became of the readings.
type Stats struct {
	FoldStats
	FirstDay, LastDay smart.Date // of the data
	LastClosed        smart.Date // the last day whose label window lies within the data
	Rows, Positives   int        // in the set; Positives counts rows
	Failures          int        // drives that failed, on any day of the data
	FailedInSet       int        // of these, drives with a positive row in the set
	Open              int        // rows left out: their window ends after the last day
	Censored          int        // rows left out: the drive vanished without failing before its window ended
	After             int        // rows left out: the drive had failed before
	Sampled           int        // rows left out by Negatives
}

// Correct turns a probability learned from a set with the share beta of its
// negatives into one at the natural rate: βp / (βp − p + 1).
func Correct(p, beta float64) float64 { return beta * p / (beta*p - p + 1) }
