package mlflow_test

import (
	"encoding/json"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// open makes a handler on a new SQLite file and a new folder.
func open(tb testing.TB) *mlflow.Handler {
	tb.Helper()
	return openWith(tb, mlflow.Config{})
}

func openWith(tb testing.TB, cfg mlflow.Config) *mlflow.Handler {
	tb.Helper()
	dir := tb.TempDir()
	db, err := sqlstore.Open(tb.Context(), "sqlite:///"+filepath.Join(dir, "store.db"), sqlstore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	folder, err := artifact.OpenFolder(filepath.Join(dir, "artifacts"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { folder.Close() })
	cfg.Tracking, cfg.Registry, cfg.Artifacts, cfg.Webhooks = db.Tracking(), db.Registry(), folder, db.Webhooks()
	if cfg.Now == nil {
		var ticks atomic.Int64 // the services run side by side
		cfg.Now = func() time.Time { return time.UnixMilli(1_700_000_000_000 + ticks.Add(1)) }
	}
	cfg.Seed = 1
	h, err := mlflow.NewHandler(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { h.Close() })
	return h
}

// newRun makes a run in the default experiment and returns its id.
func newRun(tb testing.TB, h *mlflow.Handler) string {
	tb.Helper()
	w := do(tb, h, "POST", api+"runs/create", `{"experiment_id":"0","start_time":1}`)
	var out struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.Run.Info.ID == "" {
		tb.Fatalf("%v in %s", err, w.Body)
	}
	return out.Run.Info.ID
}
