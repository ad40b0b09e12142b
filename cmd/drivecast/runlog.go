package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/train"
)

// runLogger records a training result as a run of a tracking server.
type runLogger struct {
	server *client.Client
	now    func() time.Time
	getenv func(string) string
	logger *slog.Logger
	audit  *audited // nil when the data was not audited
}

// The tags by which drivecast finds its own runs and versions again.
const (
	tagSplit  = "drivecast.split_digest" // versions of one digest were judged on the same rows
	tagData   = "drivecast.data_sha256"
	tagMetric = "drivecast.metric." // + name: the metric of a version
)

const modelArtifact = "model" // artifact folder of the model

// record logs r and the model folder dir, to the run that the environment names
// (MLFLOW_RUN_ID) or to a new one, and registers the model when register is not
// empty. A run that cannot be finished is marked as failed.
func (l *runLogger) record(ctx context.Context, r *train.Result, dir, experiment, register string) (runID, version string, err error) {
	info, own, err := l.open(ctx, r, experiment)
	if err != nil {
		return "", "", err
	}
	if own {
		defer func() {
			status := "FINISHED"
			if err != nil {
				status = "FAILED"
			}
			if e := l.server.UpdateRun(context.WithoutCancel(ctx), info.ID, status, l.now()); e != nil && err == nil {
				err = e
			}
		}()
	}
	if err := l.logResult(ctx, info.ID, r); err != nil {
		return info.ID, "", err
	}
	if err := l.upload(ctx, info, r, dir); err != nil {
		return info.ID, "", err
	}
	if register == "" {
		return info.ID, "", nil
	}
	v, err := l.server.Register(ctx, register, info.ArtifactURI+"/"+modelArtifact, info.ID, append(versionTags(r), l.audit.tags()...))
	if err != nil {
		return info.ID, "", err
	}
	return info.ID, v.Version, nil
}

// open returns the run to log to, and whether it is ours to end.
func (l *runLogger) open(ctx context.Context, r *train.Result, experiment string) (*client.RunInfo, bool, error) {
	if id := l.getenv("MLFLOW_RUN_ID"); id != "" {
		run, err := l.server.GetRun(ctx, id)
		if err != nil {
			return nil, false, err
		}
		return &run.Info, false, nil
	}
	if experiment == "" {
		experiment = "Default"
	}
	e, err := l.server.EnsureExperiment(ctx, experiment)
	if err != nil {
		return nil, false, err
	}
	tags := []client.Tag{{Key: "mlflow.source.name", Value: "drivecast train"}, {Key: "mlflow.source.type", Value: "LOCAL"}}
	if user := l.getenv("USER"); user != "" {
		tags = append(tags, client.Tag{Key: "mlflow.user", Value: user})
	}
	if b := readBuild(); b.Commit != "" {
		tags = append(tags, client.Tag{Key: "mlflow.source.git.commit", Value: b.Commit})
	}
	info, err := l.server.CreateRun(ctx, e.ID, "", l.now(), tags)
	return info, true, err
}

func (l *runLogger) logResult(ctx context.Context, id string, r *train.Result) error {
	var params []client.Tag
	for _, s := range r.Settings {
		params = append(params, client.Tag{Key: s.Name, Value: s.Value})
	}
	var metrics []client.Metric
	now := l.now()
	for _, m := range r.Metrics {
		metrics = append(metrics, client.Metric{Key: m.Name, Value: m.Value, Time: now})
	}
	split, err := json.Marshal(r.Split)
	if err != nil {
		return err
	}
	tags := []client.Tag{
		{Key: tagSplit, Value: r.Split.Digest}, {Key: tagData, Value: r.Data.Hash},
		{Key: "drivecast.split", Value: string(split)}, {Key: "estimator_name", Value: r.Learner},
	}
	tags = append(tags, l.audit.tags()...)
	if err := l.server.Log(ctx, id, metrics, params, tags); err != nil {
		return err
	}
	source, err := json.Marshal(map[string]string{"uri": r.Data.Path, "sha256": r.Data.Hash})
	if err != nil {
		return err
	}
	profile, err := json.Marshal(map[string]any{"num_rows": r.Data.Rows, "num_features": len(r.Data.Features), "prevalence": r.Data.Prevalence})
	if err != nil {
		return err
	}
	err = l.server.LogInput(ctx, id, client.Dataset{Name: filepath.Base(r.Data.Path), Digest: r.Data.Hash[:36], SourceType: "local",
		Source: string(source), Profile: string(profile)}, "training")
	if errs.Is(err, errs.Unsupported) || errs.Is(err, errs.NotFound) {
		l.logger.Warn("this server keeps no record of data", "err", err)
		return nil
	}
	return err
}

// upload sends the model folder and the evidence beside it.
func (l *runLogger) upload(ctx context.Context, info *client.RunInfo, r *train.Result, dir string) error {
	if err := l.server.UploadDir(ctx, info.ArtifactURI+"/"+modelArtifact, dir); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "drivecast-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	files := map[string]any{"split.json": r.Split, "data.json": map[string]any{"data": r.Data, "left_out": r.LeftOut}, "samples.json": r.Samples}
	if r.Importances != nil {
		files[train.ImportanceFile] = r.Importances
	}
	if l.audit != nil && l.audit.report != nil {
		files[auditArtifact] = l.audit.report
	}
	for name, v := range files {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return err
		}
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			return err
		}
		if err := l.server.UploadFile(ctx, info.ArtifactURI, name, file); err != nil {
			return err
		}
	}
	return nil
}

// versionTags carry what a comparison of versions needs.
func versionTags(r *train.Result) []client.Tag {
	tags := []client.Tag{{Key: tagSplit, Value: r.Split.Digest}, {Key: tagData, Value: r.Data.Hash}, {Key: "drivecast.learner", Value: r.Learner},
		{Key: "drivecast.code_commit", Value: cmp.Or(readBuild().Commit, readBuild().Version)}}
	for _, m := range r.Metrics {
		if slices.Contains([]string{"accuracy", "precision", "recall", "f1_score", "roc_auc", "roc_auc_low", "roc_auc_high", "average_precision"}, m.Name) {
			tags = append(tags, client.Tag{Key: tagMetric + m.Name, Value: train.Show(m.Value)})
		}
	}
	return tags
}
