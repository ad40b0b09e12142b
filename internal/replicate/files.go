package replicate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// file is one file of a version.
type file struct {
	path string // with slashes
	size int64
	sum  string // SHA-256, in hexadecimal
}

// fetched are the files of a version in a folder of ours.
type fetched struct {
	dir   string
	files []file
	hash  string // see treeHash
}

func (f *fetched) remove() { os.RemoveAll(f.dir) }

// treeHash is the SHA-256 of the files of a version: of a line for each, sorted by path,
// with its SHA-256, its size and its path.
func treeHash(files []file) string {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %d %q\n", f.sum, f.size, f.path)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// each reads the files of a version; see gets a file and its content.
func (r *Replicator) each(ctx context.Context, c *client.Client, name, version string, see func(path string) (io.WriteCloser, error)) ([]file, error) {
	uri, err := c.DownloadURI(ctx, name, version)
	if err != nil {
		return nil, err
	}
	list, err := c.Files(ctx, uri)
	if err == nil && len(list) == 0 {
		err = errs.New(errs.NotFound, "%s has no files at %s", c.URI(), uri)
	}
	if err != nil {
		return nil, err
	}
	out := make([]file, 0, len(list))
	for _, f := range list {
		to, err := see(f.Path)
		if err != nil {
			return nil, err
		}
		sum, size, err := sum(ctx, c, uri, f.Path, to)
		if err2 := to.Close(); err == nil {
			err = err2
		}
		if err != nil {
			return nil, errs.Wrap(err, "read %s", f.Path)
		}
		out = append(out, file{f.Path, size, sum})
	}
	return out, nil
}

// sum reads a file to its end, hands its content to w, and returns its SHA-256.
func sum(ctx context.Context, c *client.Client, uri, path string, w io.Writer) (string, int64, error) {
	body, err := c.Open(ctx, uri, path)
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, w), body)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// hash returns the hash of a version's files at a server.
func (r *Replicator) hash(ctx context.Context, c *client.Client, name, version string) (string, error) {
	files, err := r.each(ctx, c, name, version, func(string) (io.WriteCloser, error) { return nowhere{io.Discard}, nil })
	return treeHash(files), err
}

// fetch copies the files of a version of the source to a new folder.
func (r *Replicator) fetch(ctx context.Context, name string, v *client.Version) (*fetched, error) {
	dir, err := os.MkdirTemp(r.o.TempDir, "drivecast-replicate-")
	if err != nil {
		return nil, err
	}
	out := &fetched{dir: dir}
	out.files, err = r.each(ctx, r.from, name, v.Version, func(path string) (io.WriteCloser, error) {
		at := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return nil, err
		}
		return os.Create(at)
	})
	if err != nil {
		out.remove()
		return nil, err
	}
	out.hash = treeHash(out.files)
	return out, nil
}

// send brings files to an artifact URI of the target: those that are not there already,
// each of which is read back.
func (r *Replicator) send(ctx context.Context, f *fetched, uri string) error {
	list, err := r.to.Files(ctx, uri)
	if err != nil {
		return err
	}
	for _, x := range list {
		if !slices.ContainsFunc(f.files, func(y file) bool { return y.path == x.Path }) {
			return errs.New(errs.State, "the target has a file %s at %s that is not the version's", x.Path, uri)
		}
	}
	for _, x := range f.files {
		there := slices.Contains(list, client.File{Path: x.path, Size: x.size})
		if there {
			got, _, err := sum(ctx, r.to, uri, x.path, io.Discard)
			if err != nil {
				return errs.Wrap(err, "read %s back", x.path)
			}
			if there = got == x.sum; there {
				r.report.FilesHere++
				continue
			}
		}
		if err := r.to.UploadFile(ctx, uri, x.path, filepath.Join(f.dir, filepath.FromSlash(x.path))); err != nil {
			return err
		}
		got, _, err := sum(ctx, r.to, uri, x.path, io.Discard)
		if err != nil {
			return errs.Wrap(err, "read %s back", x.path)
		}
		if got != x.sum {
			return errs.New(errs.Internal, "%s was sent with SHA-256 %s and read back with %s", x.path, x.sum, got)
		}
		r.report.Files++
		r.report.Bytes += x.size
	}
	return nil
}
