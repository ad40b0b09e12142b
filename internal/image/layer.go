package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/drivecast/drivecast/errs"
)

// entry is a file or folder of a layer.
type entry struct {
	name string // from the root, without a slash at its front; folders end in one
	mode int64
	body []byte
	file string // where the body is, when it is not in memory
	size int64
}

// layer is a compressed layer in memory.
type layer struct {
	packed       []byte
	digest, diff v1.Hash
}

var _ v1.Layer = (*layer)(nil)

// Digest returns the hash of the compressed bytes.
func (l *layer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID returns the hash of the bytes before compression.
func (l *layer) DiffID() (v1.Hash, error) { return l.diff, nil }

// Compressed returns the bytes that registries keep.
func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.packed)), nil
}

// Uncompressed returns the archive.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.packed))
}

// Size returns the number of compressed bytes.
func (l *layer) Size() (int64, error) { return int64(len(l.packed)), nil }

// MediaType says how the layer is packed.
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

func hashOf(sum []byte) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum)} }

// newLayer packs entries, with the folders that they are in, all of one time and
// owned by root.
func newLayer(entries []entry, at time.Time) (*layer, error) {
	var packed bytes.Buffer
	diff := sha256.New()
	zip, err := gzip.NewWriterLevel(&packed, gzip.DefaultCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(io.MultiWriter(zip, diff))
	for _, e := range withFolders(entries) {
		if err := appendEntry(w, e, at); err != nil {
			return nil, errs.Wrap(err, "pack %s", e.name)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(packed.Bytes())
	return &layer{packed.Bytes(), hashOf(digest[:]), hashOf(diff.Sum(nil))}, nil
}

func withFolders(entries []entry) []entry {
	have := map[string]bool{}
	for _, e := range entries {
		have[e.name] = true
	}
	all := slices.Clone(entries)
	for _, e := range entries {
		for dir := path.Dir(path.Clean(e.name)); dir != "."; dir = path.Dir(dir) {
			if !have[dir+"/"] {
				have[dir+"/"] = true
				all = append(all, entry{name: dir + "/", mode: 0o755})
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		switch {
		case a.name < b.name:
			return -1
		case a.name > b.name:
			return 1
		}
		return 0
	})
	return all
}

func appendEntry(w *tar.Writer, e entry, at time.Time) error {
	h := &tar.Header{Name: e.name, Mode: e.mode, ModTime: at, Typeflag: tar.TypeReg, Size: int64(len(e.body)), Format: tar.FormatPAX}
	if e.name[len(e.name)-1] == '/' {
		h.Typeflag = tar.TypeDir
	}
	var from io.Reader = bytes.NewReader(e.body)
	if e.file != "" {
		f, err := os.Open(e.file)
		if err != nil {
			return err
		}
		defer f.Close()
		from, h.Size = f, e.size
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(w, from)
	return err
}

// folderEntries lists the files of a folder as entries below a name. Links and
// other things that are no files are refused: a model has none.
func folderEntries(dir, below string) ([]entry, error) {
	var out []entry
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return errs.New(errs.Invalid, "%s is no plain file; an image takes only such", at)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		if rel == "." {
			rel = filepath.Base(dir)
		}
		out = append(out, entry{name: below + "/" + filepath.ToSlash(rel), mode: 0o644, file: at, size: info.Size()})
		return nil
	})
	return out, errs.Wrap(err, "read the model")
}
