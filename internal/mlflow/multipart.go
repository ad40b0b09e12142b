package mlflow

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

// errNoParts is the answer on which clients send a file in one piece. They know
// it by its words.
func errNoParts() error {
	return errs.New(errs.Unsupported, "Multipart upload is not supported for the current artifact repository")
}

// signedFor is how long the URLs of files can be used unless a client asks for
// another time.
const (
	signedFor    = 15 * time.Minute
	signedAtMost = 7 * 24 * time.Hour
)

var partRoutes = map[string]at{
	"create":   {"POST", "", nil, "path!:string num_parts:int", beginParts},
	"complete": {"POST", "", nil, "path!:string upload_id:string parts!:array", finishParts},
	"abort":    {"POST", "", nil, "path!:string upload_id:string", abortParts},
}

// proxyParts serves mlflow-artifacts/mpu/…, uploads in parts that go straight to
// the store, and mlflow-artifacts/presigned/…. It reports whether rest was one of
// them.
func (h *Handler) proxyParts(w http.ResponseWriter, r *http.Request, rest string) bool {
	if p, ok := strings.CutPrefix(rest, "presigned/"); ok && r.Method == http.MethodGet {
		if err := h.signedDownload(w, r, p); err != nil {
			h.fail(w, r, err)
		}
		return true
	}
	verb, folder, _ := strings.Cut(strings.TrimPrefix(rest, "mpu/"), "/")
	rt, ok := partRoutes[verb]
	if !ok || !strings.HasPrefix(rest, "mpu/") || r.Method != http.MethodPost {
		return false
	}
	c := &call{h: h, w: w, r: r, path: []string{folder}}
	f := parseFields(rt.fields)
	err := c.read(f)
	if err == nil {
		err = f.check(c)
	}
	if err == nil {
		err = rt.serve(c)
	}
	if err != nil {
		h.fail(w, r, err)
	}
	return true
}

// inParts returns the store and the file that an upload in parts is about: the
// last part of "path", which clients fill with a path of their own machine, in the
// folder that the URL names.
func (c *call) inParts() (artifact.Multipart, string, error) {
	folder, err := artifact.Clean(c.path[0])
	if err != nil {
		return nil, "", err
	}
	file, err := artifact.Clean(path.Base(strings.ReplaceAll(c.str("path"), `\`, "/")))
	if err == nil && (file == "" || file == ".") {
		err = errs.New(errs.Invalid, "Invalid path")
	}
	if err != nil {
		return nil, "", err
	}
	if err := c.h.requireFile(c.r.Context(), path.Join(folder, file), auth.Edit); err != nil {
		return nil, "", err
	}
	store, ok := c.h.cfg.Artifacts.(artifact.Multipart)
	if !ok {
		return nil, "", errNoParts()
	}
	return store, path.Join(folder, file), nil
}

func beginParts(c *call) error {
	store, p, err := c.inParts()
	if err != nil {
		return err
	}
	n := 1
	if c.has("num_parts") {
		n = int(min(c.num("num_parts"), 1<<30))
	}
	id, parts, err := store.Begin(c.r.Context(), p, n)
	if err != nil {
		return err
	}
	type credential struct {
		URL     string            `json:"url"`
		Number  int               `json:"part_number"`
		Headers map[string]string `json:"headers"`
	}
	out := make([]credential, len(parts))
	for i, part := range parts {
		if out[i] = (credential{part.URL, part.Number, part.Headers}); part.Headers == nil {
			out[i].Headers = map[string]string{}
		}
	}
	return c.json(map[string]any{"upload_id": id, "credentials": out})
}

func finishParts(c *call) error {
	store, p, err := c.inParts()
	if err != nil {
		return err
	}
	var list []struct {
		Number int    `json:"part_number"`
		ETag   string `json:"etag"`
		URL    string `json:"url"`
	}
	if err := json.Unmarshal(c.raw["parts"], &list); err != nil {
		return errs.New(errs.Invalid, "Invalid value for parameter 'parts': %w", err)
	}
	parts := make([]artifact.Sent, len(list))
	for i, part := range list {
		parts[i] = artifact.Sent{Number: part.Number, ETag: part.ETag, URL: part.URL}
	}
	return c.done(store.Finish(c.r.Context(), p, c.str("upload_id"), parts))
}

func abortParts(c *call) error {
	store, p, err := c.inParts()
	if err != nil {
		return err
	}
	return c.done(store.Abort(c.r.Context(), p, c.str("upload_id")))
}

func (h *Handler) signedDownload(w http.ResponseWriter, r *http.Request, p string) error {
	p, err := artifact.Clean(p)
	if err == nil {
		err = h.requireFile(r.Context(), p, auth.Read)
	}
	if err != nil {
		return err
	}
	store, ok := h.cfg.Artifacts.(artifact.Presigner)
	if !ok {
		return errs.New(errs.Unsupported, "Multipart download is not supported for the current artifact repository")
	}
	u, size, err := store.SignedGet(r.Context(), p, signedFor)
	if err != nil {
		return err
	}
	c := &call{h: h, w: w, r: r}
	return c.json(map[string]any{"url": u, "headers": map[string]string{}, "file_size": size})
}

// signedUpload answers with a URL that a file of a run or of a logged model is
// sent to, when their files are not behind this server.
func signedUpload(c *call) error {
	run, model := c.str("run_id"), c.str("model_id")
	if (run == "") == (model == "") {
		return errs.New(errs.Invalid, "Exactly one of run_id and model_id must be provided.")
	}
	uri, err := c.filesOf(run, model)
	if err != nil {
		return err
	}
	if scheme, _, _ := strings.Cut(uri, ":"); scheme == "mlflow-artifacts" || scheme == "http" || scheme == "https" {
		return errs.New(errs.Invalid, "Presigned upload is not supported for proxied artifact storage (artifact URI scheme: %s). This endpoint requires a direct cloud storage artifact URI.", scheme)
	}
	store, at, err := c.h.place(uri, c.str("path"))
	if err != nil {
		return err
	}
	signer, ok := store.(artifact.Presigner)
	if !ok {
		return errs.New(errs.Unsupported, "Presigned upload is not supported for the current artifact repository")
	}
	valid := signedFor
	if c.has("expiration") {
		n := c.num("expiration")
		if valid = time.Duration(n) * time.Second; n < 1 || n > int64(signedAtMost/time.Second) {
			return errs.New(errs.Invalid, "Invalid value for parameter 'expiration': it is not between 1 second and 7 days")
		}
	}
	u, headers, err := signer.SignedPut(c.r.Context(), at, valid)
	if err != nil {
		return err
	}
	if headers == nil {
		headers = map[string]string{}
	}
	return c.json(map[string]any{"presigned_url": u, "headers": headers})
}

// filesOf returns where an active run or a logged model keeps its files.
func (c *call) filesOf(run, model string) (string, error) {
	if model != "" {
		m, err := c.h.Runs.Model(c.r.Context(), model)
		if err != nil {
			return "", err
		}
		return m.ArtifactURI, nil
	}
	info, err := c.h.Runs.RunInfo(c.r.Context(), run)
	if err != nil {
		return "", err
	}
	if info.Stage != tracking.Active {
		return "", tracking.RunNotActive(info.ID, info.Stage)
	}
	return info.ArtifactURI, nil
}
