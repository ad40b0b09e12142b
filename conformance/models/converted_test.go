//go:build conformance

package models

import (
	"os"
	"os/exec"
	"testing"
)

// TestConvertedModelsOpenInTheirLibraries converts models of scikit-learn,
// XGBoost and LightGBM with the program, and lets real LightGBM and mlflow answer.
func TestConvertedModelsOpenInTheirLibraries(t *testing.T) {
	py, binary := os.Getenv("DRIVECAST_PY_MODELS"), os.Getenv("DRIVECAST_BIN")
	if py == "" || binary == "" {
		t.Fatal("DRIVECAST_PY_MODELS and DRIVECAST_BIN must name a Python with the libraries of conformance/envs/models.txt and the program")
	}
	text, err := exec.Command(py, "converted.py", binary, t.TempDir()).CombinedOutput()
	t.Logf("\n%s", text)
	if err != nil {
		t.Error(err)
	}
}
