package mlflow

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// answers says how each kind of failure is told to clients.
var answers = map[errs.Kind]struct {
	status int
	code   string
}{
	errs.Internal:        {http.StatusInternalServerError, "INTERNAL_ERROR"},
	errs.Usage:           {http.StatusBadRequest, "BAD_REQUEST"},
	errs.Invalid:         {http.StatusBadRequest, "INVALID_PARAMETER_VALUE"},
	errs.NotFound:        {http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST"},
	errs.Exists:          {http.StatusBadRequest, "RESOURCE_ALREADY_EXISTS"},
	errs.State:           {http.StatusInternalServerError, "INVALID_STATE"},
	errs.Unauthenticated: {http.StatusUnauthorized, "UNAUTHENTICATED"},
	errs.Denied:          {http.StatusForbidden, "PERMISSION_DENIED"},
	errs.TooLarge:        {http.StatusRequestEntityTooLarge, "BAD_REQUEST"},
	errs.Unsupported:     {http.StatusNotImplemented, "NOT_IMPLEMENTED"},
	errs.Exhausted:       {http.StatusTooManyRequests, "RESOURCE_EXHAUSTED"},
	errs.Unavailable:     {http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE"},
	errs.Canceled:        {499, "CANCELLED"},
	errs.Full:            {http.StatusInsufficientStorage, "RESOURCE_EXHAUSTED"}, // not one that clients try again for minutes
}

// fail answers with an error. The text of an internal failure stays in the log.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := errs.KindOf(err)
	a := answers[kind]
	message := err.Error()
	if kind == errs.Internal {
		h.cfg.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		message = "The server failed to answer; its log says why."
	}
	writeError(w, a.status, a.code, message)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(map[string]string{"error_code": code, "message": strings.ToValidUTF8(message, "�")})
	if err != nil {
		body = []byte(`{"error_code":"INTERNAL_ERROR"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// notFound tells clients that there is no such route, so that they fall back to
// another.
func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusNotFound, "ENDPOINT_NOT_FOUND", "No such endpoint: "+r.Method+" "+r.URL.Path)
}
