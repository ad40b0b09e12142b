package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filelock"
	"github.com/drivecast/drivecast/table"
)

// keepEvery is after how many rows the answers so far are kept for a later run.
var keepEvery = 1_000_000

// resumable is an output file that grows under another name (OUT.part), and beside it
// what a later run needs to go on (OUT.resume), should this one not reach its end.
type resumable struct {
	out, key string
	file     *os.File
	w        *bufio.Writer
	kept     reach
}

// reach is how far an unfinished output has come.
type reach struct {
	Key      string `json:"key"`
	Rows     int    `json:"rows"`
	Unscored int    `json:"unscored"`
	Bytes    int64  `json:"bytes"`
}

// keyOf is a hash of everything that the output depends on: the program, the model, the
// file's members and what is asked of them.
func keyOf(mark string, o *predictOptions) (string, error) {
	members, err := table.Members(o.data)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(o.data)
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(o.data)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if b, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(h, "%s\n", b)
	}
	fmt.Fprintf(h, "%s\n%q %d %d %d\n%d/%d\n", mark, path, st.Size(), st.ModTime().UnixNano(), len(members), o.part.i, o.part.n)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// resume opens the output, at its beginning or where an earlier run with the same key
// broke off. anew starts at the beginning in any case.
func resume(out, key string, anew bool) (r *resumable, err error) {
	if st, err := os.Stat(out); err == nil && st.IsDir() {
		return nil, errs.New(errs.Invalid, "%s is a folder; name a file to write", out)
	}
	r = &resumable{out: out, key: key}
	if r.file, err = os.OpenFile(r.part(), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, errs.Wrap(err, "write %s", out)
	}
	if !filelock.Try(r.file) {
		r.file.Close()
		return nil, errs.New(errs.State, "another predict writes %s; wait for it, or name another file", out)
	}
	st, err := r.file.Stat()
	if err == nil && !anew {
		r.kept = readReach(r.note())
		if r.kept.Key != key || r.kept.Bytes > st.Size() || r.kept.Rows < 0 || r.kept.Bytes < 0 {
			r.kept = reach{}
		}
	}
	if r.kept.Rows == 0 {
		os.Remove(r.note())
	}
	r.kept.Key = key
	if err == nil {
		err = r.file.Truncate(r.kept.Bytes)
	}
	if err == nil {
		_, err = r.file.Seek(r.kept.Bytes, io.SeekStart)
	}
	if err != nil {
		r.file.Close()
		return nil, errs.Wrap(err, "write %s", out)
	}
	r.w = bufio.NewWriterSize(r.file, 256<<10)
	return r, nil
}

func (r *resumable) part() string { return r.out + ".part" }
func (r *resumable) note() string { return r.out + ".resume" }

// readReach reads a note; what cannot be read is no progress.
func readReach(path string) (p reach) {
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &p) != nil {
		return reach{}
	}
	return p
}

// reached is called when the answers of so many rows have been written. Now and then it
// brings them to the disk, and then notes how many they are.
func (r *resumable) reached(n rowCounts) error {
	if n.rows-r.kept.Rows < keepEvery {
		return nil
	}
	if err := r.w.Flush(); err != nil {
		return err
	}
	at, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.kept.Rows, r.kept.Unscored, r.kept.Bytes = n.rows, n.unscored, at
	return table.WriteFile(r.note(), func(w io.Writer) error { return json.NewEncoder(w).Encode(r.kept) })
}

// finish gives the output its name, unless filling it failed: then what was kept stays
// for a later run if this one was stopped, and goes if its input was at fault.
func (r *resumable) finish(ctx context.Context, failed error) error {
	err := failed
	if err == nil {
		err = r.w.Flush()
	}
	if err == nil {
		err = r.file.Sync()
	}
	if err == nil && runtime.GOOS == "windows" { // which renames no open file; elsewhere the lock holds until it has its name
		err = r.file.Close()
	}
	if err == nil {
		err = os.Rename(r.part(), r.out)
	}
	if err == nil {
		err = os.Remove(r.note())
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		r.file.Close() // all is on the disk
		return errs.Wrap(err, "tidy up after %s", r.out)
	}
	if ctx.Err() == nil || r.kept.Rows == 0 {
		os.Remove(r.part())
		os.Remove(r.note())
	}
	r.file.Close()
	if failed == nil {
		return errs.Wrap(err, "write %s", r.out)
	}
	return failed
}
