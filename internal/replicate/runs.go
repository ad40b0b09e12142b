package replicate

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// orphans is the experiment of the target that gets the files of versions without a run.
const orphans = "replicated models"

// notCopied are tags of runs that name files which are not replicated.
var notCopied = map[string]bool{"mlflow.log-model.history": true}

// run returns the run of the target that stands for the one that made a version, and
// keeps its files. Servers choose the ids of runs, so it is known by a tag.
func (r *Replicator) run(ctx context.Context, name string, v *client.Version) (*client.RunInfo, error) {
	experiment, key := orphans, "none-"+digest(name, v.Version, identity(v))[:32]
	source := &client.Run{}
	source.Info.Name, source.Info.Status = name+" version "+v.Version, "FINISHED"
	source.Info.Start, source.Info.End = v.Created, v.Created
	if v.RunID != "" {
		found, err := r.from.GetRun(ctx, v.RunID)
		named := ""
		if err == nil {
			named, err = r.experiment(ctx, found.Info.ExperimentID)
		}
		switch {
		case err == nil:
			source, key, experiment = found, found.Info.ID, named
		case !errs.Is(err, errs.NotFound): // a version outlives its run
			return nil, err
		}
	}
	if strings.ContainsAny(key, "'\"\\`") {
		return nil, errs.New(errs.Invalid, "the run id %q has quotes in it", key)
	}
	e, err := r.to.EnsureExperiment(ctx, experiment)
	if err != nil {
		return nil, err
	}
	runs, _, err := r.to.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}, Filter: "tags.`" + runTag + "` = '" + key + "'", OrderBy: []string{"attributes.start_time ASC"}})
	if err != nil {
		return nil, err
	}
	if len(runs) > 0 {
		if runs[0].Tag(doneTag) == "" {
			err = r.fill(ctx, source, runs[0].Info.ID)
		}
		return &runs[0].Info, err
	}
	made, err := r.to.CreateRun(ctx, e.ID, source.Info.Name, time.UnixMilli(int64(source.Info.Start)), []client.Tag{{Key: runTag, Value: key}, {Key: fromTag, Value: r.from.URI()}})
	if err != nil {
		return nil, err
	}
	r.report.Runs++
	return made, r.fill(ctx, source, made.ID)
}

// fill brings what is known of a run. All of it may be sent twice: parameters, tags and
// points that are there stay as they are.
func (r *Replicator) fill(ctx context.Context, source *client.Run, id string) error {
	var points []client.Metric
	for _, m := range source.Data.Metrics {
		history, err := r.from.MetricHistory(ctx, source.Info.ID, m.Key)
		if err != nil {
			return err
		}
		points = append(points, history...)
	}
	var tags []client.Tag
	for _, t := range own(source.Data.Tags) {
		if !notCopied[t.Key] {
			tags = append(tags, t)
		}
	}
	if err := r.to.Log(ctx, id, points, source.Data.Params, tags); err != nil {
		return err
	}
	if source.Info.Status != "RUNNING" {
		var end time.Time
		if source.Info.End > 0 {
			end = time.UnixMilli(int64(source.Info.End))
		}
		if err := r.to.UpdateRun(ctx, id, source.Info.Status, end); err != nil {
			return err
		}
	}
	return r.to.SetTag(ctx, id, doneTag, "true")
}

// experiment returns the name of an experiment of the source.
func (r *Replicator) experiment(ctx context.Context, id string) (string, error) {
	var out struct {
		Experiment client.Experiment `json:"experiment"`
	}
	err := r.from.Call(ctx, http.MethodGet, "experiments/get", url.Values{"experiment_id": {id}}, &out)
	return out.Experiment.Name, errs.Wrap(err, "find experiment %s", id)
}
