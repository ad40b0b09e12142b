package pod

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

const (
	maxLinkDepth = 40        // folders below one another: a link that leads back ends here
	maxFiles     = 1 << 20   // files in a tree
	maxTree      = 512 << 20 // bytes of a tree's own description
)

// Tree is a folder, or one file, as it was: its files with their contents' hashes.
type Tree struct {
	Single bool   `json:"single,omitempty"` // one file that was named itself
	Files  []File `json:"files"`            // sorted by path
}

// File is one file of a tree.
type File struct {
	Path string `json:"path"` // slashes, relative
	Hash string `json:"sha256"`
	Size int64  `json:"size"` // bytes
	Exec bool   `json:"exec,omitempty"`
}

// ReadTree hashes the folder or file at path. Links are followed; what is neither
// file nor folder is left out, and so are empty folders.
func ReadTree(path string) (*Tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errs.Wrap(err, "find the files")
	}
	t := &Tree{Single: !info.IsDir()}
	if t.Single {
		err = t.add(path, filepath.Base(path), info)
	} else {
		err = t.folder(path, "", 0)
	}
	return t, errs.Wrap(err, "read %s", path)
}

func (t *Tree) folder(dir, rel string, depth int) error {
	if depth > maxLinkDepth {
		return errs.New(errs.Invalid, "folders %d deep; is there a link that leads back?", depth)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path, name := filepath.Join(dir, e.Name()), rel+e.Name()
		info, err := os.Stat(path)
		switch {
		case err != nil && e.Type()&fs.ModeSymlink != 0: // leads nowhere
			continue
		case err != nil:
		case info.IsDir():
			err = t.folder(path, name+"/", depth+1)
		case info.Mode().IsRegular():
			err = t.add(path, name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) add(path, name string, info fs.FileInfo) error {
	if len(t.Files) >= maxFiles {
		return errs.New(errs.TooLarge, "more than %d files; pack them", maxFiles)
	}
	sum, n, err := hashFile(path)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, File{Path: name, Hash: sum, Size: n, Exec: info.Mode()&0o111 != 0})
	return nil
}

func hashFile(path string) (sum string, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// Hash is the tree's name: that of its description.
func (t *Tree) Hash() (string, []byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", nil, errs.Wrap(err, "describe the files")
	}
	return HashBytes(b), b, nil
}

// HashBytes is the name of a text in the store: its SHA-256 in hexadecimal digits.
func HashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Local is the path of the tree once it is in dir: the folder, or its one file.
func (t *Tree) Local(dir string) string {
	if t.Single && len(t.Files) == 1 {
		return filepath.Join(dir, filepath.FromSlash(t.Files[0].Path))
	}
	return dir
}

// decodeTree reads a tree's description, which may come from anyone.
func decodeTree(b []byte) (*Tree, error) {
	var t Tree
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, errs.New(errs.Invalid, "description of files: %w", err)
	}
	for _, f := range t.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) || strings.Contains(f.Path, `\`) || !isHash(f.Hash) {
			return nil, errs.New(errs.Invalid, "description of files: %q is no safe path, or %q no hash", f.Path, f.Hash)
		}
	}
	return &t, nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}
