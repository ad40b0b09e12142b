//go:build conformance

package mlflow

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestImport fills a store with MLflow, takes it over, and asks both for
// everything through MLflow's client. The answers are the same.
func TestImport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, env, store string }{
		{"2.4.1 database", "DRIVECAST_PY_MLFLOW_2_4_1", "sqlite"},
		{"2.4.1 files", "DRIVECAST_PY_MLFLOW_2_4_1", "files"},
		{"3.17.2 database", "DRIVECAST_PY_MLFLOW_3_17_2", "sqlite"},
		{"3.17.2 files", "DRIVECAST_PY_MLFLOW_3_17_2", "files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			python, dir := interpreter(t, c.env), t.TempDir()
			from := filepath.Join(dir, "mlruns")
			uri := from
			if c.store == "sqlite" {
				from = filepath.Join(dir, "mlflow.db")
				uri = "sqlite:///" + from
			}
			script(t, python, "populate.py", uri, "file://"+filepath.ToSlash(dir)+"/artifacts")
			ours := filepath.Join(dir, "ours")
			first, second := takeOver(t, from, ours), takeOver(t, from, ours)
			if first["runs"] != 5 || first["versions"] != 2 || first["skipped"] != 0 {
				t.Errorf("the first import took %v", first)
			}
			for what, n := range second {
				if n != 0 && what != "known" {
					t.Errorf("the second import took %d %s again", n, what)
				}
			}
			s := start(t, ours)
			want, got := script(t, python, "dump.py", uri), script(t, python, "dump.py", s.url)
			if !bytes.Equal(canonical(t, want), canonical(t, got)) {
				t.Errorf("the imported records differ:\n%s", firstDifference(string(canonical(t, want)), string(canonical(t, got))))
			}
		})
	}
}

// takeOver runs `drivecast import` and returns what it counted.
func takeOver(t *testing.T, from, dir string) map[string]int {
	t.Helper()
	cmd := exec.Command(binary(t), "import", from, "--backend-store-uri", "sqlite:///"+filepath.Join(dir, "store.db"), "-o", "json")
	var noise bytes.Buffer
	cmd.Stderr = &noise
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("drivecast import: %v\n%s", err, noise.String())
	}
	counts := map[string]int{}
	if err := json.Unmarshal(out, &counts); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return counts
}

func script(t *testing.T, python, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("scripts", name)}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_ALLOW_FILE_STORE=true", "SETUPTOOLS_USE_DISTUTILS=stdlib")
	var noise bytes.Buffer
	cmd.Stderr = &noise
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, tail(noise.String(), 3000))
	}
	return out
}

// canonical makes two dumps comparable: MLflow's file store says null where its
// database says "", and 2.4.1 leaves the links of aliases to the model.
func canonical(t *testing.T, dump []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(dump, &v); err != nil {
		t.Fatalf("%v in %s", err, tail(string(dump), 500))
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`: null`).ReplaceAll(out, []byte(`: ""`))
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			from := max(0, i-8)
			return "MLflow has\n" + strings.Join(a[from:min(len(a), i+6)], "\n") + "\nwe have\n" + strings.Join(b[from:min(len(b), i+6)], "\n")
		}
	}
	return "one is longer than the other"
}
