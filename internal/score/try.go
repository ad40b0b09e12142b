package score

import (
	"embed"
	"net/http"
	"strings"
)

// page is the page at /try/: a form made from the model's OpenAPI document, which asks
// /invocations. It is the same for every model.
//
//go:embed page
var page embed.FS

// OfTryPage reports whether a path is the page's, of whatever model; it holds nothing of
// the model.
func OfTryPage(path string) bool {
	if rest, ok := strings.CutPrefix(path, "/models/"); ok {
		_, route, _ := strings.Cut(rest, "/")
		path = "/" + route
	}
	return path == "/try" || tryTypes[path] != ""
}

// tryTypes are the types of the page's files, by their routes after the model's name.
var tryTypes = map[string]string{
	"/try/":         "text/html; charset=utf-8",
	"/try/page.js":  "text/javascript; charset=utf-8",
	"/try/page.css": "text/css; charset=utf-8",
}

// pagePolicy lets the page load and ask this server alone.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// try answers with a file of the page.
func (h *Handler) try(w http.ResponseWriter, r *http.Request, path string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	head := w.Header()
	if path == "/try" { // the page's own references are relative
		head.Set("Location", "try/")
		w.WriteHeader(http.StatusFound)
		return
	}
	name := strings.TrimPrefix(path, "/try/")
	if name == "" {
		name = "page.html"
	}
	text, err := page.ReadFile("page/" + name)
	if err != nil || tryTypes[path] == "" {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	head.Set("Content-Type", tryTypes[path])
	head.Set("Content-Security-Policy", pagePolicy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-cache")
	_, _ = w.Write(text)
}
