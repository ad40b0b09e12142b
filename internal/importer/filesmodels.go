package importer

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

func (w *work) filesModels(ctx context.Context, f folder, place string, links map[string][]link) error {
	names, err := f.folders(place + "/models")
	if err != nil {
		return err
	}
	for _, name := range names {
		if !modelID().MatchString(name) {
			continue
		}
		m, life, err := f.model(place+"/models/"+name, name)
		if err != nil {
			return err
		}
		if err := w.model(ctx, m, life, links[name]); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) model(dir, id string) (m tracking.LoggedModel, life string, err error) {
	var meta struct {
		Experiment string `yaml:"experiment_id"`
		Name       string `yaml:"name"`
		Location   string `yaml:"artifact_location"`
		Created    int64  `yaml:"creation_timestamp"`
		Updated    int64  `yaml:"last_updated_timestamp"`
		Status     int64  `yaml:"status"`
		Message    string `yaml:"status_message"`
		Type       string `yaml:"model_type"`
		Run        string `yaml:"source_run_id"`
		Stage      string `yaml:"lifecycle_stage"`
	}
	if err := f.meta(dir, &meta); err != nil {
		return m, "", err
	}
	m = tracking.LoggedModel{ID: id, ExperimentID: meta.Experiment, Name: meta.Name, Type: meta.Type, SourceRunID: meta.Run, ArtifactURI: meta.Location,
		Status: cmp.Or(modelStates[meta.Status], tracking.ModelPending), StatusMessage: meta.Message, Created: meta.Created, Updated: meta.Updated}
	if m.Params, err = f.pairs(dir + "/params"); err != nil {
		return m, "", err
	}
	if m.Tags, err = f.pairs(dir + "/tags"); err != nil {
		return m, "", err
	}
	for p, err := range f.points(dir + "/metrics") {
		if err != nil {
			return m, "", err
		}
		m.Metrics = append(m.Metrics, p)
	}
	return m, stage(meta.Stage), nil
}

func (w *work) filesRegistry(ctx context.Context, f folder) error {
	names, err := f.folders("models")
	if err != nil {
		return err
	}
	for _, name := range names {
		dir := "models/" + name
		var meta struct {
			Name        string            `yaml:"name"`
			Description string            `yaml:"description"`
			Created     int64             `yaml:"creation_timestamp"`
			Updated     int64             `yaml:"last_updated_timestamp"`
			Aliases     map[string]string `yaml:"aliases"`
		}
		if err := f.meta(dir, &meta); err != nil {
			return err
		}
		if meta.Name != name {
			if err := w.skip("registered model", dir, "its meta.yaml is of "+strconv.Quote(meta.Name)); err != nil {
				return err
			}
			continue
		}
		m := registry.Model{Name: name, Description: meta.Description, Created: meta.Created, Updated: meta.Updated}
		for alias, version := range meta.Aliases {
			m.Aliases = append(m.Aliases, registry.Alias{Alias: alias, Version: version})
		}
		slices.SortFunc(m.Aliases, func(a, b registry.Alias) int { return strings.Compare(a.Alias, b.Alias) })
		if m.Tags, err = f.registryTags(dir); err != nil {
			return err
		}
		versions, last, err := f.versions(dir, name)
		if err != nil {
			return err
		}
		if err := w.registered(ctx, m, versions, last); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) registryTags(dir string) (out []registry.Tag, err error) {
	tags, err := f.pairs(dir + "/tags")
	for _, t := range tags {
		out = append(out, registry.Tag(t))
	}
	return out, err
}

func (f folder) versions(dir, name string) (out []registry.Version, last int64, err error) {
	names, err := f.folders(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range names {
		digits, ok := strings.CutPrefix(entry, "version-")
		number, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || number < 1 {
			continue
		}
		var meta struct {
			Created     int64  `yaml:"creation_timestamp"`
			Updated     int64  `yaml:"last_updated_timestamp"`
			Stage       string `yaml:"current_stage"`
			Description string `yaml:"description"`
			Source      string `yaml:"source"`
			Storage     string `yaml:"storage_location"`
			Run         string `yaml:"run_id"`
			Link        string `yaml:"run_link"`
			Status      string `yaml:"status"`
			Message     string `yaml:"status_message"`
			User        string `yaml:"user_id"`
		}
		if err := f.meta(dir+"/"+entry, &meta); err != nil {
			return nil, 0, err
		}
		if last = max(last, number); meta.Stage == deletedStage {
			continue
		}
		v := registry.Version{Name: name, Number: number, Created: meta.Created, Updated: meta.Updated, Stage: cmp.Or(meta.Stage, registry.NoStage),
			Description: meta.Description, Source: meta.Source, Storage: meta.Storage, RunID: meta.Run, RunLink: meta.Link,
			Status: cmp.Or(meta.Status, registry.Ready), Message: meta.Message, UserID: meta.User}
		if v.Tags, err = f.registryTags(dir + "/" + entry); err != nil {
			return nil, 0, err
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b registry.Version) int { return cmp.Compare(a.Number, b.Number) })
	return out, last, nil
}
