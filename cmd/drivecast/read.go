package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// readOptions are the flags of `drivecast read`.
type readOptions struct {
	form        string
	from, until string
	data        dataFlags
}

func (a *app) readCommand() *cobra.Command {
	var o readOptions
	c := &cobra.Command{
		Use:   "read PATH…",
		Short: "Print what drives say of themselves, in one form for all vendors",
		Long: `Print what drives say of themselves, in one form for all vendors.

PATH is what smartctl prints of a drive (-j, or the text of -a and -x), a folder of
such files, Backblaze Drive Stats (CSV, gzip, zip, Parquet, or a folder of them),
any other CSV or Parquet file with --mapping, or - for standard input.

Each reading is one row, or one JSON object a line with -o jsonl: identity, health in
typed units, and the SMART attributes with vendors' packed values taken apart. What
a drive does not report is left out. A drive is printed whatever smartctl's exit
status was; its bits are in exit_status and exit_bits.

What cannot be read is named on standard error, with its line and the mend, and the
rest is printed all the same. So is a report in which smartctl reached no drive. A
scan (smartctl --scan -j) and a sleeping drive give a note there.

Exit codes: 0 all was read, 1 something was not, 2 the command line is wrong, 130 interrupted.`,
		Example: `  smartctl -x -j /dev/sda | drivecast read -
  drivecast read reports/ -o jsonl | jq 'select(.verdict == "failing") | .serial_number'
  drivecast read data_Q4_2025.zip --from 2025-12-31 -o jsonl`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errs.New(errs.Usage, "read wants at least one PATH, or - for standard input; see %s --help", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.read(c.Context(), args, &o) },
	}
	f := c.Flags()
	f.StringVarP(&o.form, "output", "o", "table", "how to print the readings: table, jsonl (one object a line) or json (an array)")
	f.StringVar(&o.from, "from", "", "first day of drive statistics, as YYYY-MM-DD")
	f.StringVar(&o.until, "until", "", "last day of drive statistics")
	o.data.addTo(c)
	return c
}

func (a *app) read(ctx context.Context, paths []string, o *readOptions) error {
	out, err := newReadingWriter(a.stdout, o.form)
	if err != nil {
		return err
	}
	opt := smart.Options{Attributes: smart.AllAttributes()}
	if opt.From, err = dayFlag("from", o.from); err != nil {
		return err
	}
	if opt.Until, err = dayFlag("until", o.until); err != nil {
		return err
	}
	done, err := o.data.apply(&opt)
	if err != nil {
		return err
	}
	r := &reader{app: a, out: out}
	for _, path := range paths {
		if err = r.read(ctx, path, opt); err != nil {
			break
		}
	}
	err = errors.Join(err, out.finish(), done())
	switch {
	case err != nil:
		return err
	case r.refused == 1:
		return errs.New(errs.Invalid, "1 input could not be read, see above; %d readings were", r.readings)
	case r.refused > 0:
		return errs.New(errs.Invalid, "%d inputs could not be read, see above; %d readings were", r.refused, r.readings)
	case r.readings == 0 && r.notes == 0:
		return errs.New(errs.Invalid, "there is no report in %s", paths[0])
	}
	return nil
}

// dayFlag reads a day from a flag, the zero Date when it is not given.
func dayFlag(name, text string) (smart.Date, error) {
	if text == "" {
		return 0, nil
	}
	d, err := smart.ParseDate(text)
	if err != nil {
		return 0, errs.New(errs.Usage, "--%s: %w", name, err)
	}
	return d, nil
}

// reader prints readings and counts what could not be read.
type reader struct {
	*app
	out                      *readingWriter
	readings, refused, notes int
}

// read prints one input. Its error ends the command: that of writing, or of an
// interruption.
func (r *reader) read(ctx context.Context, path string, opt smart.Options) error {
	var end error
	take := func(rep *smart.Report) error {
		end = r.take(rep)
		return end
	}
	refused := func(err error) { r.refuse(err.Error()) }
	var err error
	if path == "-" {
		err = smart.ReadFrom(ctx, r.stdin, "standard input", opt, take, refused)
	} else {
		err = smart.Read(ctx, path, opt, take, refused)
	}
	switch {
	case end != nil || errs.Is(err, errs.Canceled):
		return err
	case err != nil:
		r.refuse(err.Error())
	}
	return nil
}

func (r *reader) refuse(text string) {
	r.refused++
	fmt.Fprintln(r.stderr, "drivecast: "+text)
}

func (r *reader) take(rep *smart.Report) error {
	place := fmt.Sprintf("%s: line %d: ", rep.File, rep.Line)
	switch {
	case rep.Kind == smart.ScanReport:
		r.notes++
		fmt.Fprintf(r.stderr, "%sa scan of %d devices, without readings; for each, run smartctl -x -j -d TYPE DEVICE%s\n", place, len(rep.Scan), devices(rep.Scan))
		return nil
	case rep.Kind == smart.EmptyReport && rep.Asleep():
		r.notes++
		fmt.Fprintf(r.stderr, "%s%s sleeps and was not woken\n", place, orElse(rep.Device, "the drive"))
		return nil
	case rep.Kind == smart.EmptyReport:
		r.refuse(place + rep.WhyEmpty())
		return nil
	}
	r.readings++
	return r.out.write(rep)
}

func devices(scan []smart.ScannedDevice) string {
	text := ""
	for i, d := range scan {
		text += map[bool]string{true: ": ", false: ", "}[i == 0] + d.Name
		if d.Type != "" {
			text += " (" + d.Type + ")"
		}
	}
	return text
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
