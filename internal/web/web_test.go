package web

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// records holds what the page is asked to show.
type records struct {
	experiments []tracking.Experiment
	runs        []*tracking.Run
	next        string
	asked       tracking.Search
}

func (r *records) SearchExperiments(context.Context, tracking.Search) ([]tracking.Experiment, string, error) {
	return r.experiments, "", nil
}

func (r *records) SearchRuns(_ context.Context, q tracking.Search) ([]*tracking.Run, string, error) {
	r.asked = q
	return r.runs, r.next, nil
}

type register struct {
	models   []*registry.Model
	versions []*registry.Version
	filter   string
}

func (r *register) SearchModels(context.Context, registry.Search) ([]*registry.Model, string, error) {
	return r.models, "", nil
}

func (r *register) SearchVersions(_ context.Context, q registry.Search) ([]*registry.Version, string, error) {
	r.filter = q.Filter
	return r.versions, "", nil
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestPageShowsRunsAndModels(t *testing.T) {
	runs := &records{
		experiments: []tracking.Experiment{{ID: "0", Name: "Default"}, {ID: "7", Name: "<script>alert(1)</script>"}},
		runs: []*tracking.Run{{RunInfo: tracking.RunInfo{ID: "r1", Name: "calm-otter", Status: "FINISHED", Start: 1000, End: 3500},
			Metrics: []tracking.Metric{{Key: "roc_auc", Value: .83991}, {Key: "f1_score", Value: math.NaN()}},
			Tags:    []tracking.Tag{{Key: "estimator_name", Value: "RandomForestClassifier"}}}},
		next: "more",
	}
	models := &register{models: []*registry.Model{{Name: "o'hara"}},
		versions: []*registry.Version{{Number: 3, Aliases: []string{"champion"}, Tags: []registry.Tag{{Key: "drivecast.metric.roc_auc", Value: "0.839912"}}}}}
	h := Handler(runs, models, nil)
	w := get(t, h, http.MethodGet, "/?experiment=7&page=here")
	body := w.Body.String()
	for _, want := range []string{"calm-otter", "0.8399", "2.5s", "RandomForestClassifier", "champion", "&lt;script&gt;", "page=more", `aria-current="page"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "<script>") || strings.Contains(body, "NaN") {
		t.Error("a name is shown as markup, or a missing metric as a number")
	}
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	if runs.asked.Token != "here" || runs.asked.ExperimentIDs[0] != "7" || models.filter != "name = 'o''hara'" {
		t.Errorf("asked for %+v and %q", runs.asked, models.filter)
	}
}

func TestEmptyAndWrongRequests(t *testing.T) {
	h := Handler(&records{}, &register{}, nil)
	if w := get(t, h, http.MethodGet, "/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "No model is registered yet") {
		t.Errorf("empty server: %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{"/nothing": http.StatusNotFound, "/?experiment=9": http.StatusBadRequest} {
		if w := get(t, h, http.MethodGet, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if w := get(t, h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
