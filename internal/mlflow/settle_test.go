package mlflow_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// settling opens handlers on one database.
func settling(t *testing.T) (db *sqlstore.DB, handler func(after time.Duration) *mlflow.Handler) {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+filepath.Join(dir, "store.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	folder, err := artifact.OpenFolder(filepath.Join(dir, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	return db, func(after time.Duration) *mlflow.Handler {
		h, err := mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: folder, SettleAfter: after})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return h
	}
}

const never = 24 * time.Hour

func searchAll(t *testing.T, h http.Handler) string {
	return do(t, h, "POST", api+"runs/search", `{"experiment_ids":["0"]}`).Body.String()
}

// settled waits until a body of every run is kept.
func settled(t *testing.T, db *sqlstore.DB) {
	t.Helper()
	for range 400 {
		runs, next, err := db.Tracking().Unkept(t.Context(), mlflow.BodyForm, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 && next == 0 {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the runs are never kept ready")
}

// TestSettledRunsAnswerAlike checks that searches answer the same whether runs are
// kept ready or not, and when what is kept is damaged.
func TestSettledRunsAnswerAlike(t *testing.T) {
	db, handler := settling(t)
	first := handler(never)
	for i := range 130 {
		id := newRun(t, first)
		do(t, first, "POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":[{"key":"m","value":%d,"timestamp":1,"step":2},{"key":"n","value":"NaN","timestamp":1}],
			"params":[{"key":"p","value":"é\\u0001\\\\"}],"tags":[{"key":"t","value":"v"}]}`, id, i))
	}
	want := searchAll(t, first)
	if runs, _, err := db.Tracking().Unkept(t.Context(), mlflow.BodyForm, 0, 500); err != nil || len(runs) < 100 { // the first sweep may have met some
		t.Fatalf("only %d runs are not kept yet, %v", len(runs), err)
	}
	second := handler(time.Millisecond) // sweeps
	settled(t, db)
	second.Close()
	if got := searchAll(t, handler(never)); got != want || !strings.Contains(got, `"NaN"`) {
		t.Error("kept runs are answered otherwise")
	}
	page, _, err := tracking.New(db.Tracking(), "", time.Now, 1).SearchRuns(t.Context(), tracking.Search{ExperimentIDs: []string{"0"}, Form: mlflow.BodyForm, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	var broken []tracking.Body
	for i, r := range page {
		body := append([]byte(nil), r.Body[:len(r.Body)-i%3]...)
		body[i%len(body)] ^= 1
		broken = append(broken, tracking.Body{RunID: r.ID, Rev: r.Rev, Body: body})
	}
	if err := db.Tracking().KeepBodies(t.Context(), mlflow.BodyForm, broken); err != nil || len(broken) != 130 {
		t.Fatal(len(broken), err)
	}
	if got := searchAll(t, handler(never)); got != want {
		t.Error("runs whose kept form is damaged are answered otherwise")
	}
}

// TestSettledRunsAreNeverStale writes while runs are kept ready all the time: what
// was acknowledged is in every later search.
func TestSettledRunsAreNeverStale(t *testing.T) {
	db, handler := settling(t)
	h := handler(time.Millisecond)
	ids := []string{newRun(t, h), newRun(t, h), newRun(t, h)}
	var writers sync.WaitGroup
	for k, id := range ids {
		writers.Go(func() {
			for i := range 60 {
				do(t, h, "POST", api+"runs/set-tag", fmt.Sprintf(`{"run_id":%q,"key":"now%d","value":"v%d"}`, id, k, i))
				if got := searchAll(t, h); !strings.Contains(got, fmt.Sprintf(`"now%d","value":"v%d"`, k, i)) {
					t.Errorf("run %d: the search after write %d does not show it", k, i)
					return
				}
				if i%20 == 0 {
					time.Sleep(20 * time.Millisecond) // time to be settled
				}
			}
		})
	}
	writers.Wait()
	settled(t, db)
}
