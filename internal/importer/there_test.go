package importer

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // tests only
	}
	return v
}

// fill records a little of everything, through the services.
func fill(t *testing.T, h *mlflow.Handler) {
	c := t.Context()
	exp := must(h.Runs.CreateExperiment(c, "fleet é", "", []tracking.Tag{{Key: "team", Value: "nas"}}))
	var last string
	for i := range 3 {
		r := must(h.Runs.CreateRun(c, tracking.NewRun{ExperimentID: exp, Name: fmt.Sprint("r", i), UserID: "me", Start: int64(10 + i)}))
		b := tracking.Batch{Params: []tracking.Tag{{Key: "p", Value: "v'\""}}, Tags: []tracking.Tag{{Key: "a/b", Value: "x"}}}
		for step := range int64(300) {
			b.Metrics = append(b.Metrics, tracking.Metric{Key: "m", Value: []float64{math.NaN(), math.MaxFloat64, -.5}[step%3], Timestamp: step, Step: -step})
		}
		must("", h.Runs.Log(c, r.ID, b))
		in := tracking.DatasetInput{Dataset: tracking.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}"}, Tags: []tracking.Tag{{Key: tracking.DataContextTag, Value: "training"}}}
		must("", h.Runs.LogInputs(c, r.ID, []tracking.DatasetInput{in}, nil))
		must(h.Runs.UpdateRun(c, r.ID, tracking.RunChange{Status: tracking.Finished, End: 99}))
		last = r.ID
	}
	m := must(h.Runs.CreateModel(c, tracking.LoggedModel{ExperimentID: exp, Name: "forest", SourceRunID: last, Params: []tracking.Tag{{Key: "k", Value: "1"}}}))
	must(h.Runs.FinalizeModel(c, m.ID, tracking.ModelReady))
	must("", h.Runs.LogOutputs(c, last, []tracking.ModelOutput{{ModelID: m.ID, Step: 4}}))
	must(h.Models.CreateModel(c, "hdd", "text", []registry.Tag{{Key: "k", Value: "v"}}))
	for range 3 {
		must(h.Models.CreateVersion(c, registry.NewVersion{Name: "hdd", Source: "s3://b/x", RunID: last, Tags: []registry.Tag{{Key: "g", Value: "ok"}}}))
	}
	must("", h.Models.DeleteVersion(c, "hdd", "2"))
	must(h.Models.StageVersion(c, "hdd", "3", "Staging", false))
	must("", h.Models.SetAlias(c, "hdd", "champion", "1"))
}

// records are all records of a database, in MLflow's form and without the numbers
// that databases give to datasets.
func records(t *testing.T, db *sqlstore.DB) []string {
	t.Helper()
	var out []string
	err := db.Export(t.Context(), func(table string, columns []string, values []any) error {
		row := table
		for i, c := range columns {
			if !strings.HasSuffix(c, "_uuid") && !(table == "inputs" && c == "source_id") || c == "run_uuid" {
				row += fmt.Sprintf(" %s=%v", c, values[i])
			}
		}
		out = append(out, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: %d records became %d", what, len(want), len(got))
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Logf("missing: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Logf("new: %s", g)
		}
	}
}

// TestServerAndBack takes everything over from a server, writes it to a database
// of MLflow's, and takes it over from there.
func TestServerAndBack(t *testing.T) {
	from, dir := open(t), t.TempDir()
	files := must(artifact.OpenFolder(filepath.Join(dir, "files")))
	defer files.Close()
	ticks := int64(0)
	h := must(mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: from.Tracking(), Registry: from.Registry(), Artifacts: files, Seed: 1,
		Now: func() time.Time { ticks++; return time.UnixMilli(1_800_000_000_000 + ticks) }}))
	defer h.Close()
	fill(t, h)
	want := records(t, from)
	server := httptest.NewServer(h)
	defer server.Close()
	c := must(client.New(server.URL, nil))
	second := open(t)
	must(mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: second.Tracking(), Registry: second.Registry(), Artifacts: files}))
	for i := range 2 {
		copied := 0
		report, err := Server(t.Context(), c, second.Import(), Options{Files: func(context.Context, string) error { copied++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if fresh := i == 0; fresh != (report.Runs == 3) || fresh != (report.Points == 900) || fresh != (copied >= 4) {
			t.Errorf("import %d: %+v, %d copies", i, report, copied)
		}
	}
	same := func(list []string) []string { // the default experiment is each server's own
		return slices.DeleteFunc(list, func(s string) bool { return strings.HasPrefix(s, "experiments experiment_id=0 ") })
	}
	compare(t, "from the server", same(records(t, second)), same(slices.Clone(want)))

	file := filepath.Join(dir, "mlflow.db")
	done, err := Export(t.Context(), second, file, nil)
	if err != nil || done.Tables["metrics"] != 900 || done.Left["logged_models"] != 1 {
		t.Fatalf("exported %+v, %v", done, err)
	}
	again, err := Export(t.Context(), second, file, nil)
	if err != nil || again.Tables["metrics"] != 0 || again.Known == 0 {
		t.Errorf("exported again %+v, %v", again, err)
	}
	if _, err := Export(t.Context(), open(t), file, nil); err != nil {
		t.Errorf("the default experiments of two servers: %v", err)
	}
	third := open(t)
	if _, err := Import(t.Context(), file, third.Import(), Options{}); err != nil {
		t.Fatal(err)
	}
	of3 := func(list []string) []string { // tables that MLflow 2.4 has not, and where versions are
		return slices.DeleteFunc(same(list), func(s string) bool {
			return strings.HasPrefix(s, "logged_") || strings.Contains(s, "RUN_OUTPUT")
		})
	}
	compare(t, "from the file", of3(records(t, third)), of3(slices.Clone(want)))
}

// TestFilesAndBack writes everything to a folder mlruns, with the files of runs,
// and takes it over from there.
func TestFilesAndBack(t *testing.T) {
	from, dir := open(t), t.TempDir()
	store := must(artifact.OpenFolder(filepath.Join(dir, "files")))
	defer store.Close()
	h := must(mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: from.Tracking(), Registry: from.Registry(), Artifacts: store, Seed: 1}))
	defer h.Close()
	fill(t, h)
	runs, _, err := h.Runs.SearchRuns(t.Context(), tracking.Search{ExperimentIDs: []string{"1"}, View: tracking.ActiveOnly})
	if err != nil {
		t.Fatal(err)
	}
	run := runs[0]
	long := strings.Repeat("x", 240) + "/" // 250 characters at most, and too long for a file with what is below
	must("", h.Runs.Log(t.Context(), run.ID, tracking.Batch{
		Params: []tracking.Tag{{Key: "lines", Value: "1\r\n2\n\x7f\u2028 é"}, {Key: "p/q", Value: "p is a file already"}, {Key: long + "ü", Value: "fits"}},
		Tags:   []tracking.Tag{{Key: "mlflow.runName", Value: "yes: \"é\"\n# - no"}},
	}))
	must("", store.Put(t.Context(), strings.TrimPrefix(run.ArtifactURI, "mlflow-artifacts:/")+"/model/MLmodel", strings.NewReader("a: 1"), 4))

	target := filepath.Join(dir, "mlruns é")
	o := FilesOptions{Place: func(uri string) (artifact.Store, string) {
		rest, ok := strings.CutPrefix(uri, "mlflow-artifacts:/")
		if !ok {
			return nil, ""
		}
		return store, rest
	}}
	done, err := ExportFiles(t.Context(), from, target, o)
	if err != nil {
		t.Fatal(err)
	}
	if done.Tables["metrics"] != 900 || done.Tables["runs"] != 3 || done.Left["params"] != 1 || done.Files != 1 || done.Tables["logged_models"] != 1 {
		t.Errorf("exported %+v", done)
	}
	if text := must(os.ReadFile(filepath.Join(target, "1", run.ID, "artifacts", "model", "MLmodel"))); string(text) != "a: 1" {
		t.Errorf("the copied file is %q", text)
	}
	if _, err := ExportFiles(t.Context(), from, target, o); !errs.Is(err, errs.Exists) {
		t.Errorf("a second export to the folder: %v", err)
	}

	second := open(t)
	back := (&url.URL{Scheme: "file", Path: filepath.ToSlash(target)}).String()
	if _, err := Import(t.Context(), target, second.Import(), Options{Rewrites: []Rewrite{{back, "mlflow-artifacts:"}}}); err != nil {
		t.Fatal(err)
	}
	plain := func(list []string) []string {
		return slices.DeleteFunc(list, func(s string) bool {
			return strings.HasPrefix(s, "experiments experiment_id=0 ") || strings.Contains(s, "p is a file already")
		})
	}
	compare(t, "from the folder", plain(records(t, second)), plain(records(t, from)))
}

func TestExportRefuses(t *testing.T) {
	db, dir := open(t), t.TempDir()
	if _, err := Export(t.Context(), db, filepath.Join(write(t, map[string]string{"x.db": "this is no database at all, whatever it is called"}), "x.db"), nil); !errs.Is(err, errs.Invalid) {
		t.Errorf("rubbish: %v", err)
	}
	file := filepath.Join(dir, "m.db")
	if _, err := Export(t.Context(), db, file, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Tracking().RenameExperiment(t.Context(), "0", "another", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(t.Context(), db, file, nil); !errs.Is(err, errs.Exists) {
		t.Errorf("another experiment of the same id: %v", err)
	}
}
