package smart

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Options says what of a folder of drive statistics is read.
type Options struct {
	Attributes  []Attribute             // wanted; nil stands for DefaultAttributes. Those no file has are left out.
	Mapping     Mapping                 // names of the columns, where they are not Backblaze's; may be nil
	From, Until Date                    // first and last day; the zero Date stands for no bound
	MaxBad      float64                 // share of bad rows past which reading fails, 0 stands for .01
	Quarantine  func(BadRow)            // takes each bad row, in order; may be nil
	Progress    func(done, total int64) // called now and then with bytes of the files; may be nil
	Held        int                     // readings of files with several days that are held in memory; more go to a temporary file. 0 stands for 500,000
	Workers     int                     // files read side by side; 0 stands for the number of processors
}

// BadRow is a row that was set aside.
type BadRow struct {
	File   string
	Line   int // 1-based
	Reason string
	Text   string // the row, its fields joined by commas
}

// Stats counts what a Source read.
type Stats struct {
	Files, Days, Rows int
	Bad               int // rows set aside
	First             *BadRow
}

// Day is one day of a fleet.
type Day struct {
	Date     Date
	Readings []Reading // in the order of the files; a drive may occur twice
	Files    []FileRun // where the readings are from, in their order

	values []float64 // holds those of the readings
}

// FileRun names the file of the readings up to, not including, number End.
type FileRun struct {
	File string
	End  int
}

// Source reads the days of a Backblaze Drive Stats folder, file or archive in
// order. It is made by Open and not safe for concurrent use.
type Source struct {
	opt    Options
	has    []Attribute
	units  []unit
	stats  Stats
	total  int64
	failed error
	pipe   *pipeline
	expect atomic.Int64 // rows of a day, by the one before
	spool  *spool       // nil while days that share a file fit in memory
	spent  chan *Day    // days whose memory the next ones take
}

// unit is what becomes one Day: the files of one day, or the rows of one day
// from files that hold several.
type unit struct {
	date     Date
	files    []table.Member
	spilled  []piece   // readings that are in the source's spool
	loaded   []Reading // those behind them
	readings int       // in spilled and loaded
	from     []FileRun // of them
}

// Open looks into a folder and those below it, a CSV or Parquet file or a zip archive: it reads all headers, and lists the days. Files may be plain,
// gzip, zip or Parquet, with columns of any generation in any order, ',' or ';' between fields.
// A file named after its day is read when its turn comes; one that holds several
// days is read at once, and held in memory or in a temporary file. Files without such a header are refused, in a folder
// they are passed over as long as there is one with it.
func Open(ctx context.Context, path string, opt Options) (*Source, error) {
	if opt.Attributes == nil {
		opt.Attributes = DefaultAttributes
	}
	if opt.MaxBad == 0 {
		opt.MaxBad = .01
	}
	if opt.Held == 0 {
		opt.Held = 500_000
	}
	if opt.From == 0 {
		opt.From = NoDate
	}
	if opt.Until == 0 {
		opt.Until = 1<<31 - 1
	}
	members, err := membersOf(path)
	if err != nil {
		return nil, err
	}
	heads, err := lookAll(ctx, members, opt.Mapping)
	if err != nil {
		return nil, err
	}
	for _, what := range heads[0].layout.absent {
		if !slices.ContainsFunc(heads, func(h header) bool { return !slices.Contains(h.layout.absent, what) }) {
			return nil, &errs.Input{File: path, Problem: "the mapping's column for " + what + ", " + strconv.Quote(opt.Mapping[what].Column) + ", is not in the header",
				Mend: "write the column's name as the file has it, or leave " + what + " out of the mapping"}
		}
	}
	s := &Source{opt: opt, spent: make(chan *Day, 4)}
	for _, a := range opt.Attributes {
		if slices.ContainsFunc(heads, func(h header) bool { return slices.Contains(h.layout.has, a) }) {
			s.has = append(s.has, a)
		}
	}
	if err := s.plan(ctx, heads); err != nil {
		s.Close()
		return nil, err
	}
	if len(s.units) == 0 {
		s.Close()
		return nil, &errs.Input{File: path, Problem: "there is no day of drive statistics in the time asked for", Mend: "check the path and the dates"}
	}
	return s, nil
}

// Attributes returns what Reading.Values holds, in order.
func (s *Source) Attributes() []Attribute { return s.has }

// Dates returns the days that Next will give, in order.
func (s *Source) Dates() []Date {
	out := make([]Date, len(s.units))
	for i, u := range s.units {
		out[i] = u.date
	}
	return out
}

// Stats returns the counts so far.
func (s *Source) Stats() Stats { return s.stats }
