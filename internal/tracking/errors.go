package tracking

import "github.com/drivecast/drivecast/errs"

// The failures whose texts clients know. Stores answer with these.

// NoExperiment says that there is no experiment of that id.
func NoExperiment(id string) error {
	return errs.New(errs.NotFound, "No Experiment with id=%s exists", id)
}

// NoExperimentNamed says that there is no experiment of that name.
func NoExperimentNamed(name string) error {
	return errs.New(errs.NotFound, "Could not find experiment with name '%s'", name)
}

// ExperimentExists says that the name is taken, maybe by a deleted experiment.
func ExperimentExists(name string) error {
	return errs.New(errs.Exists, "Experiment(name=%s) already exists. If it was deleted, restore it, or choose another name.", name)
}

// ExperimentNotActive says that a deleted experiment takes no changes.
func ExperimentNotActive(id, stage string) error {
	return errs.New(errs.Invalid, "The experiment %s must be in the 'active' state. Current state is %s.", id, stage)
}

// NoRun says that there is no run of that id.
func NoRun(id string) error { return errs.New(errs.NotFound, "Run with id=%s not found", id) }

// RunNotActive says that a deleted run takes no changes.
func RunNotActive(id, stage string) error {
	return errs.New(errs.Invalid, "The run %s must be in the 'active' state. Current state is %s.", id, stage)
}

// RunNotDeleted says that only deleted runs can be restored.
func RunNotDeleted(id, stage string) error {
	return errs.New(errs.Invalid, "The run %s must be in the 'deleted' state. Current state is %s.", id, stage)
}

// NoTag says that the run has no such tag.
func NoTag(runID, key string) error {
	return errs.New(errs.NotFound, "No tag with name: %s in run with id %s", key, runID)
}

// ParamChanged says that a parameter keeps its first value.
func ParamChanged(runID, key, old, value string) error {
	return errs.New(errs.Invalid, "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.", key, old, runID, value)
}

// ParamsChanged says that parameters of a batch keep their first values; the
// three texts are the first of them.
func ParamsChanged(runID, key, old, value string) error {
	return errs.New(errs.Invalid, "Changing param values is not allowed. Params were already logged='[{'key': '%s', 'old_value': '%s', 'new_value': '%s'}]' for run ID='%s'.", key, old, value, runID)
}

// NoModel says that there is no logged model of that id.
func NoModel(id string) error {
	return errs.New(errs.NotFound, "Logged model with ID '%s' not found.", id)
}

// BadToken says that a page token is not one of ours, or of another search.
func BadToken() error {
	return errs.New(errs.Invalid, "Invalid page token, could not base64-decode: it was not handed out for this search")
}
