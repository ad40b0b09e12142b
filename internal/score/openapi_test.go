package score_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
)

// TestDocumentIsTrue sends the examples of the document to the routes that it
// names.
func TestDocumentIsTrue(t *testing.T) {
	h := handler(t, signed(), score.Config{Name: "disks", ModelVersion: "7"})
	for _, prefix := range []string{"", "/models/disks"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", prefix+"/openapi.json", nil))
		var doc struct {
			OpenAPI string
			Info    struct{ Title, Version string }
			Paths   map[string]map[string]struct {
				RequestBody struct {
					Content map[string]struct{ Example json.RawMessage }
				}
			}
			Components struct {
				Schemas map[string]struct {
					Required   []string
					Properties map[string]struct{ Type string }
				}
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 || doc.OpenAPI != "3.1.0" || doc.Info.Title != "disks" || doc.Info.Version != "7" {
			t.Fatalf("%d %s %v", w.Code, w.Body, err)
		}
		if row := doc.Components.Schemas["Row"]; strings.Join(row.Required, " ") != "cap kind" || row.Properties["cap"].Type != "number" {
			t.Errorf("a row is %+v", row)
		}
		for _, path := range []string{prefix + "/invocations", prefix + "/score"} {
			example := doc.Paths[path]["post"].RequestBody.Content[js].Example
			if w := post(h, path, js, string(example)); w.Code != 200 {
				t.Errorf("%s with %s: %d %s", path, example, w.Code, w.Body)
			}
		}
	}
}
