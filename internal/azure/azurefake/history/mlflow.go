package history

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// served are the routes of MLflow's REST API that a workspace has. Logged models,
// inputs and outputs, traces, webhooks and the artifact proxy are not among them.
func served(route string) bool {
	group, verb, _ := strings.Cut(route, "/")
	switch group {
	case "registered-models", "model-versions":
		return true
	case "experiments":
		return verb != "search-datasets"
	case "metrics":
		return verb == "get-history"
	case "artifacts":
		return verb == "list"
	case "runs":
		switch verb {
		case "create", "get", "update", "delete", "restore", "search", "log-batch", "log-metric", "log-parameter", "set-tag", "delete-tag", "log-model":
			return true
		}
	}
	return false
}

// maxBody is how large a request may be.
const maxBody = 32 << 20

// MLflow answers MLflow's REST API below the address of a workspace.
func (s *Service) MLflow(w http.ResponseWriter, r *http.Request) {
	if !s.known(w, r) {
		return
	}
	scope, rest, ok := cut(r.URL.Path)
	route, below := strings.CutPrefix(rest, "api/2.0/mlflow/")
	if !ok || !below || !served(route) {
		answer(w, http.StatusNotFound, map[string]string{"error_code": "ENDPOINT_NOT_FOUND", "message": "a workspace has no " + r.Method + " " + rest})
		return
	}
	b, err := s.book(r.Context(), scope)
	if err != nil {
		s.fail(w, err)
		return
	}
	if route == "artifacts/list" {
		s.listed(w, r, b)
		return
	}
	in := r.Clone(r.Context())
	in.URL.Path, in.URL.RawPath = "/api/2.0/mlflow/"+route, ""
	if route == "experiments/create" && r.Method == http.MethodPost {
		if in.Body, err = s.placed(w, r, b); err != nil {
			s.fail(w, err)
			return
		}
		in.ContentLength = -1
	}
	b.api.ServeHTTP(w, in)
}

// placed is the body of a request for an experiment, with the place of its files.
func (s *Service) placed(w http.ResponseWriter, r *http.Request, b *book) (io.ReadCloser, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, errs.New(errs.Invalid, "read the request: %w", err)
	}
	var body map[string]any
	if json.Unmarshal(text, &body) == nil {
		if name, ok := body["name"].(string); ok && body["artifact_location"] == nil {
			body["artifact_location"] = s.location(b.scope, name)
			if text, err = json.Marshal(body); err != nil {
				return nil, err
			}
		}
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}

// listed answers artifacts/list: what is directly in a folder of a run.
func (s *Service) listed(w http.ResponseWriter, r *http.Request, b *book) {
	id, below := r.URL.Query().Get("run_id"), r.URL.Query().Get("path")
	if id == "" {
		id = r.URL.Query().Get("run_uuid")
	}
	info, err := b.api.Runs.RunInfo(r.Context(), id)
	if err == nil && below != "" && !filepath.IsLocal(filepath.FromSlash(below)) {
		err = errs.New(errs.Invalid, "Invalid path: %q", below)
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	type file struct {
		Path string `json:"path"`
		Dir  bool   `json:"is_dir"`
		Size *int64 `json:"file_size,omitempty"`
	}
	files := []file{}
	entries, err := os.ReadDir(filepath.Join(s.o.File(artifacts(id)), filepath.FromSlash(below)))
	if err != nil && !os.IsNotExist(err) {
		s.fail(w, errs.Wrap(err, "list the files of run %s", id))
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			continue
		}
		f := file{Path: path.Join(below, e.Name()), Dir: e.IsDir()}
		if about, err := e.Info(); err == nil && !f.Dir {
			n := about.Size()
			f.Size = &n
		}
		files = append(files, f)
	}
	answer(w, http.StatusOK, map[string]any{"root_uri": info.ArtifactURI, "files": files})
}

// unfinished begins the names of files that are being written.
const unfinished = ".part-"

// artifacts is the folder of a run's files in the store.
func artifacts(run string) string { return "ExperimentRun/dcid." + run }

// names lists the files of a run, sorted.
func (s *Service) names(run string) ([]string, error) {
	root, out := s.o.File(artifacts(run)), []string{}
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), unfinished) {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(root, file)
		out = append(out, filepath.ToSlash(rel))
		return err
	})
	return out, errs.Wrap(err, "list the files of run %s", run)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// fail answers with an error in the words of MLflow's and of Azure's clients.
func (s *Service) fail(w http.ResponseWriter, err error) {
	status, code := http.StatusInternalServerError, "INTERNAL_ERROR"
	switch {
	case errs.Is(err, errs.NotFound):
		status, code = http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST"
	case errs.Is(err, errs.Invalid):
		status, code = http.StatusBadRequest, "INVALID_PARAMETER_VALUE"
	default:
		s.o.Log.Error("run history", "error", err)
	}
	answer(w, status, map[string]any{"error_code": code, "message": err.Error(), "error": map[string]string{"code": code, "message": err.Error()}})
}
