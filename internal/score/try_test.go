package score_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
)

func TestTryPage(t *testing.T) {
	h := handler(t, signed(), score.Config{Name: "disks"})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	for _, prefix := range []string{"", "/models/disks"} {
		if w := get(prefix + "/try"); w.Code != 302 || w.Header().Get("Location") != "try/" {
			t.Errorf("%s/try: %d %v", prefix, w.Code, w.Header())
		}
		page := get(prefix + "/try/")
		if page.Code != 200 || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("%s/try/: %d %v", prefix, page.Code, page.Header())
		}
		// Whatever the page asks for is there, and nothing is asked of another server or
		// would be stopped by the policy.
		refs := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
		if len(refs) != 2 || regexp.MustCompile(`<style|<script>|\son[a-z]+=|\sstyle=|//`).MatchString(strings.ReplaceAll(page.Body.String(), "<!doctype", "")) {
			t.Errorf("the page has %d references, or something inline", len(refs))
		}
		for _, ref := range refs {
			if w := get(prefix + "/try/" + ref[1]); w.Code != 200 || w.Body.Len() < 500 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d", ref[1], w.Code)
			}
		}
		script := get(prefix + "/try/page.js").Body.String()
		for _, asked := range regexp.MustCompile(`(?:fetch|new URL)\("([^"]+)"`).FindAllStringSubmatch(script, -1) {
			if asked[1] != "../openapi.json" && asked[1] != "../invocations" {
				t.Errorf("the page asks %s", asked[1])
			}
		}
		if w := get(prefix + "/openapi.json"); w.Code != 200 {
			t.Errorf("%s/openapi.json: %d", prefix, w.Code)
		}
	}
	if w := get("/try/other"); w.Code != 404 || score.OfTryPage("/try/other") || !score.OfTryPage("/models/disks/try/page.js") || score.OfTryPage("/models/try/invocations") {
		t.Errorf("/try/other: %d", w.Code)
	}
	if w := post(h, "/try/", js, "{}"); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}
