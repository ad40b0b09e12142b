// Package backup writes records and artifacts to one archive and brings them
// back, on the same kind of database and store or on another.
//
// An archive is a tar file under Zstandard. Its first entry, drivecast-backup,
// names the form; then come tables/NAME.N.jsonl, the rows of one state of the
// database; artifacts/PATH, the files behind the server, and root/PATH, those of
// a local artifact root; and last index.json, which has the length and the SHA-256
// of every entry. An archive without its last entry is not whole.
package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const (
	formEntry  = "drivecast-backup"
	form       = "1\n"
	indexEntry = "index.json"
	tablesDir  = "tables/"
)

// Places are where the files of a server are, by the folder of the archive that
// they go to: "artifacts" and "root".
type Places map[string]artifact.Store

// Index is the last entry of an archive.
type Index struct {
	Made    time.Time        `json:"made"`
	Dump    sqlstore.Dump    `json:"dump"`
	Files   int              `json:"files"` // artifacts
	Bytes   int64            `json:"bytes"` // of them
	Entries map[string]Entry `json:"entries"`
}

// Entry is what an entry of an archive holds.
type Entry struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Write makes the archive file, which must not exist, of a database and of the
// files that its records may name. Uploads that come meanwhile may be in it or
// not; what was recorded before is.
func Write(ctx context.Context, file string, db *sqlstore.DB, places Places, now time.Time) (index Index, err error) {
	if _, err := os.Lstat(file); err == nil {
		return index, errs.New(errs.Exists, "%s is there already; name a new file", file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return index, err
	}
	temp := file + ".writing"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return index, err
	}
	defer os.Remove(temp)
	defer f.Close()
	index = Index{Made: now.UTC(), Entries: map[string]Entry{}}
	if err := index.write(ctx, f, db, places); err != nil {
		return index, errs.Wrap(err, "write %s", file)
	}
	if err := f.Sync(); err != nil {
		return index, err
	}
	return index, os.Rename(temp, file)
}

func (x *Index) write(ctx context.Context, f io.Writer, db *sqlstore.DB, places Places) error {
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	if err := x.add(w, formEntry, int64(len(form)), strings.NewReader(form)); err != nil {
		return err
	}
	n := 0
	x.Dump, err = db.Dump(ctx, func(c sqlstore.Chunk) error {
		n++
		return x.add(w, fmt.Sprintf("%s%s.%06d.jsonl", tablesDir, c.Table, n), int64(len(c.Rows)), bytes.NewReader(c.Rows))
	})
	if err != nil {
		return err
	}
	for _, dir := range []string{"artifacts", "root"} {
		if places[dir] == nil {
			continue
		}
		err := artifact.Walk(ctx, places[dir], "", func(p string, _ artifact.Entry) error { return x.addFile(ctx, w, places[dir], dir, p) })
		if err != nil {
			return err
		}
	}
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if err := x.add(w, indexEntry, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return z.Close()
}

func (x *Index) addFile(ctx context.Context, w *tar.Writer, s artifact.Store, dir, p string) error {
	f, err := s.Open(ctx, p)
	if errs.Is(err, errs.NotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	x.Files++
	x.Bytes += f.Size()
	return errs.Wrap(x.add(w, dir+"/"+p, f.Size(), f), "copy %s", p)
}

func (x *Index) add(w *tar.Writer, name string, size int64, r io.Reader) error {
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: x.Made, Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), r)
	if err != nil || n != size {
		return errs.New(errs.Unavailable, "%s ended after %d of %d bytes (%w)", name, n, size, err)
	}
	x.Entries[name] = Entry{size, hex.EncodeToString(sum.Sum(nil))}
	return nil
}
