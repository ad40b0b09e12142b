package dataver

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
)

// linkType is how a file of the workspace comes from its object.
type linkType string

const (
	linkReflink  linkType = "reflink"  // a copy that shares blocks until it is written to
	linkHardlink linkType = "hardlink" // the object itself, which is not writable
	linkSymlink  linkType = "symlink"  // a pointer to the object
	linkCopy     linkType = "copy"
)

func parseLinks(names []string) ([]linkType, error) {
	var out []linkType
	for _, n := range names {
		switch t := linkType(n); t {
		case linkReflink, linkHardlink, linkSymlink, linkCopy:
			out = append(out, t)
		default:
			return nil, errs.New(errs.Invalid, "cache.type %q is none of reflink, hardlink, symlink, copy", n)
		}
	}
	if len(out) == 0 {
		out = []linkType{linkReflink, linkCopy} // DVC's default
	}
	return out, nil
}

// shared reports whether files of the workspace are the objects themselves.
func (c *cache) shared() bool { return c.links[0] == linkHardlink || c.links[0] == linkSymlink }

const tempPrefix = ".drivecast-"

// randomName makes a name nobody has.
func randomName() string { return tempPrefix + rand.Text() }

// checkout puts an object at a path, replacing what is there at once. The first
// kind of link that the file systems offer is taken; the last resort is a copy.
func (c *cache) checkout(o OID, to string, exec bool) error {
	temp := filepath.Join(filepath.Dir(to), randomName())
	err := errors.New("no kind of link is allowed")
	for _, t := range append(c.links[:len(c.links):len(c.links)], linkCopy) {
		if t == linkReflink && c.plain.Load() {
			continue
		}
		if err = place(t, c.path(o), temp, exec); err == nil {
			break
		}
		os.Remove(temp)
		if t == linkReflink {
			c.plain.Store(true)
		}
	}
	if err == nil {
		err = os.Rename(temp, to)
		os.Remove(temp) // of two names of one file, renaming leaves both
	}
	return errs.Wrap(err, "write %s", to)
}

func place(t linkType, from, temp string, exec bool) error {
	switch t {
	case linkHardlink:
		return os.Link(from, temp)
	case linkSymlink:
		return os.Symlink(from, temp)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	mode := os.FileMode(0o666)
	if exec {
		mode = 0o777
	}
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if t == linkReflink {
		err = reflink(out, in)
	} else {
		_, err = io.Copy(out, in)
	}
	return errors.Join(err, out.Close())
}
