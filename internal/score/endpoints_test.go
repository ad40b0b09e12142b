package score_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
)

func TestDeploymentClientsRoutes(t *testing.T) {
	h := handler(t, signed(), score.Config{Name: "disks", ModelVersion: "3"})
	for path, want := range map[string]string{
		"/api/2.0/endpoints":       `{"endpoints":[{"name":"disks"`,
		"/api/2.0/endpoints/":      `"endpoint_url":"/endpoints/disks/invocations","limit":null}]}`,
		"/api/2.0/endpoints/disks": `{"name":"disks","endpoint_type":"mlflow/v1/invocations","model":{"name":"disks/3"`,
		"/api/2.0/endpoints/other": "There is no model other; this server has",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := post(h, "/endpoints/disks/invocations", js, `{"inputs": {"cap": [0.5, 1.0], "kind": [0, 1]}}`); w.Body.String() != `{"predictions": [0, 1]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
