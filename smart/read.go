package smart

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// maxReport is the most bytes that one report of smartctl may have.
const maxReport = 64 << 20

// Read reads whatever drive data is at path and gives each report to fn: drive
// statistics as Open reads them, day by day; else a file of smartctl's reports, or
// a folder of such files, folders below it counting, in the order of their names.
// With a Mapping, path is read as Open reads it.
//
// What cannot be read goes to refused, a file or a part of one at a time, and
// reading goes on behind it; with refused nil, the first fault ends it. The error
// returned is such a fault, that of a path where there is nothing to begin with,
// of drive statistics as a whole, or of fn.
func Read(ctx context.Context, path string, opt Options, fn func(*Report) error, refused func(error)) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &errs.Input{File: path, Problem: "there is no such file or folder", Mend: "check the path"}
	} else if err != nil {
		return errs.Wrap(err, "read drives")
	}
	d := &driveReader{ctx: ctx, fn: fn, refused: refused}
	if opt.Mapping != nil || IsBackblaze(path) {
		return d.source(path, opt)
	}
	if !st.IsDir() {
		return d.file(path)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return errs.Wrap(err, "read drives")
	}
	return filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		hidden := e != nil && p != path && strings.HasPrefix(e.Name(), ".")
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return d.refuse(errs.Wrap(err, "read drives"))
		case e.IsDir() && hidden:
			return fs.SkipDir
		case e.IsDir() || hidden:
			return nil
		}
		return d.file(p)
	})
}

// ReadFrom reads a stream as Read reads a file. What is no text (gzip apart) or
// looks like a table goes to a temporary file first. The name stands for the
// stream in errors.
func ReadFrom(ctx context.Context, r io.Reader, name string, opt Options, fn func(*Report) error, refused func(error)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return &errs.Input{File: name, Problem: "the gzip header is damaged", Mend: "copy or download the file again"}
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	d := &driveReader{ctx: ctx, fn: fn, refused: refused}
	head, _ := in.Peek(4096)
	if opt.Mapping == nil && looksLikeReport(head) {
		return d.stream(in, name)
	}
	return d.spool(in, name, opt)
}

// looksLikeReport tells smartctl's output from tables and packed files by its
// beginning.
func looksLikeReport(head []byte) bool {
	text, err := io.ReadAll(unicodeText(bytes.NewReader(head)))
	text = bytes.TrimSpace(text)
	return err == nil && (len(text) == 0 || text[0] == '{' || text[0] == '[' || bytes.Contains(text, []byte("smartctl ")))
}

type driveReader struct {
	ctx     context.Context
	fn      func(*Report) error
	refused func(error)
}

// refuse hands over a fault, or returns it when nobody takes it.
func (d *driveReader) refuse(err error) error {
	if d.refused == nil || errs.Is(err, errs.Canceled) {
		return err
	}
	d.refused(err)
	return nil
}

func (d *driveReader) report(r *Report) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	return d.fn(r)
}

func (d *driveReader) stream(r io.Reader, name string) error {
	return readDocuments(r, name, d.report, d.refuse)
}

// file reads a file of smartctl's reports, packed or not.
func (d *driveReader) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return d.refuse(errs.Wrap(err, "read drives"))
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	head, err := in.Peek(4)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return d.refuse(errs.Wrap(err, "read %s", path))
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return d.refuse(&errs.Input{File: path, Problem: "the gzip header is damaged", Mend: "copy or download the file again"})
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	begin, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return d.refuse(&errs.Input{File: path, Problem: "the packed data is damaged: " + err.Error(), Mend: "copy or download the file again"})
	}
	if len(begin) > 0 && !looksLikeReport(begin) {
		return d.refuse(&errs.Input{File: path, Row: 1, Problem: "this is neither a report of smartctl nor drive statistics with date, serial_number and smart_N_raw",
			Mend: mendReport + ", or a file with Backblaze's column names"})
	}
	return d.stream(in, path)
}

// source reads drive statistics.
func (d *driveReader) source(path string, opt Options) error {
	src, err := Open(d.ctx, path, opt)
	if err != nil {
		return err
	}
	defer src.Close()
	for {
		day, err := src.Next(d.ctx)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		run := 0
		for i := range day.Readings {
			r := ReportOf(day.Readings[i], src.Attributes())
			for run < len(day.Files)-1 && day.Files[run].End <= i {
				run++
			}
			r.File = day.Files[run].File
			if err := d.fn(&r); err != nil {
				return err
			}
		}
	}
}

// spool copies a stream to a temporary file and reads that.
func (d *driveReader) spool(r io.Reader, name string, opt Options) error {
	f, err := os.CreateTemp("", "drivecast-read-*")
	if err != nil {
		return errs.Wrap(err, "keep %s", name)
	}
	path := f.Name()
	defer os.Remove(path)
	_, err = io.Copy(f, r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return errs.Wrap(err, "keep %s", name)
	}
	if q := opt.Quarantine; q != nil {
		opt.Quarantine = func(b BadRow) {
			b.File = strings.Replace(b.File, path, name, 1)
			q(b)
		}
	}
	named := func(err error) error {
		var in *errs.Input
		if errors.As(err, &in) {
			in.File = strings.Replace(in.File, path, name, 1)
		}
		return err
	}
	var refused func(error)
	if d.refused != nil {
		refused = func(err error) { d.refused(named(err)) }
	}
	return named(Read(d.ctx, path, opt, func(r *Report) error {
		r.File = strings.Replace(r.File, path, name, 1)
		return d.fn(r)
	}, refused))
}
