package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

const (
	someRun   = "0123456789abcdef0123456789abcdef"
	someModel = "m-0123456789abcdef0123456789abcdef"
)

// mlruns is a small file store.
func mlruns() map[string]string {
	return map[string]string{
		"0/meta.yaml":                                      "experiment_id: '0'\nname: Default\nartifact_location: file:///old/0\nlifecycle_stage: active\n",
		"12/meta.yaml":                                     "experiment_id: '12'\nname: fleet\nartifact_location: file:///old/12\nlifecycle_stage: active\ncreation_time: 5\nlast_update_time: 6\n",
		"12/tags/team/storage":                             "nas",
		"12/" + someRun + "/meta.yaml":                     "run_id: " + someRun + "\nrun_name: first\nstatus: 3\nstart_time: 7\nend_time: 9\nuser_id: me\nexperiment_id: '12'\nlifecycle_stage: active\nartifact_uri: file:///old/12/x\n",
		"12/" + someRun + "/params/a/b":                    "1",
		"12/" + someRun + "/tags/mlflow.note.content":      "two\nlines",
		"12/" + someRun + "/metrics/loss":                  "10 0.5 0\n20 0.25 1\n15 nan 2\n",
		"12/" + someRun + "/metrics/old":                   "10 0.5\n",
		"12/" + someRun + "/inputs/aa/meta.yaml":           "source_type: DATASET\nsource_id: bb\ndestination_type: RUN\ntags:\n  mlflow.data.context: training\n",
		"12/" + someRun + "/outputs/cc/meta.yaml":          "destination_id: " + someModel + "\nstep: 3\n",
		"12/datasets/bb/meta.yaml":                         "name: drives\ndigest: abc\nsource_type: local\nsource: '{}'\nschema: ''\nprofile: ''\n",
		"12/models/" + someModel + "/meta.yaml":            "experiment_id: '12'\nname: tree\nstatus: 2\nmodel_type: forest\nsource_run_id: " + someRun + "\nartifact_location: file:///old/12/m\n",
		"12/models/" + someModel + "/metrics/auc":          "7 0.75 2 " + someRun + "\n",
		".trash/13/meta.yaml":                              "experiment_id: '13'\nname: gone\nlifecycle_stage: deleted\nartifact_location: file:///old/13\n",
		"models/predictor/meta.yaml":                       "name: predictor\ncreation_timestamp: 1\nlast_updated_timestamp: 2\naliases:\n  champion: '1'\n",
		"models/predictor/tags/a":                          "1",
		"models/predictor/version-1/meta.yaml":             "name: predictor\nversion: 1\ncurrent_stage: Staging\nsource: file:///old/12/x/m\nrun_id: " + someRun + "\nstatus: READY\n",
		"models/predictor/version-2/meta.yaml":             "name: predictor\nversion: 2\ncurrent_stage: Deleted_Internal\nsource: gone\n",
		"12/" + someRun + "/artifacts/models/x/meta.yaml":  "name: not a model\n",
		"12/" + someRun + "/artifacts/12/forged/meta.yaml": "run_id: forged\n",
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "ours.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestFiles(t *testing.T) {
	db := open(t)
	dir := write(t, mlruns())
	o := Options{Rewrites: []Rewrite{{"file:///old/", "mlflow-artifacts:/"}}}
	report, err := Import(t.Context(), dir, db.Import(), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Report{Experiments: 2, Runs: 1, Points: 4, LoggedModels: 1, RegisteredModels: 1, Versions: 1, Known: 1}); report != want {
		t.Errorf("the report is %+v, want %+v", report, want)
	}
	run, err := db.Tracking().Run(t.Context(), someRun)
	if err != nil {
		t.Fatal(err)
	}
	if run.Name != "first" || run.Status != tracking.Finished || run.ExperimentID != "12" || run.Start != 7 || run.End != 9 || run.ArtifactURI != "mlflow-artifacts:/12/x" {
		t.Errorf("the run is %+v", run.RunInfo)
	}
	if len(run.Params) != 1 || run.Params[0] != (tracking.Tag{Key: "a/b", Value: "1"}) {
		t.Errorf("its parameters are %v", run.Params)
	}
	if len(run.Datasets) != 1 || run.Datasets[0].Dataset.Name != "drives" || run.Datasets[0].Tags[0].Value != "training" {
		t.Errorf("its data are %+v", run.Datasets)
	}
	if len(run.ModelOutputs) != 1 || run.ModelOutputs[0] != (tracking.ModelOutput{ModelID: someModel, Step: 3}) {
		t.Errorf("its outputs are %+v", run.ModelOutputs)
	}
	m, err := db.Tracking().Model(t.Context(), someModel)
	if err != nil {
		t.Fatal(err)
	}
	if m.Status != tracking.ModelReady || len(m.Metrics) != 1 || m.Metrics[0].Value != 0.75 || m.Metrics[0].RunID != someRun {
		t.Errorf("the logged model is %+v", m)
	}
	v, err := db.Registry().Version(t.Context(), "predictor", 1)
	if err != nil {
		t.Fatal(err)
	}
	if v.Stage != "Staging" || v.Storage != "mlflow-artifacts:/12/x/m" || len(v.Aliases) != 1 || v.Aliases[0] != "champion" {
		t.Errorf("the version is %+v", v)
	}
	next, err := db.Registry().CreateVersion(t.Context(), *v)
	if err != nil || next != 3 {
		t.Errorf("the next version is %d (%v); the number of a deleted one stays taken", next, err)
	}
	again, err := Import(t.Context(), dir, db.Import(), o)
	if want := (Report{Known: 6}); err != nil || again != want {
		t.Errorf("a second import took %+v (%v), want %+v", again, err, want)
	}
}

// TestForgedFiles: what a folder claims to be it must be, and nothing outside is
// read.
func TestForgedFiles(t *testing.T) {
	files := mlruns()
	files["12/"+strings.Repeat("f", 32)+"/meta.yaml"] = "run_id: " + someRun + "\nstatus: 1\n"
	files["14/meta.yaml"] = "experiment_id: '12'\nname: fleet\n"
	files["models/other/meta.yaml"] = "name: predictor\n"
	dir := write(t, files)
	report, err := Import(t.Context(), dir, open(t).Import(), Options{})
	if err != nil || report.Skipped != 3 || report.Runs != 1 || report.RegisteredModels != 1 {
		t.Errorf("the report is %+v (%v)", report, err)
	}

	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "12", someRun, "params", "stolen")); err != nil {
		t.Skipf("this system has no symbolic links: %v", err)
	}
	db := open(t)
	if _, err := Import(t.Context(), dir, db.Import(), Options{}); err == nil {
		run, _ := db.Tracking().Run(t.Context(), someRun)
		for _, p := range run.Params {
			if p.Value == "secret" {
				t.Error("a link led out of the folder")
			}
		}
	}
}

func TestBadSources(t *testing.T) {
	bad := mlruns()
	bad["12/"+someRun+"/metrics/loss"] = "10 0.5 0\nten 0.5 1\n"
	yaml := mlruns()
	yaml["12/meta.yaml"] = "experiment_id: [\n"
	file := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(file, []byte("no database"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		kind errs.Kind
		text string
	}{
		"a missing path":    {filepath.Join(t.TempDir(), "nobody"), errs.NotFound, "nobody"},
		"an empty folder":   {t.TempDir(), errs.Invalid, "name the folder mlruns itself"},
		"a broken point":    {write(t, bad), errs.Invalid, "metrics/loss: line 2"},
		"broken YAML":       {write(t, yaml), errs.Invalid, "12/meta.yaml"},
		"a file of rubbish": {file, errs.Invalid, "no SQLite database"},
	} {
		_, err := Import(t.Context(), c.path, open(t).Import(), Options{})
		if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: the error is %v (%v)", name, err, errs.KindOf(err))
		}
	}
}

func FuzzPoints(f *testing.F) {
	f.Add("10 0.5 0\n20 nan 1\n")
	f.Add("10 inf")
	f.Add("x")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range strings.Split(text, "\n") {
			if fields := strings.Fields(line); len(fields) > 0 {
				parsePoint(fields)
			}
		}
	})
}
