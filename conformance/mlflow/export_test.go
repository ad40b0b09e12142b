//go:build conformance

package mlflow

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestExport fills our server through MLflow's client, writes everything back to
// a folder mlruns and to a database, and asks MLflow for it there. The answers are
// those of our server, and models can be loaded from the copied files.
func TestExport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, env string }{
		{"2.4.1", "DRIVECAST_PY_MLFLOW_2_4_1"},
		{"3.17.2", "DRIVECAST_PY_MLFLOW_3_17_2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			python, dir := interpreter(t, c.env), t.TempDir()
			s := start(t, filepath.Join(dir, "ours"))
			script(t, python, "populate.py", s.url, "mlflow-artifacts:/filled")
			want := script(t, python, "dump.py", s.url)
			folder, file := filepath.Join(dir, "mlruns"), filepath.Join(dir, "mlflow.db")
			export(t, s.dir, folder, "--copy-artifacts", filepath.Join(s.dir, "artifacts"))
			export(t, s.dir, file)
			upgrade := exec.Command(python, "-m", "mlflow", "db", "upgrade", "sqlite:///"+file)
			if out, err := upgrade.CombinedOutput(); err != nil {
				t.Fatalf("mlflow db upgrade: %v\n%s", err, tail(string(out), 2000))
			}
			export(t, s.dir, file)
			for what, uri := range map[string]string{"the folder": folder, "the database": "sqlite:///" + file} {
				got := script(t, python, "dump.py", uri)
				if a, b := placeless(canonical(t, want)), placeless(canonical(t, got)); !bytes.Equal(a, b) {
					t.Errorf("%s differs:\n%s", what, firstDifference(string(a), string(b)))
				}
			}
			script(t, python, "load.py", folder)
		})
	}
}

func export(t *testing.T, dir string, args ...string) {
	t.Helper()
	args = append([]string{"export", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "store.db")}, args...)
	if out, err := exec.Command(binary(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("drivecast export: %v\n%s", err, out)
	}
}

// placeless is a dump without where files are: copies are elsewhere.
func placeless(dump []byte) []byte {
	return regexp.MustCompile(`"(artifact_location|artifact_uri|source)": ".*"`).ReplaceAll(dump, []byte(`"$1": ""`))
}
