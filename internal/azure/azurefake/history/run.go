package history

import (
	"context"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Run is what a job's run is to be.
type Run struct {
	Scope      string // the workspace's ARM id
	ID         string // the job's name
	Name       string // shown; "" is the id
	Experiment string // "" is Default
	Parent     string // id of the run it belongs to, or ""
	Tags       map[string]string
}

// Begin makes the run of a job, or begins it anew, and returns the environment
// that its process finds it by.
func (s *Service) Begin(ctx context.Context, r Run) ([]string, error) {
	if r.Experiment == "" {
		r.Experiment = "Default"
	}
	if r.Name == "" {
		r.Name = r.ID
	}
	b, err := s.book(ctx, r.Scope)
	if err != nil {
		return nil, err
	}
	experiment, err := s.experiment(ctx, b, r.Experiment)
	if err != nil {
		return nil, err
	}
	if _, err = b.store.RunInfo(ctx, r.ID); errs.Is(err, errs.NotFound) {
		err = s.create(ctx, b, r, experiment)
	} else if err == nil {
		_, err = b.api.Runs.UpdateRun(ctx, r.ID, tracking.RunChange{Status: tracking.Running})
	}
	if err != nil {
		return nil, errs.Wrap(err, "begin run %s", r.ID)
	}
	return s.environ(b, r, experiment), nil
}

func (s *Service) create(ctx context.Context, b *book, r Run, experiment string) error {
	if err := tracking.CheckRunID(r.ID); err != nil {
		return err
	}
	tags := []tracking.Tag{{Key: tracking.RunNameTag, Value: r.Name}, {Key: "mlflow.source.type", Value: "JOB"}, {Key: "mlflow.rootRunId", Value: root(r)}}
	if r.Parent != "" {
		tags = append(tags, tracking.Tag{Key: "mlflow.parentRunId", Value: r.Parent})
	}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		if k != "" && !slices.ContainsFunc(tags, func(t tracking.Tag) bool { return t.Key == k }) {
			tags = append(tags, tracking.Tag{Key: k, Value: r.Tags[k]})
		}
	}
	run := &tracking.Run{Tags: tags, RunInfo: tracking.RunInfo{
		ID: r.ID, Name: r.Name, ExperimentID: experiment, Status: tracking.Running, Start: s.o.Now().UnixMilli(), Stage: tracking.Active,
		ArtifactURI: s.location(b.scope, r.Experiment) + "/" + r.ID + "/artifacts",
	}}
	_, err := b.store.CreateRun(ctx, run)
	return err
}

func root(r Run) string {
	if r.Parent != "" {
		return r.Parent
	}
	return r.ID
}

// environ are the variables of a job's process.
func (s *Service) environ(b *book, r Run, experiment string) []string {
	token, ends := s.token(r.ID)
	parts := strings.Split(b.scope, "/") // /subscriptions/S/resourceGroups/G/providers/P/workspaces/W
	return []string{
		"MLFLOW_TRACKING_URI=" + strings.Replace(s.o.URL, "https://", "azureml://", 1) + "/mlflow/v1.0" + b.scope,
		"MLFLOW_TRACKING_TOKEN=" + token, "MLFLOW_RUN_ID=" + r.ID, "MLFLOW_EXPERIMENT_ID=" + experiment, "MLFLOW_EXPERIMENT_NAME=" + r.Experiment,
		"AZUREML_RUN_ID=" + r.ID, "AZUREML_ROOT_RUN_ID=" + root(r), "AZUREML_RUN_TOKEN=" + token, "AZUREML_RUN_TOKEN_EXPIRY=" + strconv.FormatInt(ends.Unix(), 10),
		"AZUREML_ARM_SUBSCRIPTION=" + parts[2], "AZUREML_ARM_RESOURCEGROUP=" + parts[4], "AZUREML_ARM_WORKSPACE_NAME=" + path.Base(b.scope),
		"AZUREML_ARM_PROJECT_NAME=" + r.Experiment, "AZUREML_EXPERIMENT_ID=" + experiment,
		"AZUREML_SERVICE_ENDPOINT=" + s.o.URL, "AZUREML_RUN_HISTORY_SERVICE_ENDPOINT=" + s.o.URL, "AZUREML_DISCOVERY_SERVICE_ENDPOINT=" + s.o.URL + "/discovery",
		"DRIVECAST_AZURE_CA=" + s.o.CA, "REQUESTS_CA_BUNDLE=" + s.o.Bundle, "SSL_CERT_FILE=" + s.o.Bundle,
	}
}

// End says how a run ended.
func (s *Service) End(ctx context.Context, scope, id, status string) error {
	b, err := s.book(ctx, scope)
	if err == nil {
		_, err = b.api.Runs.UpdateRun(ctx, id, tracking.RunChange{Status: status, End: s.o.Now().UnixMilli()})
	}
	return errs.Wrap(err, "end run %s", id)
}

// Tag sets tags of a run.
func (s *Service) Tag(ctx context.Context, scope, id string, tags map[string]string) error {
	b, err := s.book(ctx, scope)
	if err != nil {
		return err
	}
	var list []tracking.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tracking.Tag{Key: k, Value: tags[k]})
	}
	return errs.Wrap(b.api.Runs.Log(ctx, id, tracking.Batch{Tags: list}), "tag run %s", id)
}

// Values is the history of a metric of a run, by step; empty when it has none.
func (s *Service) Values(ctx context.Context, scope, id, metric string) ([]float64, error) {
	b, err := s.book(ctx, scope)
	if err != nil {
		return nil, err
	}
	points, _, err := b.api.Runs.History(ctx, id, metric, "", 0)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, errs.Wrap(err, "read %s of run %s", metric, id)
	}
	slices.SortStableFunc(points, func(a, b tracking.Metric) int { return int(a.Step - b.Step) })
	out := make([]float64, len(points))
	for i, p := range points {
		out[i] = p.Value
	}
	return out, nil
}

// Clear removes the files of a run, whose job begins anew.
func (s *Service) Clear(id string) error {
	return errs.Wrap(os.RemoveAll(s.o.File(artifacts(id))), "clear the files of run %s", id)
}
