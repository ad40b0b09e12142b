package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestApplicationInsights runs the server with a connection string; what it tells of
// itself reaches the ingestion endpoint before it ends.
func TestApplicationInsights(t *testing.T) {
	var mu sync.Mutex
	var got strings.Builder
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil || r.URL.Path != "/v2.1/track" {
			t.Errorf("%s: %v", r.URL, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if _, err := io.Copy(&got, z); err != nil {
			t.Error(err)
		}
	}))
	defer endpoint.Close()
	host, port := freeAddress(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "server", "--host", host, "--port", port, "--backend-store-uri", "sqlite:///"+filepath.ToSlash(filepath.Join(dir, "s.db")), "--artifacts-destination", filepath.Join(dir, "files"))
	cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1", "APPLICATIONINSIGHTS_CONNECTION_STRING=InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint="+endpoint.URL+"/")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	base := "http://" + host + ":" + port
	if err := waitFor(base+"/health", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("POST", base+"/api/2.0/mlflow/experiments/create", strings.NewReader(`{"name":"x"}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		`"baseType":"RequestData"`, `"name":"POST experiments/create"`, `"responseCode":"200","success":true`, `"ai.cloud.role":"drivecast-tracking"`,
		`"iKey":"00000000-0000-0000-0000-000000000001"`, `"ai.operation.id":"0af7651916cd43dd8448eb211c80319c","ai.operation.name":"POST experiments/create","ai.operation.parentId":"b7ad6b7169203331"`,
		`"baseType":"RemoteDependencyData"`, `"type":"SQL"`, `"baseType":"MetricData"`, "drivecast_http_request_duration_seconds",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the endpoint got no %s", want)
		}
	}
	if t.Failed() {
		t.Log(got.String())
	}
}
