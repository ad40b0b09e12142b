package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// dataFlags say how drive data is read, for every command that reads it.
type dataFlags struct {
	mapping    string
	quarantine string
	maxBad     string
}

func (d *dataFlags) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.mapping, "mapping", "", "YAML file that says which column holds what, for drive data whose columns are not named as Backblaze's")
	f.StringVar(&d.quarantine, "quarantine", "", "file to write bad rows to, each with file, line and reason: JSON lines when it ends in .jsonl, else CSV")
	f.StringVar(&d.maxBad, "max-bad", "1%", "share of bad rows past which reading stops")
}

// apply sets what the flags say in opt. done completes the quarantine file; it is
// to be called once reading has ended, however it did.
func (d *dataFlags) apply(opt *smart.Options) (done func() error, err error) {
	if opt.MaxBad, err = parseShare(d.maxBad); err != nil {
		return nil, err
	}
	if d.mapping != "" {
		if opt.Mapping, err = smart.ReadMapping(d.mapping); err != nil {
			return nil, err
		}
	}
	if d.quarantine == "" {
		return func() error { return nil }, nil
	}
	q, err := smart.NewQuarantine(d.quarantine)
	if err != nil {
		return nil, err
	}
	opt.Quarantine = q.Add
	return q.Close, nil
}

// parseShare reads "1%" or ".01". Nothing at all is bad past "0".
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, errs.New(errs.Usage, "--max-bad %q is no share; write it like 1%%", s)
	}
	if v == 0 {
		v = -1 // zero would stand for the default
	}
	return v, nil
}

// joined returns the first error, which says why the work ended; that of keeping
// bad rows is told only when there is no other.
func joined(work, keeping error) error {
	if work != nil {
		return work
	}
	return keeping
}
