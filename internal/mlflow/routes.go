package mlflow

import (
	"net/http"
	"strings"
)

// route is one JSON route: the fields it reads and what it does.
type route struct {
	path   string // as the table has it
	need   need
	fields fields
	serve  func(*call) error
}

// at is a route with its place, for building the table.
type at struct {
	methods string // separated by spaces
	path    string // behind /api/2.0/mlflow/; * stands for one variable part
	need    need
	fields  string
	serve   func(*call) error
}

func (h *Handler) table() map[string]map[string]route {
	out := map[string]map[string]route{}
	var all []at
	all = append(all, experimentRoutes...)
	all = append(all, runRoutes...)
	all = append(all, modelRoutes...)
	all = append(all, registryRoutes...)
	all = append(all, eventRoutes...)
	if h.hooks != nil {
		all = append(all, webhookRoutes...)
	}
	if h.cfg.Auth != nil {
		all = append(all, userRoutes...)
		all = append(all, grantRoutes...)
		all = append(all, groupRoutes...)
		all = append(all, tokenRoutes...)
	}
	for _, a := range all {
		if out[a.path] == nil {
			out[a.path] = map[string]route{}
		}
		for m := range strings.FieldsSeq(a.methods) {
			out[a.path][m] = route{a.path, a.need, parseFields(a.fields), a.serve}
		}
	}
	return out
}

// mounted returns what answers at paths of its own, outside the API.
func (h *Handler) mounted() map[string]http.Handler {
	return map[string]http.Handler{
		"/health":                      http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { plain(w, "OK") }),
		"/version":                     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { plain(w, h.cfg.Version) }),
		"/get-artifact":                http.HandlerFunc(h.getArtifact),
		"/model-versions/get-artifact": http.HandlerFunc(h.getVersionArtifact),
	}
}

// Mount lets a handler answer at a path, behind the checks of this one. It is
// called before the first request.
func (h *Handler) Mount(path string, handler http.Handler) { h.mounts[path] = handler }

// dispatch finds the route of a request. Paths are taken as they are sent:
// nothing is cleaned or redirected.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if mount := h.mounts[path]; mount != nil {
		mount.ServeHTTP(w, r)
		return
	}
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		rest, ok = strings.CutPrefix(path, "/ajax-api/")
	}
	version, rest, _ := strings.Cut(rest, "/")
	if !ok || version != "2.0" && version != "3.0" {
		notFound(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(rest, "mlflow-artifacts/"); ok {
		h.proxy(w, r, rest)
		return
	}
	if below, ok := strings.CutPrefix(rest, "mlflow/"); ok {
		rest = below
	} else if !strings.HasPrefix(rest, "drivecast/") {
		notFound(w, r)
		return
	}
	if h.serveFiles(w, r, rest) {
		return
	}
	methods, vars := h.find(rest)
	if methods == nil {
		notFound(w, r)
		return
	}
	rt, ok := methods[r.Method]
	if !ok {
		for m := range methods {
			w.Header().Add("Allow", m)
		}
		writeError(w, http.StatusMethodNotAllowed, "BAD_REQUEST", "Method "+r.Method+" is not allowed for "+path)
		return
	}
	c := &call{h: h, w: w, r: h.acting(r), path: vars}
	err := c.read(rt.fields)
	if err == nil {
		err = rt.fields.check(c)
	}
	if err == nil && h.cfg.Auth != nil {
		c.note(rt.path)
		err = rt.need(c)
	}
	if err == nil {
		err = rt.serve(c)
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// Route returns the name of a request's route: one of few, whatever its path.
func (h *Handler) Route(r *http.Request) string {
	path := r.URL.Path
	if h.mounts[path] != nil {
		return path
	}
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		if rest, ok = strings.CutPrefix(path, "/ajax-api/"); !ok {
			return "other"
		}
	}
	_, rest, _ = strings.Cut(rest, "/")
	if strings.HasPrefix(rest, "mlflow-artifacts/") {
		return "mlflow-artifacts"
	}
	rest = strings.TrimPrefix(rest, "mlflow/")
	if methods, _ := h.find(rest); methods != nil {
		for _, rt := range methods {
			return rt.path
		}
	}
	switch {
	case rest == "get-artifact", rest == "upload-artifact":
		return rest
	case strings.HasPrefix(rest, "logged-models/"):
		return "logged-models/*/artifacts/files"
	}
	return "other"
}

// find returns the methods of a path and its variable parts.
func (h *Handler) find(path string) (map[string]route, []string) {
	if m := h.routes[path]; m != nil {
		return m, nil
	}
	for _, prefix := range []string{"logged-models/", "webhooks/"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		id, tail, _ := strings.Cut(rest, "/")
		if id == "" {
			return nil, nil
		}
		if tail == "" {
			return h.routes[prefix+"*"], []string{id}
		}
		if m := h.routes[prefix+"*/"+tail]; m != nil {
			return m, []string{id}
		}
		if key, ok := strings.CutPrefix(tail, "tags/"); ok {
			return h.routes[prefix+"*/tags/*"], []string{id, key}
		}
	}
	return nil, nil
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(text))
}
