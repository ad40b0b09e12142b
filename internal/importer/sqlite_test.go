package importer

import (
	"database/sql"
	"math"
	"path/filepath"
	"testing"
)

// oldDatabase holds the columns that MLflow's databases had before logged
// models, with NULL wherever MLflow leaves it.
const oldDatabase = `
CREATE TABLE alembic_version (version_num TEXT);
INSERT INTO alembic_version VALUES ('7f2a7d5fae7d');
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT, creation_time BIGINT, last_update_time BIGINT);
CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid TEXT, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER, deleted_time BIGINT);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE registered_models (name TEXT, creation_time BIGINT, last_updated_time BIGINT, description TEXT);
CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT, description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, status TEXT, status_message TEXT, run_link TEXT);
CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);
INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active', NULL, NULL), (3, 'fleet', 's3://b/3', 'deleted', 5, 6);
INSERT INTO experiment_tags VALUES ('k', 'v', 3);
INSERT INTO runs VALUES ('r1', NULL, NULL, 'FINISHED', 7, NULL, 'active', 's3://b/3/r1', 3, NULL);
INSERT INTO tags VALUES ('mlflow.runName', 'named', 'r1');
INSERT INTO params VALUES ('p', '1', 'r1');
INSERT INTO metrics VALUES ('m', 0.5, 10, 'r1', 0, 0), ('m', 0, 20, 'r1', 1, 1), ('m', 0.25, 5, 'r1', -1, 0);
INSERT INTO registered_models VALUES ('predictor', 1, 2, NULL);
INSERT INTO model_versions VALUES ('predictor', 1, 1, 2, NULL, NULL, 'Production', 's3://b/3/r1/m', 'r1', 'READY', NULL, NULL),
  ('predictor', 2, 1, 2, NULL, NULL, 'Deleted_Internal', 'REDACTED', 'r1', 'READY', NULL, NULL);
INSERT INTO model_version_tags VALUES ('gate', 'passed', 'predictor', 1);
`

func TestOldDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mlflow.db")
	old, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(oldDatabase); err != nil {
		t.Fatal(err)
	}
	old.Close()
	db := open(t)
	report, err := Import(t.Context(), "sqlite:///"+file, db.Import(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Report{Experiments: 1, Runs: 1, Points: 3, RegisteredModels: 1, Versions: 1, Known: 1}); report != want {
		t.Errorf("the report is %+v, want %+v", report, want)
	}
	e, err := db.Tracking().Experiment(t.Context(), "3")
	if err != nil || e.Name != "fleet" || e.Stage != "deleted" || e.Created != 5 || len(e.Tags) != 1 {
		t.Errorf("the experiment is %+v (%v)", e, err)
	}
	run, err := db.Tracking().Run(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	if run.Name != "named" || run.Status != "FINISHED" || run.End != 0 {
		t.Errorf("the run is %+v", run.RunInfo)
	}
	if len(run.Metrics) != 1 || !math.IsNaN(run.Metrics[0].Value) || run.Metrics[0].Step != 1 {
		t.Errorf("its metrics are %+v", run.Metrics)
	}
	v, err := db.Registry().Version(t.Context(), "predictor", 1)
	if err != nil || v.Stage != "Production" || v.Storage != "s3://b/3/r1/m" || len(v.Tags) != 1 {
		t.Errorf("the version is %+v (%v)", v, err)
	}
}

// TestForeignDatabase: a SQLite file of something else is named as such.
func TestForeignDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other.db")
	other, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("CREATE TABLE experiments (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	other.Close()
	if _, err := Import(t.Context(), file, open(t).Import(), Options{}); err == nil {
		t.Error("a database that is not MLflow's was imported")
	}
}
