package smart

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// maxReport is the largest file that is taken for a report of smartctl.
const maxReport = 64 << 20

// Read reads whatever drive data is at path and gives each report to fn: drive
// statistics as Open reads them, day by day; else a file of smartctl's reports, or
// a folder of such files, folders below it counting, in the order of their names.
//
// A file in a folder that cannot be read goes to refused, and reading goes on;
// when path itself cannot be read, or refused is nil, the error is returned. So
// is an error of fn.
func Read(ctx context.Context, path string, opt Options, fn func(*Report) error, refused func(path string, err error)) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &errs.Input{File: path, Problem: "there is no such file or folder", Mend: "check the path"}
	} else if err != nil {
		return errs.Wrap(err, "read drives")
	}
	if IsBackblaze(path) {
		return readSource(ctx, path, opt, fn)
	}
	if !st.IsDir() {
		return readReports(path, fn)
	}
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		var own fnError
		if err = readReports(p, func(r *Report) error {
			if err := fn(r); err != nil {
				return fnError{err}
			}
			return nil
		}); err == nil || refused == nil || errors.As(err, &own) {
			return err
		}
		refused(p, err)
		return nil
	})
}

// fnError marks an error of the caller's function.
type fnError struct{ error }

func (e fnError) Unwrap() error { return e.error }

func readSource(ctx context.Context, path string, opt Options, fn func(*Report) error) error {
	src, err := Open(ctx, path, opt)
	if err != nil {
		return err
	}
	defer src.Close()
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i := range day.Readings {
			r := ReportOf(day.Readings[i], src.Attributes())
			if err := fn(&r); err != nil {
				return err
			}
		}
	}
}

// readReports reads a file of smartctl's reports, packed or not.
func readReports(path string, fn func(*Report) error) error {
	text, err := readSmall(path)
	if err != nil {
		return err
	}
	head := bytes.TrimSpace(text[:min(len(text), 4096)])
	if len(head) > 0 && head[0] != '{' && head[0] != '[' && !bytes.Contains(head, []byte("smartctl")) {
		return &errs.Input{File: path, Row: 1, Problem: "this is neither a report of smartctl nor drive statistics with date, serial_number and smart_N_raw",
			Mend: "hand over what smartctl -x -j prints, or a file with Backblaze's column names"}
	}
	all, err := ParseReports(text, path)
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func readSmall(path string) ([]byte, error) {
	members, err := table.Members(path)
	if err != nil {
		return nil, err
	}
	r, err := members[0].Open(nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	switch {
	case err != nil:
		return nil, errs.Wrap(err, "read %s", path)
	case len(text) > maxReport:
		return nil, &errs.Input{File: path, Problem: "the file is larger than 64 MB, too large for a report of smartctl", Mend: "check the path"}
	}
	return text, nil
}
