package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// TestAReportOnAThousandRuns reports on a gate beside an experiment of 1,000 runs with
// 20 metrics each, which take some of the server's pages.
func TestAReportOnAThousandRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 1,000 runs")
	}
	dir := t.TempDir()
	host, port := freeAddress(t)
	at := "http://" + host + ":" + port
	server := exec.CommandContext(t.Context(), os.Args[0], "server", "--port", port, "--backend-store-uri", "sqlite:///"+filepath.Join(dir, "runs.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"))
	server.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() })
	if err := waitFor(at+"/health", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	manyRuns(t, at, 1000)
	decision := filepath.Join(dir, "gate.json")
	if err := os.WriteFile(decision, []byte(`{"verdict": "pass", "reason": "every rule holds", "candidate": "models/new", "model_hash": "sha256:1", "data": "heldout.csv", "target": "failure", "rows": 10, "failures": 5}`), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	text := string(runApp(t, "ci", "report", decision, "--experiment", "drives", "--tracking-uri", at))
	took := time.Since(began)
	t.Logf("reported in %s", took.Round(time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("the report took %s, more than 2 s", took)
	}
	for _, want := range []string{"### Runs of drives", "1000 finished runs, 999 with roc&#95;auc: best 0.9990, median 0.5000, worst 0.0010.", "| run-999 (`", "| run-990 (`"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "run-989") {
		t.Errorf("more than the ten best are named:\n%s", text)
	}
	var fault bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &fault, stderr: &fault, getenv: func(string) string { return "" }, now: time.Now}
	if code := a.run(t.Context(), []string{"ci", "report", decision, "--experiment", "none", "--tracking-uri", at}); code != 1 || !strings.Contains(fault.String(), `"none"`) {
		t.Errorf("an experiment that is not there: exit code %d, %s", code, &fault)
	}
}

// manyRuns logs runs whose roc_auc rises; the first has none.
func manyRuns(t *testing.T, at string, n int) {
	t.Helper()
	c, err := client.New(at, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.EnsureExperiment(t.Context(), "drives")
	if err != nil {
		t.Fatal(err)
	}
	one := func(ctx context.Context, i int) error {
		at := time.UnixMilli(int64(1_700_000_000_000 + i))
		r, err := c.CreateRun(ctx, e.ID, fmt.Sprintf("run-%d", i), at, []client.Tag{{Key: "mlflow.user", Value: "a"}})
		if err != nil {
			return err
		}
		var metrics []client.Metric
		for j := range 19 {
			metrics = append(metrics, client.Metric{Key: fmt.Sprintf("metric-%d", j), Value: float64(i * j), Time: at})
		}
		if i > 0 {
			metrics = append(metrics, client.Metric{Key: "roc_auc", Value: float64(i) / 1000, Time: at})
		}
		if err := c.Log(ctx, r.ID, metrics, nil, nil); err != nil {
			return err
		}
		return c.UpdateRun(ctx, r.ID, "FINISHED", at.Add(time.Second))
	}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < n; i += 4 {
				if err := one(t.Context(), i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	http.DefaultClient.CloseIdleConnections()
	if t.Failed() {
		t.FailNow()
	}
}
