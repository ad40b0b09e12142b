package importer

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/internal/tracking"
)

// fileInput is an entry of a run's inputs.
type fileInput struct {
	dir, dataset string
	tags         [][2]string
}

// fileModel is a registered model.
type fileModel struct {
	dir     string
	fields  []any
	aliases [][2]string
}

// stateNumber is a run's state as the file store numbers it.
func stateNumber(state string) int {
	for n, s := range runStates {
		if s == state {
			return n
		}
	}
	return 1
}

// kinds are what writes the rows of each table; it reports whether a row has a
// place in the file store. Latest metrics have none of their own.
func (w *folderTo) kinds() map[string]func(record) (bool, error) {
	pairs := func(id, dir, key, value string) func(record) (bool, error) {
		return func(r record) (bool, error) {
			at, ok := w.places[id+r.text(id)]
			if !ok {
				return false, nil
			}
			return w.file(at+"/"+dir, r.text(key), r.text(value))
		}
	}
	return map[string]func(record) (bool, error){
		"experiments":     w.experiment,
		"experiment_tags": pairs("experiment_id", "tags", "key", "value"),
		"runs":            w.run,
		"tags":            pairs("run_uuid", "tags", "key", "value"),
		"params":          pairs("run_uuid", "params", "key", "value"),
		"metrics": func(r record) (bool, error) {
			return w.point("run_uuid", r, r.text("key"), pointLine(r["timestamp"], r["value"], r["is_nan"], r["step"]))
		},
		"datasets":            w.dataset,
		"inputs":              w.input,
		"input_tags":          w.inputTag,
		"logged_models":       w.loggedModel,
		"logged_model_params": pairs("model_id", "params", "param_key", "param_value"),
		"logged_model_tags":   pairs("model_id", "tags", "tag_key", "tag_value"),
		"logged_model_metrics": func(r record) (bool, error) {
			line := pointLine(r["metric_timestamp_ms"], r["metric_value"], nil, r["metric_step"]) + " " + r.text("run_id")
			name, digest := r.text("dataset_name"), r.text("dataset_digest")
			if name != "" && digest != "" && !strings.ContainsAny(name+digest, " \t\r\n") { // blanks end fields there
				line += " " + name + " " + digest
			}
			return w.point("model_id", r, r.text("metric_name"), line)
		},
		"registered_models":        w.registered,
		"registered_model_tags":    pairs("name", "tags", "key", "value"),
		"model_versions":           w.version,
		"model_version_tags":       w.versionTag,
		"registered_model_aliases": w.alias,
	}
}

func (w *folderTo) experiment(r record) (bool, error) {
	id := r.text("experiment_id")
	place := id
	if r.text("lifecycle_stage") == tracking.Deleted {
		place = trash + "/" + id
	}
	location, err := w.files(r.text("artifact_location"), place, false)
	if err != nil {
		return false, err
	}
	w.places["experiment_id"+id] = place
	return w.meta(place, "artifact_location", location, "creation_time", r["creation_time"], "experiment_id", id,
		"last_update_time", r["last_update_time"], "lifecycle_stage", r.text("lifecycle_stage"), "name", r.text("name"))
}

func (w *folderTo) run(r record) (bool, error) {
	id := r.text("run_uuid")
	above, ok := w.places["experiment_id"+r.text("experiment_id")]
	place, fits := below(above, id)
	if !ok || !fits {
		return false, nil
	}
	uri, err := w.files(r.text("artifact_uri"), place+"/artifacts", true)
	if err != nil {
		return false, err
	}
	w.places["run_uuid"+id] = place
	fields := []any{"artifact_uri", uri, "end_time", r["end_time"], "entry_point_name", "", "experiment_id", r.text("experiment_id"),
		"lifecycle_stage", r.text("lifecycle_stage"), "run_id", id, "run_name", r.text("name"), "run_uuid", id, "source_name", "", "source_type", 4,
		"source_version", "", "start_time", r["start_time"], "status", stateNumber(r.text("status")), "user_id", r.text("user_id")}
	if r["deleted_time"] != nil {
		fields = append(fields, "deleted_time", r["deleted_time"])
	}
	for _, sub := range []string{"artifacts", "metrics", "params", "tags"} { // without these, it is no run to MLflow 3
		if err := w.root.MkdirAll(place+"/"+sub, 0o755); err != nil {
			return false, err
		}
	}
	return w.meta(place, fields...)
}

// pointLine is "time value step", as floats are read in Python.
func pointLine(time, value, nan, step any) string {
	text := "nan"
	if v, ok := value.(float64); ok && (nan == nil || nan == int64(0) || nan == false) {
		text = strconv.FormatFloat(v, 'g', -1, 64)
	}
	r := record{"time": time, "step": step}
	return r.text("time") + " " + text + " " + r.text("step")
}

func (w *folderTo) point(id string, r record, key, line string) (bool, error) {
	at, ok := w.places[id+r.text(id)]
	if !ok {
		return false, nil
	}
	name, ok := below(at+"/metrics", key)
	if !ok {
		return false, nil
	}
	return true, w.points.add(w.root, name, line+"\n")
}

func (w *folderTo) dataset(r record) (bool, error) {
	above, ok := w.places["experiment_id"+r.text("experiment_id")]
	if !ok {
		return false, nil
	}
	return w.meta(above+"/datasets/"+r.text("dataset_uuid"), "digest", r.text("digest"), "name", r.text("name"), "profile", orNil(r["dataset_profile"]),
		"schema", orNil(r["dataset_schema"]), "source", r.text("dataset_source"), "source_type", r.text("dataset_source_type"))
}

func orNil(v any) any {
	if v == "" {
		return nil
	}
	return v
}

// input takes links of runs to datasets, which wait for their tags, and to logged
// models.
func (w *folderTo) input(r record) (bool, error) {
	run := "destination_id"
	if r["source_type"] != "DATASET" {
		run = "source_id"
	}
	at, ok := w.places["run_uuid"+r.text(run)]
	model := r.text("destination_id")
	switch {
	case !ok:
		return false, nil
	case run == "destination_id":
		w.inputs[r.text("input_uuid")] = &fileInput{dir: at + "/inputs/" + r.text("input_uuid"), dataset: r.text("source_id")}
		return true, nil
	case r["source_type"] == "RUN_OUTPUT":
		return w.meta(at+"/outputs/"+model, "destination_id", model, "destination_type", "MODEL_OUTPUT", "source_id", model,
			"source_type", "RUN_OUTPUT", "step", r["step"], "tags", [][2]string{})
	}
	return w.meta(at+"/inputs/"+model, "destination_id", model, "destination_type", "RUN", "source_id", model, "source_type", "MODEL", "tags", [][2]string{})
}

func (w *folderTo) inputTag(r record) (bool, error) {
	in := w.inputs[r.text("input_uuid")]
	if in != nil {
		in.tags = append(in.tags, [2]string{r.text("name"), r.text("value")})
	}
	return in != nil, nil
}

func (w *folderTo) loggedModel(r record) (bool, error) {
	id := r.text("model_id")
	above, ok := w.places["experiment_id"+r.text("experiment_id")]
	place, fits := below(above+"/models", id)
	if !ok || !fits {
		return false, nil
	}
	uri, err := w.files(r.text("artifact_location"), place+"/artifacts", true)
	if err != nil {
		return false, err
	}
	w.places["model_id"+id] = place
	fields := []any{"artifact_location", uri, "creation_timestamp", r["creation_timestamp_ms"], "experiment_id", r.text("experiment_id"),
		"last_updated_timestamp", r["last_updated_timestamp_ms"], "model_id", id, "model_type", orNil(r["model_type"]), "name", r.text("name"),
		"source_run_id", r["source_run_id"], "status", r["status"], "status_message", r["status_message"]}
	if r.text("lifecycle_stage") == tracking.Deleted {
		fields = append(fields, "lifecycle_stage", tracking.Deleted)
	}
	return w.meta(place, fields...)
}

func (w *folderTo) registered(r record) (bool, error) {
	name := r.text("name")
	place, ok := below("models", name)
	if !ok || strings.Contains(name, "/") {
		return false, nil
	}
	w.places["name"+name] = place
	w.models[name] = &fileModel{dir: place, fields: []any{"creation_timestamp", r["creation_time"], "description", orNil(r["description"]), "last_updated_timestamp", r["last_updated_time"], "name", name}}
	return true, w.root.MkdirAll(place, 0o755)
}

func (w *folderTo) versionPlace(r record) (string, bool) {
	at, ok := w.places["name"+r.text("name")]
	return at + "/version-" + r.text("version"), ok
}

func (w *folderTo) version(r record) (bool, error) {
	at, ok := w.versionPlace(r)
	if !ok {
		return false, nil
	}
	source, storage := w.uri(r.text("source")), orNil(w.uri(r.text("storage_location")))
	return w.meta(at, "aliases", [][2]string{}, "creation_timestamp", r["creation_time"], "current_stage", r.text("current_stage"), "description", orNil(r["description"]),
		"last_updated_timestamp", r["last_updated_time"], "name", r.text("name"), "run_id", orNil(r["run_id"]), "run_link", orNil(r["run_link"]), "source", source,
		"status", r.text("status"), "status_message", r["status_message"], "storage_location", storage, "user_id", r["user_id"], "version", r["version"])
}

func (w *folderTo) versionTag(r record) (bool, error) {
	at, ok := w.versionPlace(r)
	if !ok {
		return false, nil
	}
	return w.file(at+"/tags", r.text("key"), r.text("value"))
}

func (w *folderTo) alias(r record) (bool, error) {
	m := w.models[r.text("name")]
	if m == nil {
		return false, nil
	}
	m.aliases = append(m.aliases, [2]string{r.text("alias"), r.text("version")})
	return w.file(m.dir+"/aliases", r.text("alias"), r.text("version"))
}

// rest writes what waited for other tables.
func (w *folderTo) rest() error {
	for _, id := range slices.Sorted(maps.Keys(w.inputs)) {
		in := w.inputs[id]
		if _, err := w.meta(in.dir, "destination_id", in.dataset, "destination_type", "RUN", "source_id", in.dataset, "source_type", "DATASET", "tags", in.tags); err != nil {
			return err
		}
	}
	for _, m := range w.models {
		if _, err := w.meta(m.dir, append(m.fields, "aliases", m.aliases)...); err != nil {
			return err
		}
	}
	return context.Cause(w.ctx)
}
