package audit

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Source is data with the places that its rows come from.
type Source struct {
	Path    string
	Table   *table.Table
	Passed  []string // files of a folder that hold no daily statistics
	starts  []int    // first row of each part
	members []string // name of each part; nil for a single file
	kept    []int    // rows of the files that Table still has; nil for all
}

// Where returns file and line of a row from 0, or the line alone in a single
// file. Blank lines of the file are not counted.
func (s *Source) Where(row int) string {
	if len(s.members) == 0 {
		return "line " + strconv.Itoa(row+2)
	}
	i, ok := slices.BinarySearch(s.starts, row)
	if !ok {
		i--
	}
	return s.members[i] + ":" + strconv.Itoa(row-s.starts[i]+2)
}

// Load reads a CSV file (plain, gzip or zip), or every file of daily statistics
// in a folder; the latter's columns are joined by name, and what a file has not
// is missing there.
func Load(ctx context.Context, path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &errs.Input{File: path, Problem: "there is no such file or folder", Mend: "name a CSV file or a folder of daily statistics"}
	}
	if !info.IsDir() {
		t, err := table.ReadFile(ctx, path, table.ReadOptions{Texts: identifiers})
		return &Source{Path: path, Table: t}, err
	}
	files, err := csvFiles(path)
	if err != nil {
		return nil, err
	}
	return join(ctx, path, files)
}

// Take returns the source with the given rows, from 0, alone.
func (s *Source) Take(rows []int) (*Source, error) {
	out := *s
	out.kept = make([]int, len(rows))
	cols := make([]*table.Column, len(s.Table.Columns))
	for i, c := range s.Table.Columns {
		n := &table.Column{Name: c.Name, Kind: c.Kind}
		for _, r := range rows {
			if c.Kind == table.Text {
				n.Texts = append(n.Texts, c.Texts[r])
			} else {
				n.Floats = append(n.Floats, c.Floats[r])
			}
		}
		cols[i] = n
	}
	for i, r := range rows {
		if out.kept[i] = r; s.kept != nil {
			out.kept[i] = s.kept[r]
		}
	}
	var err error
	out.Table, err = table.New(cols...)
	return &out, err
}

// identifiers are columns that are text whatever they hold.
var identifiers = []string{"serial_number", "serial", "wwn", "drive", "drive_id", "disk_id"}

func csvFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		name := strings.ToLower(d.Name())
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(name, ".") && p != dir:
			if d.IsDir() {
				return filepath.SkipDir
			}
		case !d.IsDir() && (strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".csv.gz") || strings.HasSuffix(name, ".zip")):
			files = append(files, p)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = &errs.Input{File: dir, Problem: "the folder holds no CSV file", Mend: "name a folder of daily statistics (.csv, .csv.gz, .zip)"}
	}
	return files, err
}

// join reads the files side by side, two at most, and stacks them.
func join(ctx context.Context, dir string, files []string) (*Source, error) {
	parts, faults := make([]*table.Table, len(files)), make([]error, len(files))
	var running sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), 4) {
		running.Go(func() {
			for i := range next {
				if parts[i], faults[i] = table.ReadFile(ctx, files[i], table.ReadOptions{Texts: identifiers}); faults[i] == nil {
					parts[i], faults[i] = filled(parts[i])
				}
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	running.Wait()
	s := &Source{Path: dir}
	var used []*table.Table
	rows := 0
	for i, t := range parts {
		name, err := filepath.Rel(dir, files[i])
		if err != nil {
			name = files[i]
		}
		if faults[i] != nil || t.Column("serial_number") == nil || t.Column("date") == nil && t.Column("date_x") == nil {
			if faults[i] != nil && !errs.Is(faults[i], errs.Invalid) {
				return nil, faults[i]
			}
			s.Passed = append(s.Passed, name)
			continue
		}
		s.starts, s.members, used = append(s.starts, rows), append(s.members, name), append(used, t)
		rows += t.Rows()
	}
	if len(used) == 0 {
		if err := slices.IndexFunc(faults, func(e error) bool { return e != nil }); err >= 0 {
			return nil, faults[err]
		}
		return nil, &errs.Input{File: dir, Problem: "no file has the columns date and serial_number", Mend: "name a folder of daily statistics, or one CSV file"}
	}
	var err error
	s.Table, err = stack(used, rows)
	return s, err
}

// filled drops the columns that hold nothing but keeps identifiers.
func filled(t *table.Table) (*table.Table, error) {
	keep := slices.DeleteFunc(slices.Clone(t.Columns), func(c *table.Column) bool {
		if c.Kind == table.Text {
			return !slices.ContainsFunc(c.Texts, func(s string) bool { return s != "" })
		}
		return !slices.ContainsFunc(c.Floats, func(v float64) bool { return v == v })
	})
	return table.New(keep...)
}

func stack(parts []*table.Table, rows int) (*table.Table, error) {
	var names []string
	text := map[string]bool{}
	seen := map[string]bool{}
	for _, p := range parts {
		for _, c := range p.Columns {
			if !seen[c.Name] {
				seen[c.Name] = true
				names = append(names, c.Name)
			}
			text[c.Name] = text[c.Name] || c.Kind == table.Text
		}
	}
	cols := make([]*table.Column, len(names))
	for i, name := range names {
		c := &table.Column{Name: name}
		if text[name] {
			c.Kind, c.Texts = table.Text, make([]string, 0, rows)
		} else {
			c.Floats = make([]float64, 0, rows)
		}
		for _, p := range parts {
			extend(c, p.Column(name), p.Rows())
		}
		cols[i] = c
	}
	return table.New(cols...)
}

func extend(c, from *table.Column, rows int) {
	switch {
	case c.Kind == table.Number && from != nil:
		c.Floats = append(c.Floats, from.Floats...)
	case c.Kind == table.Number:
		for range rows {
			c.Floats = append(c.Floats, missing)
		}
	case from != nil && from.Kind == table.Text:
		c.Texts = append(c.Texts, from.Texts...)
	default:
		for r := range rows {
			s := ""
			if from != nil {
				s = from.TextAt(r)
			}
			c.Texts = append(c.Texts, s)
		}
	}
}
