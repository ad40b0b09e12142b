package mlflow

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// proxy serves /api/2.0/mlflow-artifacts/…: the files themselves.
func (h *Handler) proxy(w http.ResponseWriter, r *http.Request, rest string) {
	if rest == "artifacts" && r.Method == http.MethodGet {
		h.proxyList(w, r)
		return
	}
	p, ok := strings.CutPrefix(rest, "artifacts/")
	if !ok && h.proxyParts(w, r, rest) {
		return
	}
	if !ok {
		notFound(w, r)
		return
	}
	p, err := artifact.Clean(p)
	if err == nil && p == "" {
		err = errs.New(errs.Invalid, "Invalid path")
	}
	if err == nil {
		err = h.requireFile(r.Context(), p, fileLevel(r.Method))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.send(w, r, h.cfg.Artifacts, p)
		return
	case http.MethodPut:
		body, calm := patiently(w, r.Body)
		err = h.cfg.Artifacts.Put(r.Context(), p, body, r.ContentLength)
		calm()
	case http.MethodDelete:
		err = h.cfg.Artifacts.Delete(r.Context(), p)
	default:
		writeError(w, http.StatusMethodNotAllowed, "BAD_REQUEST", "Method "+r.Method+" is not allowed here")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{}")
}

// fileLevel is what each method needs; it takes more to delete than to write.
func fileLevel(method string) auth.Level {
	switch method {
	case http.MethodGet, http.MethodHead:
		return auth.Read
	case http.MethodPut, http.MethodPost:
		return auth.Edit
	}
	return auth.Manage
}

func (h *Handler) proxyList(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, errs.New(errs.Invalid, "Invalid path"))
		return
	}
	p, err := artifact.Clean(q.Get("path"))
	if err == nil {
		err = h.requireFile(r.Context(), p, auth.Read)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	list, err := h.cfg.Artifacts.List(r.Context(), p)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	e := &encoder{}
	e.open('{')
	e.files(list, "")
	e.close('}')
	e.end()
	w.Header().Set("Content-Type", "application/json")
	w.Write(e.b)
}

func (e *encoder) files(list []artifact.Entry, below string) {
	if len(list) == 0 {
		return
	}
	e.key("files")
	e.open('[')
	for _, f := range list {
		e.open('{')
		e.text("path", path.Join(below, f.Name))
		e.key("is_dir")
		e.b = append(strconv.AppendBool(e.b, f.Dir), ',')
		if !f.Dir {
			e.int("file_size", f.Size)
		}
		e.close('}')
	}
	e.close(']')
}

// files answers with the list of a folder below an artifact URI.
func (c *call) files(uri, below string) error {
	store, at, err := c.h.place(uri, below)
	if err != nil {
		return err
	}
	list, err := store.List(c.r.Context(), at)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.text("root_uri", uri)
		e.files(list, strings.Trim(below, "/"))
		e.close('}')
		e.end()
	})
}

func listArtifacts(c *call) error {
	info, err := c.h.Runs.RunInfo(c.r.Context(), c.runID())
	if err != nil {
		return err
	}
	return c.files(info.ArtifactURI, c.str("path"))
}

// textTypes are the endings that are sent as plain text, so that a browser shows
// them and runs nothing.
var textTypes = strings.Fields("txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst MLmodel MLproject")

func contentType(name string) string {
	ending := strings.TrimPrefix(path.Ext(name), ".")
	if ending == "" {
		ending = name
	}
	if slices.Contains(textTypes, ending) {
		return "text/plain"
	}
	if t := mime.TypeByExtension("." + ending); t != "" {
		return t
	}
	return "application/octet-stream"
}

// send streams a file.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, store artifact.Store, p string) {
	f, err := store.Open(r.Context(), p)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer f.Close()
	name := path.Base(p)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	w.Header().Set("Content-Type", contentType(name))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox")
	http.ServeContent(w, r, "", time.Time{}, f)
}

func (h *Handler) sendBelow(w http.ResponseWriter, r *http.Request, uri, below string) {
	store, at, err := h.place(uri, below)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.send(w, r, store, at)
}

func queryValue(r *http.Request, names ...string) string {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return ""
	}
	for _, n := range names {
		if v := q.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// getArtifact serves /get-artifact?run_uuid=…&path=….
func (h *Handler) getArtifact(w http.ResponseWriter, r *http.Request) {
	id, p := queryValue(r, "run_id", "run_uuid"), queryValue(r, "path")
	if id == "" || p == "" {
		h.fail(w, r, missing("path"))
		return
	}
	info, err := h.Runs.RunInfo(r.Context(), id)
	if err == nil {
		err = h.requireRun(r.Context(), id, auth.Read)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sendBelow(w, r, info.ArtifactURI, p)
}

// getVersionArtifact serves /model-versions/get-artifact?name=…&version=…&path=….
func (h *Handler) getVersionArtifact(w http.ResponseWriter, r *http.Request) {
	if err := h.require(r.Context(), auth.Model, queryValue(r, "name"), auth.Read); err != nil {
		h.fail(w, r, err)
		return
	}
	v, err := h.Models.Version(r.Context(), queryValue(r, "name"), queryValue(r, "version"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sendBelow(w, r, v.Storage, queryValue(r, "path"))
}

// maxUpload is how many bytes the upload route of pages takes.
const maxUpload = 10 << 20

// serveFiles serves the routes below /ajax-api/2.0/mlflow/ that carry files, and
// reports whether path was one of them.
func (h *Handler) serveFiles(w http.ResponseWriter, r *http.Request, rest string) bool {
	switch {
	case rest == "get-artifact":
		h.getArtifact(w, r)
	case rest == "upload-artifact" && r.Method == http.MethodPost:
		defer hurry(w, bodyTime)()
		if err := h.upload(r); err != nil {
			h.fail(w, r, err)
		} else {
			io.WriteString(w, "{}")
		}
	case strings.HasPrefix(rest, "logged-models/") && strings.HasSuffix(rest, "/artifacts/files"):
		m, err := h.Runs.Model(r.Context(), strings.TrimSuffix(strings.TrimPrefix(rest, "logged-models/"), "/artifacts/files"))
		if err == nil {
			err = h.require(r.Context(), auth.Experiment, m.ExperimentID, auth.Read)
		}
		if err != nil {
			h.fail(w, r, err)
		} else {
			h.sendBelow(w, r, m.ArtifactURI, queryValue(r, "artifact_file_path"))
		}
	default:
		return false
	}
	return true
}

func (h *Handler) upload(r *http.Request) error {
	info, err := h.Runs.RunInfo(r.Context(), queryValue(r, "run_uuid", "run_id"))
	if err == nil {
		err = h.require(r.Context(), auth.Experiment, info.ExperimentID, auth.Edit)
	}
	if err != nil {
		return err
	}
	if r.ContentLength > maxUpload || r.ContentLength < 0 {
		return errs.New(errs.TooLarge, "Artifact size is too large. Max size is %d bytes.", maxUpload)
	}
	if info.Stage != tracking.Active {
		return tracking.RunNotActive(info.ID, info.Stage)
	}
	store, at, err := h.place(info.ArtifactURI, queryValue(r, "path"))
	if err != nil {
		return err
	}
	return store.Put(r.Context(), at, io.LimitReader(r.Body, maxUpload), r.ContentLength)
}

// noteRegistration writes on a logged model that a version was made from it.
func (h *Handler) noteRegistration(ctx context.Context, v *registry.Version) error {
	const tag = "mlflow.modelVersions"
	type entry struct {
		Name    string `json:"name"`
		Version int64  `json:"version"`
	}
	m, err := h.Runs.Model(ctx, v.ModelID)
	if err != nil {
		return nil // the source names a model that is not one of ours
	}
	var list []entry
	for _, t := range m.Tags {
		if t.Key == tag && json.Unmarshal([]byte(t.Value), &list) != nil {
			list = nil
		}
	}
	text, err := json.Marshal(append(list, entry{v.Name, v.Number}))
	if err != nil {
		return err
	}
	_, err = h.Runs.SetModelTags(ctx, v.ModelID, []tracking.Tag{{Key: tag, Value: string(text)}})
	return err
}
