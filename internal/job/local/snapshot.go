package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

const (
	snapshotScheme = "snapshot:"
	maxLinkDepth   = 40
)

// Snapshot keeps a folder (or one file) of code as it is now under the work
// folder and returns its name, snapshot:HASH. Files that .amlignore (or else
// .gitignore) leaves out, .git, the work folder itself, and what is neither file
// nor folder are not in it. The same content has the same hash.
func Snapshot(workDir, code string) (string, error) {
	if _, err := os.Stat(code); err != nil {
		return "", errs.Wrap(err, "find the code")
	}
	root := filepath.Join(workDir, "snapshots")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", errs.Wrap(err, "make %s", root)
	}
	tmp, err := os.MkdirTemp(root, ".new-")
	if err != nil {
		return "", errs.Wrap(err, "make a snapshot of %s", code)
	}
	defer os.RemoveAll(tmp)
	h := sha256.New()
	if err := copyCode(tmp, code, workDir, h); err != nil {
		return "", errs.Wrap(err, "make a snapshot of %s", code)
	}
	name := hex.EncodeToString(h.Sum(nil))
	target := filepath.Join(root, name)
	if err := os.Rename(tmp, target); err != nil {
		if info, statErr := os.Stat(target); statErr != nil || !info.IsDir() {
			return "", errs.Wrap(err, "keep the snapshot of %s", code)
		}
	}
	return snapshotScheme + name, nil
}

// SnapshotDir is where a snapshot's files are.
func SnapshotDir(workDir, name string) string {
	return filepath.Join(workDir, "snapshots", strings.TrimPrefix(name, snapshotScheme))
}

// copyCode copies a code folder or file into dst. Paths, the executable bit and
// contents go into h.
func copyCode(dst, code, workDir string, h hash.Hash) error {
	info, err := os.Stat(code)
	if err != nil {
		return err
	}
	c := &copier{h: h, ig: &ignore{}}
	if !info.IsDir() {
		return c.file(filepath.Join(dst, filepath.Base(code)), code, filepath.Base(code), info)
	}
	if c.ig, err = readIgnore(code); err != nil {
		return err
	}
	c.own, _ = os.Stat(workDir)
	c.data, _ = os.Stat(filepath.Dir(workDir))
	if c.data != nil && !looksLikeData(filepath.Dir(workDir)) {
		c.data = nil
	}
	return c.folder(dst, code, "", 0)
}

// looksLikeData tells drivecast's own data folder, which holds a store, from a
// folder of the user's that happens to hold the work folder.
func looksLikeData(dir string) bool {
	found, err := filepath.Glob(filepath.Join(dir, "*.db"))
	return err == nil && len(found) > 0
}

// copier copies a tree of code.
type copier struct {
	h         hash.Hash
	ig        *ignore
	own, data fs.FileInfo // folders of ours, never copied
}

func (c *copier) folder(dst, src, rel string, depth int) error {
	if depth > maxLinkDepth {
		return errs.New(errs.Invalid, "%s: folders %d deep; is there a link that leads back?", src, depth)
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(src) // sorted by name
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to, name := filepath.Join(src, e.Name()), filepath.Join(dst, e.Name()), e.Name()
		if rel != "" {
			name = rel + "/" + e.Name()
		}
		info, err := os.Stat(from)
		if err != nil {
			continue // a dangling link, or gone in the meantime
		}
		switch {
		case e.Name() == ".git" || c.ig.skips(name, info.IsDir()):
		case info.IsDir() && (c.own != nil && os.SameFile(info, c.own) || c.data != nil && os.SameFile(info, c.data)):
		case info.IsDir():
			err = c.folder(to, from, name, depth+1)
		case info.Mode().IsRegular():
			err = c.file(to, from, name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) file(dst, src, rel string, info fs.FileInfo) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	w := io.Writer(out)
	if c.h != nil {
		inner := sha256.New()
		w = io.MultiWriter(out, inner)
		defer func() { fmt.Fprintf(c.h, "%q %o %x\n", rel, mode, inner.Sum(nil)) }()
	}
	if _, err := io.Copy(w, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
