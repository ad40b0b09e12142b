package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// entries reads an archive from its beginning.
func entries(file string) iter.Seq2[*tar.Header, io.Reader] {
	return func(yield func(*tar.Header, io.Reader) bool) {
		fail := func(err error) {
			yield(nil, failed{errs.New(errs.Invalid, "%s is no sound backup: %w", file, err)})
		}
		f, err := os.Open(file)
		if err != nil {
			yield(nil, failed{err})
			return
		}
		defer f.Close()
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			fail(err)
			return
		}
		defer z.Close()
		r := tar.NewReader(z)
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) { // the checksum of the compression follows
				if _, err := io.Copy(io.Discard, z); err != nil {
					fail(err)
				}
				return
			}
			if err != nil {
				fail(err)
				return
			}
			if h.Typeflag != tar.TypeReg {
				fail(errs.New(errs.Invalid, "the entry %q is not a file", h.Name))
				return
			}
			if !yield(h, r) {
				return
			}
		}
	}
}

// failed is a reader that only fails.
type failed struct{ err error }

// Read fails.
func (f failed) Read([]byte) (int, error) { return 0, f.err }

const maxIndex = 1 << 30 // bytes

// Check reads the whole archive and compares every entry with the index.
func Check(ctx context.Context, file string) (Index, error) {
	var index Index
	found := map[string]Entry{}
	for h, r := range entries(file) {
		if err := ctx.Err(); err != nil {
			return index, err
		}
		if h == nil {
			_, err := r.Read(nil)
			return index, err
		}
		if h.Name == indexEntry {
			if err := json.NewDecoder(io.LimitReader(r, maxIndex)).Decode(&index); err != nil {
				return index, errs.New(errs.Invalid, "the index of %s is garbled: %w", file, err)
			}
			continue
		}
		sum := sha256.New()
		n, err := io.Copy(sum, r)
		if err != nil {
			return index, errs.New(errs.Invalid, "%s is broken at %s: %w", file, h.Name, err)
		}
		found[h.Name] = Entry{n, hex.EncodeToString(sum.Sum(nil))}
	}
	if index.Entries == nil || index.Entries[formEntry].Size == 0 {
		return index, errs.New(errs.Invalid, "%s is no whole backup: it does not end with its index", file)
	}
	for name, want := range index.Entries {
		if found[name] != want {
			return index, errs.New(errs.Invalid, "%s is damaged: its entry %s is not what was written", file, name)
		}
	}
	if len(found) != len(index.Entries) {
		return index, errs.New(errs.Invalid, "%s is damaged: it has entries that were not written", file)
	}
	return index, nil
}

// Target is where a backup is restored to.
type Target struct {
	URI     string // of the database
	Options sqlstore.Options
	Places  Places
	Force   bool // replace what is there
}

// Restore checks an archive and brings it back, as Check and Bring do.
func Restore(ctx context.Context, file string, to Target) (Index, error) {
	index, err := Check(ctx, file)
	if err != nil {
		return index, err
	}
	return index, Bring(ctx, file, index, to)
}

// Bring brings an archive back, of which Check has returned the index. Files come
// first and the database last and whole, so that a restore that was broken off has
// changed no record.
// Without Force, database and places must be empty; with it, files of the same
// paths are replaced and others stay.
func Bring(ctx context.Context, file string, index Index, to Target) error {
	for dir, s := range to.Places {
		list, err := s.List(ctx, "")
		if err != nil {
			return err
		}
		if len(list) > 0 && !to.Force {
			return errs.New(errs.Exists, "the place of %s holds files already; --force writes among them", dir)
		}
	}
	for h, r := range entries(file) {
		if h == nil {
			_, err := r.Read(nil)
			return err
		}
		if err := restoreFile(ctx, h, r, to.Places); err != nil {
			return errs.Wrap(err, "restore %s", h.Name)
		}
	}
	return sqlstore.Load(ctx, to.URI, to.Options, index.Dump, chunks(file), to.Force)
}

func restoreFile(ctx context.Context, h *tar.Header, r io.Reader, places Places) error {
	dir, p, _ := strings.Cut(h.Name, "/")
	if dir != "artifacts" && dir != "root" {
		return nil
	}
	s := places[dir]
	if s == nil {
		return errs.New(errs.Usage, "the backup has files of a local artifact root; say with --default-artifact-root where they go")
	}
	p, err := artifact.Clean(p)
	if err != nil {
		return err
	}
	return s.Put(ctx, p, r, h.Size)
}

// chunks reads the rows of an archive.
func chunks(file string) iter.Seq2[sqlstore.Chunk, error] {
	return func(yield func(sqlstore.Chunk, error) bool) {
		for h, r := range entries(file) {
			var c sqlstore.Chunk
			if h != nil {
				name, ok := strings.CutPrefix(h.Name, tablesDir)
				if !ok {
					if h.Name != formEntry {
						return // tables come first
					}
					continue
				}
				c.Table, _, _ = strings.Cut(name, ".")
			}
			rows, err := io.ReadAll(r)
			c.Rows = rows
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}
