// Package simulate makes up a fleet of drives and writes its days as Backblaze
// Drive Stats files, for trials without data and for tests that need to know the
// truth.
//
// # The hazard
//
// A drive is each day in one of four conditions, which nobody outside sees:
//
//	quiet    nothing is wrong with it
//	wearing  damage has begun; its counters creep up
//	failing  damage runs away; its counters climb
//	scarred  damage came to rest: counters stay where they were
//
// From one day to the next it moves
//
//	quiet → wearing with probability 5e-4 × f     wearing → failing .035, → scarred .03
//	failing → scarred .015                          scarred → wearing 5e-4 × f
//
// and on each day it dies with probability
//
//	quiet 6e-5 × f, scarred 9e-5 × f, wearing .004, failing .085
//
// where f = model × age × heat: the model's factor (.55 to 1.9), the bathtub
// 1 + 1.5 exp(−days/90) + (days/1400)², and 1.35 for every 8 °C that the drive's
// place is warmer than 32 °C. A death from quiet or scarred comes without
// warning; with the defaults these are about a quarter.
//
// # What is seen
//
// Damage has one of three kinds, and each speaks through other attributes:
// media (5, 187, 197, 198), heads (1, 187, 188) and mechanics (7, 10, 193, 194).
// Not all models report all of them. Quiet drives are not silent either: some carry scars from
// before the first day, sectors are reallocated and pending sectors come and go
// without meaning, bad cables count CRC errors (199), and days are missing.
// Drives leave without failing, one by one and once as a batch, and new ones
// arrive.
//
// # The oracle
//
// Report.OracleAUC is the area under the ROC curve, over all rows whose label is
// known, of the best score there can be for "fails within Horizon days": the
// probability itself, computed from the hidden condition and the numbers above.
// No model of the visible columns can be expected to do better.
package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Options describes the fleet. A zero field takes the value of Defaults.
type Options struct {
	Drives  int       `json:"drives"`  // drives on the first day
	Days    int       `json:"days"`    // days written, one file each
	Seed    uint64    `json:"seed"`    // every seed is another fleet; the same seed gives the same bytes
	Start   time.Time `json:"start"`   // the first day, UTC
	Horizon int       `json:"horizon"` // days ahead that the oracle is asked about

	Progress func(day, days int) `json:"-"` // called after each day; may be nil
}

// Defaults are sized so that making the fleet takes a second or two, and leaves
// some ninety failures to learn from and to be judged on.
var Defaults = Options{Drives: 2000, Days: 120, Seed: 42, Start: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Horizon: 7}

// Report says what was written.
type Report struct {
	Options   Options `json:"options"`
	Rows      int     `json:"rows"`        // drive-days
	Drives    int     `json:"drives"`      // drives ever seen
	Failures  int     `json:"failures"`    // drives that failed
	Unwarned  int     `json:"unwarned"`    // of these, drives that were quiet or scarred until the end
	Left      int     `json:"left"`        // drives that vanished without failing
	OracleAUC float64 `json:"oracle_auc"`  // see the package comment; NaN is never written: a fleet without failures has 0.5
	Labelled  int     `json:"oracle_rows"` // rows the area is taken over
}

// ReportName is the file beside the days that holds the Report. It is written
// before the folder gets its name, so a folder with that name is complete.
const ReportName = "simulation.json"

func (o Options) filled() (Options, error) {
	d := Defaults
	if o.Drives == 0 {
		o.Drives = d.Drives
	}
	if o.Days == 0 {
		o.Days = d.Days
	}
	if o.Seed == 0 {
		o.Seed = d.Seed
	}
	if o.Start.IsZero() {
		o.Start = d.Start
	}
	if o.Horizon == 0 {
		o.Horizon = d.Horizon
	}
	if o.Drives < 1 || o.Drives > 1_000_000 || o.Days < 1 || o.Days > 3650 || o.Horizon < 1 || o.Horizon > 365 {
		return o, errs.New(errs.Invalid, "simulate: 1 to 1000000 drives, 1 to 3650 days and a horizon of 1 to 365 days are possible, not %d, %d and %d",
			o.Drives, o.Days, o.Horizon)
	}
	return o, nil
}

// Write makes the fleet and writes its days to the new folder dir, one
// YYYY-MM-DD.csv each, and the report beside them. The folder appears under its
// name when it is complete. A dir that exists and is not empty is an error of
// kind Exists.
func Write(ctx context.Context, dir string, opt Options) (Report, error) {
	opt, err := opt.filled()
	if err != nil {
		return Report{}, err
	}
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		return Report{}, errs.New(errs.Exists, "the folder %s exists and is not empty; name a new one", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Report{}, errs.Wrap(err, "simulate")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return Report{}, errs.Wrap(err, "simulate")
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return Report{}, errs.Wrap(err, "simulate")
	}
	defer os.RemoveAll(tmp)
	rep, err := writeDays(ctx, tmp, opt)
	if err != nil {
		return Report{}, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return Report{}, errs.Wrap(err, "simulate")
	}
	os.Remove(dir) // an empty folder of that name; a failure shows in Rename
	return rep, errs.Wrap(os.Rename(tmp, dir), "simulate")
}

func writeDays(ctx context.Context, dir string, opt Options) (Report, error) {
	f := newFleet(opt)
	for day := range opt.Days {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
		date := opt.Start.AddDate(0, 0, day).Format(time.DateOnly)
		rows := f.live(day, date)
		err := table.WriteFile(filepath.Join(dir, date+".csv"), func(w io.Writer) error {
			_, err := w.Write(rows)
			return err
		})
		if err != nil {
			return Report{}, err
		}
		if opt.Progress != nil {
			opt.Progress(day+1, opt.Days)
		}
	}
	rep := f.report()
	return rep, table.WriteFile(filepath.Join(dir, ReportName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(rep)
	})
}

// ReadReport reads the report of a folder that Write made. A folder that it did
// not make is an error of kind NotFound.
func ReadReport(dir string) (Report, error) {
	var rep Report
	text, err := os.ReadFile(filepath.Join(dir, ReportName))
	if err == nil {
		err = json.Unmarshal(text, &rep)
	}
	return rep, errs.Wrap(err, "read the simulation's report")
}
