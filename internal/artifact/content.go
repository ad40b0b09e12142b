package artifact

import (
	"errors"
	"io/fs"
	"path"
	"syscall"

	"github.com/drivecast/drivecast/errs"
)

// share makes temp a link to the content of that hash, or the content a link to
// temp when nobody had it yet. Every step leaves whole files: a process that is
// killed between them leaves at most a content without a file, for Sweep.
func (f *Folder) share(temp, hash string) error {
	if err := f.root.Chmod(temp, 0o444); err != nil {
		return err
	}
	dir := content + "/" + hash[:2]
	kept := dir + "/" + hash[2:]
	if err := f.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for range 2 {
		spare := pending + "/" + tempName()
		err := f.root.Link(kept, spare)
		if err == nil { // this content is here already
			return f.root.Rename(spare, temp)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return unshared(err)
		}
		if err = f.root.Link(temp, kept); err == nil {
			return f.syncDir(dir)
		}
		if !errors.Is(err, fs.ErrExist) { // another upload was quicker: once more
			return unshared(err)
		}
	}
	return nil
}

// unshared forgives what only keeps contents from being shared: a file system
// without hard links, or a content with as many as it can have.
func unshared(err error) error {
	for _, e := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS, syscall.EMLINK, syscall.EXDEV} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// Swept is what Sweep found.
type Swept struct {
	Files int   // contents removed
	Bytes int64 // of them
}

// Sweep removes the contents that no file has any more, or only counts them when
// dry. Uploads may go on meanwhile.
func (f *Folder) Sweep(dry bool) (Swept, error) {
	var out Swept
	dirs, err := f.list(content)
	if err != nil {
		return out, err
	}
	for _, d := range dirs {
		at := path.Join(content, d.Name)
		list, err := f.list(at)
		if err != nil {
			return out, err
		}
		for _, e := range list {
			name := path.Join(at, e.Name)
			info, err := f.root.Stat(name)
			if err != nil || links(info) != 1 {
				continue
			}
			if !dry {
				if err := f.root.Remove(name); err != nil {
					return out, errs.Wrap(fault(err), "remove an unused content")
				}
			}
			out.Files++
			out.Bytes += info.Size()
		}
	}
	return out, nil
}
