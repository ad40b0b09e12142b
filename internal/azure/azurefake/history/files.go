package history

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is an artifact as clients see it.
type file struct {
	ID        string `json:"artifactId"`
	Origin    string `json:"origin"`
	Container string `json:"container"`
	Path      string `json:"path"`
}

func fileOf(run, name string) file {
	return file{ID: "ExperimentRun/dcid." + run + "/" + name, Origin: "ExperimentRun", Container: "dcid." + run, Path: name}
}

// content is a file and the address of what is in it.
type content struct {
	file
	Address string `json:"contentUri"`
}

func (s *Service) content(run, name string) content {
	return content{fileOf(run, name), s.o.Sign(artifacts(run) + "/" + name)}
}

// Runs answers the run history's part about one run: its details, its token and its
// files. Addresses name the experiment, by name or by id, or leave it out.
func (s *Service) Runs(w http.ResponseWriter, r *http.Request) {
	if !s.known(w, r) {
		return
	}
	_, rest, ok := cut(r.URL.Path)
	parts := strings.Split(rest, "/")
	if len(parts) > 2 && (parts[0] == "experiments" || parts[0] == "experimentids") {
		parts = parts[2:]
	}
	if !ok || len(parts) < 3 || parts[0] != "runs" || !filepath.IsLocal(parts[1]) {
		refuse(w, http.StatusNotFound, "UserError", "no such run")
		return
	}
	run, name := parts[1], r.URL.Query().Get("path")
	switch r.Method + " " + strings.Join(parts[2:], "/") {
	case "GET details":
		s.details(w, run)
	case "GET token":
		token, ends := s.token(run)
		answer(w, http.StatusOK, map[string]any{"token": token, "expiryTimeUtc": ends.Format(time.RFC3339)})
	case "GET artifacts":
		s.list(w, run, "", false)
	case "GET artifacts/path":
		s.list(w, run, name, false)
	case "GET artifacts/prefix/contentinfo":
		s.list(w, run, name, true)
	case "GET artifacts/contentinfo", "GET artifacts/artifacturi":
		s.one(w, run, name)
	case "POST artifacts/batch/metadata":
		s.make(w, r, run)
	default:
		refuse(w, http.StatusNotFound, "UserError", r.Method+" "+rest+" is not served here")
	}
}

// Artifacts answers the artifact service, of which only the files of runs are here.
func (s *Service) Artifacts(w http.ResponseWriter, r *http.Request) {
	if !s.known(w, r) {
		return
	}
	_, rest, ok := cut(r.URL.Path)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) < 3 || parts[0] != "artifacts" || parts[1] != "ExperimentRun" || !strings.HasPrefix(parts[2], "dcid.") || !filepath.IsLocal(parts[2]) {
		refuse(w, http.StatusNotFound, "UserError", "no such container")
		return
	}
	run, name := strings.TrimPrefix(parts[2], "dcid."), r.URL.Query().Get("path")
	switch r.Method + " " + strings.Join(parts[3:], "/") {
	case "GET ":
		s.list(w, run, "", false)
	case "GET contentinfo":
		s.one(w, run, name)
	case "GET prefix/contentinfo":
		s.list(w, run, name, true)
	case "GET write":
		if !proper(name) {
			refuse(w, http.StatusBadRequest, "UserError", "no path of a file: "+name)
			return
		}
		answer(w, http.StatusOK, s.content(run, name))
	case "POST batch/metadata":
		s.make(w, r, run)
	default:
		refuse(w, http.StatusNotFound, "UserError", r.Method+" "+rest+" is not served here")
	}
}

// proper reports whether a file may be called that.
func proper(name string) bool {
	return name != "" && !strings.HasSuffix(name, "/") && !strings.Contains(name, "\\") && filepath.IsLocal(filepath.FromSlash(name)) &&
		!strings.Contains("/"+name, "/"+unfinished)
}

// details names the logs of a run.
func (s *Service) details(w http.ResponseWriter, run string) {
	logs := map[string]string{}
	const log = "user_logs/std_log.txt"
	if _, err := os.Stat(s.o.File(artifacts(run) + "/" + log)); err == nil {
		logs[log] = s.content(run, log).Address
	}
	answer(w, http.StatusOK, map[string]any{"runId": run, "logFiles": logs})
}

// list answers with the files of a run that are in a folder, or that are it.
func (s *Service) list(w http.ResponseWriter, run, folder string, signed bool) {
	names, err := s.names(run)
	if err != nil {
		s.fail(w, err)
		return
	}
	out := []any{}
	for _, name := range names {
		if folder = strings.TrimSuffix(folder, "/"); folder != "" && name != folder && !strings.HasPrefix(name, folder+"/") {
			continue
		}
		if signed {
			out = append(out, s.content(run, name))
		} else {
			out = append(out, fileOf(run, name))
		}
	}
	answer(w, http.StatusOK, map[string]any{"value": out})
}

// one answers with the address of a file.
func (s *Service) one(w http.ResponseWriter, run, name string) {
	info, err := os.Stat(s.o.File(artifacts(run) + "/" + name))
	if !proper(name) || err != nil || info.IsDir() {
		refuse(w, http.StatusNotFound, "UserError", "the run has no file "+name)
		return
	}
	answer(w, http.StatusOK, s.content(run, name))
}

// make signs addresses for new files of a run. What a run has is not made again.
func (s *Service) make(w http.ResponseWriter, r *http.Request, run string) {
	var in struct {
		Paths []struct {
			Path string `json:"path"`
		} `json:"paths"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "UserError", "the request is no list of paths: "+err.Error())
		return
	}
	made, signed, bad := map[string]file{}, map[string]content{}, map[string]any{}
	for _, p := range in.Paths {
		wrong := ""
		if !proper(p.Path) {
			wrong = "no path of a file"
		} else if _, err := os.Stat(s.o.File(artifacts(run) + "/" + p.Path)); err == nil {
			wrong = "Resource Conflict: ArtifactId ExperimentRun/dcid." + run + "/" + p.Path + " already exists."
		}
		if wrong != "" {
			bad[p.Path] = map[string]any{"error": map[string]string{"code": "UserError", "message": wrong}}
			continue
		}
		made[p.Path], signed[p.Path] = fileOf(run, p.Path), s.content(run, p.Path)
	}
	answer(w, http.StatusOK, map[string]any{"artifacts": made, "artifactContentInformation": signed, "errors": bad})
}
