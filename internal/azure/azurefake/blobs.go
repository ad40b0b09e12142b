package azurefake

import (
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// blobs is the storage: block blobs in one request each, ranges, and lists. Its
// addresses carry a signature, as Azure's do, or the request a login.
func (s *Server) blobs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-version", "2021-12-02")
	container, name := r.PathValue("container"), r.PathValue("name")
	if !same(r.URL.Query().Get("sig"), s.state.Sig) && !same(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), s.state.Token) {
		blobError(w, http.StatusForbidden, "AuthenticationFailed")
		return
	}
	if !filepath.IsLocal(container) || strings.Contains(container, "/") || name != "" && !filepath.IsLocal(filepath.FromSlash(name)) {
		blobError(w, http.StatusBadRequest, "InvalidResourceName")
		return
	}
	switch {
	case name == "" && r.Method == http.MethodGet && r.URL.Query().Get("comp") == "list":
		s.listBlobs(w, container, r.URL.Query().Get("prefix"))
	case name != "" && r.Method == http.MethodPut && r.URL.Query().Get("comp") == "":
		s.putBlob(w, r, s.blobPath(container, name))
	case name != "" && r.Method == http.MethodPut && (r.URL.Query().Get("comp") == "block" || r.URL.Query().Get("comp") == "blocklist"):
		s.putPart(w, r, container, name)
	case name != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.getBlob(w, r, s.blobPath(container, name))
	default:
		blobError(w, http.StatusBadRequest, "UnsupportedHttpVerb")
	}
}

// blobPath is the file of a blob.
func (s *Server) blobPath(container, name string) string {
	return filepath.Join(s.o.Dir, "blobs", container, filepath.FromSlash(name))
}

// blobURL is the address of a container or blob, with the signature.
func (s *Server) blobURL(path string) string {
	return s.o.URL + "/blob/" + path + "?sig=" + s.state.Sig
}

func blobError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func (s *Server) putBlob(w http.ResponseWriter, r *http.Request, path string) {
	if _, err := os.Stat(path); err == nil && r.Header.Get("If-None-Match") == "*" {
		blobError(w, http.StatusConflict, "BlobAlreadyExists")
		return
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(filepath.Dir(path), ".part-*")
	}
	if err == nil {
		defer os.Remove(f.Name())
		_, err = io.Copy(f, r.Body)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		s.o.Log.Error("keep a blob", "error", err)
		blobError(w, http.StatusInternalServerError, "InternalError")
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) getBlob(w http.ResponseWriter, r *http.Request, path string) {
	f, err := os.Open(path)
	if err != nil {
		blobError(w, http.StatusNotFound, "BlobNotFound")
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		blobError(w, http.StatusNotFound, "BlobNotFound")
		return
	}
	if v := r.Header.Get("x-ms-range"); v != "" {
		r.Header.Set("Range", v)
	}
	w.Header().Set("x-ms-blob-type", "BlockBlob")
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

type blobItem struct {
	Name       string
	Properties struct {
		Length   int64  `xml:"Content-Length"`
		BlobType string `xml:"BlobType"`
	}
}

func (s *Server) listBlobs(w http.ResponseWriter, container, prefix string) {
	out := struct {
		XMLName xml.Name   `xml:"EnumerationResults"`
		Blobs   []blobItem `xml:"Blobs>Blob"`
		Next    string     `xml:"NextMarker"`
	}{}
	root := filepath.Join(s.o.Dir, "blobs", container)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if name := filepath.ToSlash(rel); strings.HasPrefix(name, prefix) && !strings.HasPrefix(e.Name(), ".part-") {
			item := blobItem{Name: name}
			item.Properties.Length, item.Properties.BlobType = info.Size(), "BlockBlob"
			out.Blobs = append(out.Blobs, item)
		}
		return nil
	})
	if err != nil {
		s.o.Log.Error("list blobs", "error", err)
		blobError(w, http.StatusInternalServerError, "InternalError")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, xml.Header)
	xml.NewEncoder(w).Encode(out)
}

// store is the container of the runs' artifacts.
const store = "azureml"

// artifacts is the folder of a run's artifacts in it.
func artifacts(run string) string { return "ExperimentRun/dcid." + run }
