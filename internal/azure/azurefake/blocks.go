package azurefake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
)

// blockDir is where the blocks of a blob wait until a list joins them.
func (s *Server) blockDir(container, name string) string {
	return filepath.Join(s.o.Dir, "blocks", container, hashOf(name))
}

// hashOf is a name for the folder of a blob's blocks, whatever the blob is called.
func hashOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// putPart keeps a block of a blob, or joins those that a list names.
func (s *Server) putPart(w http.ResponseWriter, r *http.Request, container, name string) {
	dir := s.blockDir(container, name)
	if r.URL.Query().Get("comp") == "block" {
		id, err := base64.StdEncoding.DecodeString(r.URL.Query().Get("blockid"))
		if err != nil || len(id) == 0 || len(id) > 64 {
			blobError(w, http.StatusBadRequest, "InvalidQueryParameterValue")
			return
		}
		s.putBlob(w, r, filepath.Join(dir, hex.EncodeToString(id)))
		return
	}
	var list struct {
		Blocks []string `xml:",any"`
	}
	if err := xml.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&list); err != nil {
		blobError(w, http.StatusBadRequest, "InvalidXmlDocument")
		return
	}
	err := s.join(s.blobPath(container, name), dir, list.Blocks)
	switch {
	case errs.Is(err, errs.Invalid):
		blobError(w, http.StatusBadRequest, "InvalidBlockList")
	case err != nil:
		s.o.Log.Error("join a blob", "error", err)
		blobError(w, http.StatusInternalServerError, "InternalError")
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

// join makes a file of blocks, in their order.
func (s *Server) join(path, dir string, ids []string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return errs.Wrap(err, "make the folder of %s", path)
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return errs.Wrap(err, "make %s", path)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	for _, text := range ids {
		id, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(id) == 0 {
			return errs.New(errs.Invalid, "%q is no block", text)
		}
		in, err := os.Open(filepath.Join(dir, hex.EncodeToString(id)))
		if err != nil {
			return errs.New(errs.Invalid, "there is no block %q", text)
		}
		_, err = io.Copy(out, in)
		in.Close()
		if err != nil {
			return errs.Wrap(err, "write %s", path)
		}
	}
	if err := out.Close(); err != nil {
		return errs.Wrap(err, "write %s", path)
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return errs.Wrap(err, "keep %s", path)
	}
	return errs.Wrap(os.RemoveAll(dir), "remove the blocks of %s", path)
}
