//go:build conformance

package mlflow

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var clients = []struct{ version, env string }{
	{"2.4.1", "DRIVECAST_PY_MLFLOW_2_4_1"},
	{"3.17.2", "DRIVECAST_PY_MLFLOW_3_17_2"},
	{"2.22.0", "DRIVECAST_PY_MLFLOW_2_22_0"},
	{"3.1.4", "DRIVECAST_PY_MLFLOW_3_1_4"},
}

func interpreter(t *testing.T, env string) string {
	t.Helper()
	python := os.Getenv(env)
	if python == "" {
		t.Fatalf("%s names no Python interpreter; run `make conformance`, or eval the lines that conformance/python-envs.sh prints", env)
	}
	return python
}

// TestClients runs every check of scripts with each client, against a server
// with proxied artifacts and, for the newer client, one that hands out file
// URIs.
func TestClients(t *testing.T) {
	for _, c := range clients {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir())
			runScripts(t, interpreter(t, c.env), s.url)
		})
	}
	t.Run("3.17.2 with file URIs", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		root := filepath.Join(dir, "root")
		s := start(t, dir, "--default-artifact-root", "file://"+filepath.ToSlash(root))
		runScripts(t, interpreter(t, clients[1].env), s.url, "tracking/run_life", "artifacts/files", "models/register_at_once")
	})
}

// runScripts turns each line that run.py prints into a subtest.
func runScripts(t *testing.T, python, url string, chosen ...string) {
	cmd := exec.Command(python, append([]string{filepath.Join("scripts", "run.py"), url}, chosen...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "MLFLOW_TRACKING_USERNAME=", "MLFLOW_TRACKING_TOKEN=", "MLFLOW_DISABLE_TELEMETRY=true")
	var noise bytes.Buffer
	cmd.Stderr = &noise
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	passed, failed := 0, 0
	lines := bufio.NewReader(out)
	for {
		line, readErr := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var check struct {
				Name, Error string
				OK          bool
				Seconds     float64
			}
			if err := json.Unmarshal(line, &check); err != nil {
				t.Fatalf("run.py printed %q: %v", line, err)
			}
			ok := t.Run(check.Name, func(t *testing.T) {
				t.Logf("%.2f s", check.Seconds)
				if !check.OK {
					t.Error(check.Error)
				}
			})
			if ok {
				passed++
			} else {
				failed++
			}
		}
		if readErr == io.EOF {
			break
		} else if readErr != nil {
			t.Fatal(readErr)
		}
	}
	if err := cmd.Wait(); (err != nil && failed == 0) || passed == 0 {
		t.Fatalf("run.py ended with %v after %d checks; it said:\n%s", err, passed, tail(noise.String(), 4000))
	}
}
