//go:build conformance

package score

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "drivecast")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/drivecast/drivecast/cmd/drivecast").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func python(t *testing.T, variable string, args ...string) {
	t.Helper()
	py := os.Getenv(variable)
	if py == "" {
		t.Fatalf("%s names no Python; see conformance/python-envs.sh", variable)
	}
	out, err := exec.Command(py, args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// TestSeedConversation holds the conversation of the original project's test script
// with both of its models: health, then three samples; scikit-learn says what each is.
func TestSeedConversation(t *testing.T) {
	root := os.Getenv("DRIVE_DATA")
	if root == "" {
		t.Skip("DRIVE_DATA does not name the folder of real drive data")
	}
	program := build(t)
	for _, v := range []string{"v2", "v3"} {
		dir := filepath.Join(root, "seed", "models", v)
		if _, err := os.Stat(dir); err != nil {
			t.Fatalf("DRIVE_DATA is set, and %v", err)
		}
		python(t, "DRIVECAST_PY_MLFLOW_2_4_1", "deployed.py", "talk", serve(t, program, dir), filepath.Join(dir, "model.pkl"), filepath.Join(root, "seed", "hdd_balanced_dataset.csv"))
	}
}

// TestDeploymentClient asks through mlflow.deployments what mlflow.pyfunc answers.
func TestDeploymentClient(t *testing.T) {
	dir := t.TempDir()
	python(t, interpreter, "client.py", "save", dir)
	program := build(t)
	for _, name := range []string{"signed", "words", "value"} {
		folder := filepath.Join(dir, name)
		url := start(t, exec.Command(program, "serve", "-m", name+"="+folder, "--port", "0"))
		python(t, interpreter, "deployed.py", "deploy", url, name, folder)
	}
}
