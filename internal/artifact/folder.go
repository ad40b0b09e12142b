package artifact

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/drivecast/drivecast/errs"
)

// Folder is a Store in a folder of the local file system. Nothing outside the
// folder can be reached through it, not by symbolic links either. Files appear
// whole: they are written beside the others under a temporary name, synced and
// renamed.
type Folder struct {
	root *os.Root
	once bool // equal contents are kept once
}

var _ Store = (*Folder)(nil)

const (
	pending = ".drivecast-pending" // holds files while they are written
	content = ".drivecast-content" // holds each content by its hash
)

// OpenFolder opens the store in dir, which is made when it does not exist. What
// a process that was killed left half-written is removed.
func OpenFolder(dir string) (*Folder, error) { return openFolder(dir, false) }

// OpenContent opens the store in dir as OpenFolder does, and keeps equal contents
// once: files are hard links to a content that is named by its SHA-256, and are
// not writable. Where the file system knows no hard links, files are kept as they
// come. Sweep removes contents that no file has any more.
func OpenContent(dir string) (*Folder, error) { return openFolder(dir, true) }

func openFolder(dir string, once bool) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{root, once}
	if list, err := f.list(pending); err == nil {
		for _, e := range list {
			root.Remove(pending + "/" + e.Name)
		}
	}
	return f, nil
}

// Close releases the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put stores a file.
func (f *Folder) Put(ctx context.Context, p string, r io.Reader, size int64) (err error) {
	if p == "" || reserved(p) {
		return errInvalid()
	}
	if err := f.root.MkdirAll(pending, 0o755); err != nil {
		return fault(err)
	}
	temp := pending + "/" + tempName()
	out, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fault(err)
	}
	defer func() {
		if err != nil {
			f.root.Remove(temp)
		}
	}()
	n, sum, err := copyTo(out, contextReader{ctx, r}, size, f.once)
	if err == nil && size >= 0 && n != size {
		err = errs.New(errs.Invalid, "the upload of %s ended after %d of %d bytes", p, n, size)
	}
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fault(err)
	}
	if err = f.root.MkdirAll(filepath.FromSlash(path.Dir(p)), 0o755); err != nil {
		return fault(err)
	}
	if f.once && n > 0 {
		if err = f.share(temp, sum); err != nil {
			return fault(err)
		}
	}
	if err = fault(f.root.Rename(temp, filepath.FromSlash(p))); err != nil {
		return err
	}
	if f.once { // renaming one link to the place of another of the same file does nothing
		f.root.Remove(temp)
	}
	return f.syncDir(path.Dir(p))
}

// syncDir makes a new name last.
func (f *Folder) syncDir(dir string) error {
	d, err := f.root.Open(filepath.FromSlash(dir))
	if err != nil {
		return fault(err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && runtime.GOOS != "windows" && !errors.Is(err, syscall.EINVAL) {
		return fault(err)
	}
	return nil
}

func tempName() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func reserved(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return first == pending || first == content
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads until the context ends.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// fault gives failures of the file system their kinds.
func fault(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	inner := err
	if errors.As(err, &pe) {
		inner = pe.Err
	} else if errors.As(err, &le) {
		inner = le.Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errs.New(errs.NotFound, "there is no such artifact")
	case errors.Is(err, syscall.ENOSPC):
		return errs.New(errs.Full, "the disk of the artifacts is full")
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.ENAMETOOLONG):
		return errs.New(errs.Invalid, "Invalid path: a file is in the way of a folder, or a folder in the way of a file (%w)", inner)
	case strings.Contains(err.Error(), "path escapes"):
		return errInvalid()
	}
	return err
}

type folderFile struct {
	*os.File
	size int64
}

// Size returns the length of the file.
func (f folderFile) Size() int64 { return f.size }

// Open opens a file for reading.
func (f *Folder) Open(_ context.Context, p string) (File, error) {
	if p == "" || reserved(p) {
		return nil, errInvalid()
	}
	file, err := f.root.Open(filepath.FromSlash(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "No such artifact: '%s'", p)
	}
	if err != nil {
		return nil, fault(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errs.New(errs.NotFound, "there is no such artifact: %s is not a file", p)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return folderFile{file, info.Size()}, nil
}

// List returns the entries of a folder.
func (f *Folder) List(_ context.Context, p string) ([]Entry, error) {
	if reserved(p) {
		return nil, nil
	}
	return f.list(p)
}

func (f *Folder) list(p string) ([]Entry, error) {
	name := filepath.FromSlash(p)
	if p == "" {
		name = "."
	}
	dir, err := f.root.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, nil
		}
		return nil, fault(err)
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil || !info.IsDir() {
		return nil, err
	}
	list, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, d := range list {
		if p == "" && reserved(d.Name()) {
			continue
		}
		info, err := f.root.Stat(filepath.Join(name, d.Name()))
		if err != nil || !(info.IsDir() || info.Mode().IsRegular()) {
			continue // gone, a link that leads out, or no file
		}
		e := Entry{Name: d.Name(), Dir: info.IsDir()}
		if !e.Dir {
			e.Size = info.Size()
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Delete removes a file or a folder.
func (f *Folder) Delete(_ context.Context, p string) error {
	if p == "" || reserved(p) {
		return errInvalid()
	}
	return fault(f.root.RemoveAll(filepath.FromSlash(p)))
}
