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

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// IsBackblaze reports whether path holds drive statistics: a folder, an archive
// or a file whose first CSV has columns date, serial_number, failure and some
// smart_N_raw or smart_N_normalized.
func IsBackblaze(path string) bool {
	members, _ := membersOf(path) // a damaged file among them shows in Open
	for _, m := range members[:min(len(members), 10)] {
		if h, err := look(m, nil); err == nil && h.layout.failure >= 0 {
			return true
		}
	}
	return false
}

// membersOf lists the CSV streams at path; in a folder, those of all files in it
// and below that look like data by their names. With an error, which is that of
// the first file that cannot be opened, it returns the others.
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
	var damaged error
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
		if d.IsDir() || !isDataName(low) {
			return nil
		}
		ms, err := table.Members(p)
		out, damaged = append(out, ms...), cmp.Or(damaged, err)
		return nil
	})
	if err = cmp.Or(err, damaged); err != nil {
		return out, err
	}
	if len(out) == 0 {
		return nil, &errs.Input{File: path, Problem: "the folder holds no .csv, .csv.gz, .zip or .parquet file", Mend: "check the path"}
	}
	return out, nil
}

// isDataName tells by a name in lower case whether a file in a folder is looked at.
func isDataName(low string) bool {
	return slices.ContainsFunc([]string{".csv", ".csv.gz", ".zip", ".parquet"}, func(end string) bool { return strings.HasSuffix(low, end) })
}

// header is a file's beginning.
type header struct {
	member table.Member
	layout *layout
	first  Date // of the first row, NoDate when it cannot be read
}

// look reads the beginning of a file.
func look(m table.Member, mapping Mapping) (header, error) {
	r, err := m.OpenColumns(nil, func(column string) bool { return slices.Contains(mapping.meanings(column), "date") })
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
