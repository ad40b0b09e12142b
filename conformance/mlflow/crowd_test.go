//go:build conformance

package mlflow

import (
	"encoding/json"
	"os"
	"testing"
)

// TestCrowd lets fifty of MLflow's clients log at once and reads everything back.
// DRIVECAST_CROWD_SECONDS is for how long, 15 when it is unset.
func TestCrowd(t *testing.T) {
	seconds := os.Getenv("DRIVECAST_CROWD_SECONDS")
	if seconds == "" {
		seconds = "15"
	}
	s := start(t, t.TempDir())
	var got struct{ Points int }
	out := script(t, interpreter(t, "DRIVECAST_PY_MLFLOW_2_4_1"), "crowd.py", s.url, seconds)
	if err := json.Unmarshal(out, &got); err != nil || got.Points < 50 {
		t.Fatalf("50 clients logged %d points (%v)", got.Points, err)
	}
	t.Logf("50 clients logged %d points in %s s and lost none", got.Points, seconds)
}
