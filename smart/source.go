package smart

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
}

// unit is what becomes one Day: the files of one day, or the rows of one day
// from files that hold several.
type unit struct {
	date   Date
	files  []table.Member
	loaded []Reading
	rows   int
}

// IsBackblaze reports whether path holds drive statistics: a folder, an archive
// or a file whose first CSV has columns date, serial_number, failure and some
// smart_N_raw or smart_N_normalized.
func IsBackblaze(path string) bool {
	members, err := membersOf(path)
	if err != nil {
		return false
	}
	for _, m := range members[:min(len(members), 3)] {
		if h, err := look(m, nil); err == nil && h.layout.failure >= 0 {
			return true
		}
	}
	return false
}

// Open looks into a folder and those below it, a CSV file or a zip archive: it reads all headers, and lists the days. Files may be plain, gzip or
// zip, with columns of any generation in any order, ',' or ';' between fields.
// A file named after its day is read when its turn comes; one that holds several
// days is held in memory. Files without such a header are refused, in a folder
// they are passed over as long as there is one with it.
func Open(ctx context.Context, path string, opt Options) (*Source, error) {
	if opt.Attributes == nil {
		opt.Attributes = DefaultAttributes
	}
	if opt.MaxBad == 0 {
		opt.MaxBad = .01
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
	s := &Source{opt: opt}
	for _, a := range opt.Attributes {
		if slices.ContainsFunc(heads, func(h header) bool { return slices.Contains(h.layout.has, a) }) {
			s.has = append(s.has, a)
		}
	}
	if err := s.plan(ctx, heads); err != nil {
		return nil, err
	}
	if len(s.units) == 0 {
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

// membersOf lists the CSV streams at path; in a folder, those of all files in it
// and below that look like data by their names.
func membersOf(path string) ([]table.Member, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &errs.Input{File: path, Problem: "there is no such file or folder", Mend: "check the path"}
	} else if err != nil {
		return nil, errs.Wrap(err, "open drive data")
	}
	if !st.IsDir() {
		return table.Members(path)
	}
	var out []table.Member
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return errs.Wrap(err, "open drive data")
		}
		low := strings.ToLower(d.Name())
		if p != path && strings.HasPrefix(low, ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() || !strings.HasSuffix(low, ".csv") && !strings.HasSuffix(low, ".csv.gz") && !strings.HasSuffix(low, ".zip") {
			return nil
		}
		ms, err := table.Members(p)
		out = append(out, ms...)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &errs.Input{File: path, Problem: "the folder holds no .csv, .csv.gz or .zip file", Mend: "check the path"}
	}
	return out, nil
}

// header is a file's beginning.
type header struct {
	member table.Member
	layout *layout
	first  Date // of the first row, NoDate when it cannot be read
}

// look reads the beginning of a file.
func look(m table.Member, mapping Mapping) (header, error) {
	r, err := m.Open(nil)
	if err != nil {
		return header{}, err
	}
	defer r.Close()
	s, err := table.NewScanner(io.LimitReader(r, 64<<10), m.Name, 0)
	if err != nil {
		return header{}, err
	}
	l, err := layoutOf(s, m.Name, mapping)
	if err != nil {
		return header{}, err
	}
	h := header{member: m, layout: l, first: NoDate}
	if s.Next() && s.Len() == l.columns {
		h.first, _ = parseDate(s.Field(l.date))
	}
	return h, nil
}

// lookAll reads the beginnings of all files, passing over those that are
// something else unless all are.
func lookAll(ctx context.Context, members []table.Member, mapping Mapping) ([]header, error) {
	var out []header
	var other error
	for _, m := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := look(m, mapping)
		if err == nil {
			out = append(out, h)
			continue
		}
		var in *errs.Input
		if !errors.As(err, &in) || !strings.HasPrefix(in.Problem, "this is not drive statistics") {
			return nil, err
		}
		other = cmp.Or(other, err)
	}
	if len(out) == 0 {
		return nil, other
	}
	return out, nil
}
