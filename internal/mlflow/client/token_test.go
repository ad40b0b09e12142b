package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const scopeOfTests = "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W"

func TestRunTokensAreRenewed(t *testing.T) {
	var seen []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization"))
		if strings.HasSuffix(r.URL.Path, "/token") {
			json.NewEncoder(w).Encode(map[string]any{"token": "new", "expiryTimeUtc": time.Now().Add(time.Hour)})
			return
		}
		fmt.Fprint(w, `{"run":{"info":{"run_id":"r"}}}`)
	}))
	defer server.Close()
	env := map[string]string{
		"AZUREML_RUN_TOKEN": "old", "AZUREML_RUN_TOKEN_EXPIRY": fmt.Sprint(time.Now().Add(time.Minute).Unix()), "MLFLOW_RUN_ID": "r", "MLFLOW_EXPERIMENT_ID": "e",
	}
	address := strings.Replace(server.URL, "https://", "azureml://", 1) + "/mlflow/v1.0" + scopeOfTests + "?"
	c, err := New(address, func(k string) string { return env[k] }, WithHTTP(server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.GetRun(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
	}
	get := "/mlflow/v1.0" + scopeOfTests + "/api/2.0/mlflow/runs/get Bearer new"
	want := []string{"/history/v1.0" + scopeOfTests + "/experimentids/e/runs/r/token Bearer old", get, get}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

func TestEndsOfTokens(t *testing.T) {
	for token, want := range map[string]int64{
		"": 0, "secret": 0, "a.b.c": 0, "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.x": 1700000000, "x.eyJleHAiOi0xfQ.y": 0,
	} {
		if got := endOf(token); got.IsZero() != (want == 0) || want != 0 && got.Unix() != want {
			t.Errorf("endOf(%q) = %v, want %d", token, got, want)
		}
	}
}

// TestRunsOfWorkspacesAreNotGuessed hands in addresses that name no run, and a
// storage that answers with an error whose address must stay secret.
func TestRunsOfWorkspacesAreNotGuessed(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"contentUri":"https://127.0.0.1:1/blob/x?sig=SECRET"}`)
	}))
	defer server.Close()
	address := strings.Replace(server.URL, "https://", "azureml://", 1)
	c, err := New(address+"/mlflow/v1.0"+scopeOfTests, nil, WithHTTP(server.Client()), WithRetries(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{
		"azureml://", "azureml://%", address + scopeOfTests + "/models/m/versions/1", address + "/mlflow/v2.0" + scopeOfTests + "/experiments/e/runs//artifacts",
	} {
		if err := c.DownloadDir(t.Context(), uri, t.TempDir()); err == nil {
			t.Errorf("%s: no error", uri)
		}
	}
	run := address + "/mlflow/v2.0" + scopeOfTests + "/experiments/e/runs/r/artifacts"
	if _, err := c.ReadFile(t.Context(), run, "f", 1); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("error %v", err)
	}
	plain, err := New("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.UploadFile(t.Context(), run, "f", filepath.Join(t.TempDir(), "f")); err == nil || !strings.Contains(err.Error(), "--tracking-uri azureml") {
		t.Errorf("without the workspace: %v", err)
	}
}
