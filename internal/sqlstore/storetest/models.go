package storetest

import (
	"fmt"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

func loggedModels(t *testing.T, b *bench) {
	c := t.Context()
	r := b.run(t, "0", "r")
	m := must(b.runs.CreateModel(c, tracking.LoggedModel{ExperimentID: "0", Name: "forest", Type: "sklearn", SourceRunID: r.ID, Params: []tracking.Tag{{Key: "p", Value: "1"}}}))(t)
	same(t, "made", []any{m.Status, m.ArtifactURI}, []any{"LOGGED_MODEL_PENDING", "mlflow-artifacts:/0/models/" + m.ID + "/artifacts"})
	other := must(b.runs.CreateModel(c, tracking.LoggedModel{ExperimentID: "0", Name: "line"}))(t)
	ok(t, b.runs.LogModelParams(c, m.ID, []tracking.Tag{{Key: "q", Value: "2"}}))
	m = must(b.runs.FinalizeModel(c, m.ID, "LOGGED_MODEL_READY"))(t)
	must(b.runs.SetModelTags(c, m.ID, []tracking.Tag{{Key: "t", Value: "v"}}))(t)
	for i, id := range []string{m.ID, other.ID} {
		p := metric("auc", .5+float64(i)/10, 1, 0)
		p.ModelID, p.DatasetName, p.DatasetDigest = id, "seed", "abc"
		ok(t, b.runs.Log(c, r.ID, tracking.Batch{Metrics: []tracking.Metric{p}}))
	}
	m = must(b.runs.Model(c, m.ID))(t)
	same(t, "filled", []any{m.Status, m.Params, m.Tags, len(m.Metrics), m.Metrics[0].RunID == r.ID}, "[LOGGED_MODEL_READY [{p 1} {q 2}] [{t v}] 1 true]")
	find := func(q tracking.ModelSearch) (out []string) {
		q.ExperimentIDs = []string{"0"}
		for {
			page, next, err := b.runs.SearchModels(c, q)
			ok(t, err)
			for _, m := range page {
				out = append(out, m.Name)
			}
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	same(t, "newest first", find(tracking.ModelSearch{Limit: 1}), "[line forest]")
	same(t, "by name", find(tracking.ModelSearch{Limit: 1, OrderBy: []tracking.ModelOrder{{Field: "name"}}}), "[forest line]")
	same(t, "by metric", find(tracking.ModelSearch{Limit: 1, OrderBy: []tracking.ModelOrder{{Field: "metrics.auc", Dataset: tracking.DatasetKey{Name: "seed"}}}}), "[forest line]")
	same(t, "filter", find(tracking.ModelSearch{Filter: "params.p = '1' AND tags.t = 'v' AND attributes.status = 'LOGGED_MODEL_READY'"}), "[forest]")
	same(t, "metric filter", find(tracking.ModelSearch{Filter: "metrics.auc > 0.55", Datasets: []tracking.DatasetKey{{Name: "seed", Digest: "abc"}}}), "[line]")
	same(t, "other dataset", find(tracking.ModelSearch{Filter: "metrics.auc > 0", Datasets: []tracking.DatasetKey{{Name: "other"}}}), "[]")
	_, _, err := b.runs.SearchModels(c, tracking.ModelSearch{ExperimentIDs: []string{"0"}, Filter: "metric.auc > 0"})
	refused(t, err, errs.Invalid)
	ok(t, b.runs.LogOutputs(c, r.ID, []tracking.ModelOutput{{ModelID: m.ID, Step: 3}}))
	same(t, "outputs", must(b.runs.Run(c, r.ID))(t).ModelOutputs, []tracking.ModelOutput{{ModelID: m.ID, Step: 3}})
	ok(t, b.runs.DeleteModelTag(c, m.ID, "t"))
	refused(t, b.runs.DeleteModelTag(c, m.ID, "t"), errs.NotFound)
	ok(t, b.runs.DeleteModel(c, m.ID))
	_, err = b.runs.Model(c, m.ID)
	refused(t, err, errs.NotFound)
	same(t, "left", find(tracking.ModelSearch{}), "[line]")
	_, err = b.runs.CreateModel(c, tracking.LoggedModel{ExperimentID: "0", Name: "a/b"})
	refused(t, err, errs.Invalid)
}

func (b *bench) version(t *testing.T, name, run string) *registry.Version {
	t.Helper()
	return must(b.models.CreateVersion(t.Context(), registry.NewVersion{Name: name, Source: "s3://b/x", RunID: run}))(t)
}

func registryChecks(t *testing.T, b *bench) {
	c := t.Context()
	m := must(b.models.CreateModel(c, "hdd", "text", []registry.Tag{{Key: "k", Value: "v"}}))(t)
	same(t, "made", []any{m.Name, m.Description, m.Tags}, "[hdd text [{k v}]]")
	_, err := b.models.CreateModel(c, "hdd", "", nil)
	refused(t, err, errs.Exists)
	for _, bad := range []string{"", " ", "a/b", "a:b"} {
		_, err = b.models.CreateModel(c, bad, "", nil)
		refused(t, err, errs.Invalid)
	}
	for i := range 3 {
		v := b.version(t, "hdd", fmt.Sprintf("run%d", i))
		same(t, "number", []any{v.Number, v.Stage, v.Status}, []any{i + 1, "None", "READY"})
	}
	ok(t, b.models.DeleteVersion(c, "hdd", "3"))
	same(t, "the number after a deleted one", b.version(t, "hdd", "").Number, 4)
	_, err = b.models.Version(c, "hdd", "3")
	refused(t, err, errs.NotFound)
	_, err = b.models.Version(c, "hdd", "x")
	refused(t, err, errs.Invalid)
	ok(t, b.models.SetVersionTag(c, "hdd", "1", registry.Tag{Key: "a", Value: "b"}))
	v := must(b.models.DescribeVersion(c, "hdd", "1", "first"))(t)
	same(t, "described", []any{v.Description, v.Tags}, "[first [{a b}]]")
	m = must(b.models.RenameModel(c, "hdd", "disk"))(t)
	same(t, "renamed", []any{m.Name, must(b.models.Version(c, "disk", "1"))(t).Tags}, "[disk [{a b}]]")
	_, err = b.models.Model(c, "hdd")
	refused(t, err, errs.NotFound)
	must(b.models.CreateModel(c, "taken", "", nil))(t)
	_, err = b.models.RenameModel(c, "disk", "taken")
	refused(t, err, errs.Exists)
	ok(t, b.models.DeleteModel(c, "disk"))
	_, err = b.models.Version(c, "disk", "1")
	refused(t, err, errs.NotFound)
	must(b.models.CreateModel(c, "prompt", "", []registry.Tag{{Key: registry.PromptTag, Value: "true"}}))(t)
	find := func(text string) (out []string) {
		list, _, err := b.models.SearchModels(c, registry.Search{Filter: text})
		ok(t, err)
		for _, m := range list {
			out = append(out, m.Name)
		}
		return out
	}
	same(t, "prompts are hidden", find(""), "[taken]")
	same(t, "prompts are hidden", find("tag.`mlflow.prompt.is_prompt` != 'true'"), "[taken]")
	same(t, "prompts", find("tag.`mlflow.prompt.is_prompt` = 'true'"), "[prompt]")
	same(t, "by name", find("name LIKE 't%'"), "[taken]")
}

func aliases(t *testing.T, b *bench) {
	c := t.Context()
	must(b.models.CreateModel(c, "m", "", nil))(t)
	b.version(t, "m", "")
	b.version(t, "m", "")
	ok(t, b.models.SetAlias(c, "m", "champion", "1"))
	ok(t, b.models.SetAlias(c, "m", "champion", "2"))
	same(t, "alias", must(b.models.VersionByAlias(c, "m", "champion"))(t).Number, 2)
	same(t, "latest", must(b.models.VersionByAlias(c, "m", "latest"))(t).Number, 2)
	same(t, "of the version", must(b.models.Version(c, "m", "2"))(t).Aliases, "[champion]")
	same(t, "of the model", must(b.models.Model(c, "m"))(t).Aliases, "[{champion 2}]")
	refused(t, b.models.SetAlias(c, "m", "champion", "9"), errs.NotFound)
	for _, bad := range []string{"latest", "LATEST", "v1", "V23", "a b", "a/b", ""} {
		refused(t, b.models.SetAlias(c, "m", bad, "1"), errs.Invalid)
	}
	ok(t, b.models.DeleteVersion(c, "m", "2"))
	_, err := b.models.VersionByAlias(c, "m", "champion")
	refused(t, err, errs.Invalid)
	ok(t, b.models.DeleteAlias(c, "m", "nobody"))
}

func stages(t *testing.T, b *bench) {
	c := t.Context()
	must(b.models.CreateModel(c, "m", "", nil))(t)
	for range 3 {
		b.version(t, "m", "")
	}
	move := func(version, stage string, archive bool) error {
		_, err := b.models.StageVersion(c, "m", version, stage, archive)
		return err
	}
	ok(t, move("1", "staging", false))
	ok(t, move("2", "Staging", true))
	same(t, "archived", must(b.models.Version(c, "m", "1"))(t).Stage, "Archived")
	refused(t, move("1", "nobody", false), errs.Invalid)
	refused(t, move("1", "None", true), errs.Invalid)
	list := must(b.models.LatestVersions(c, "m", []string{"Staging", "none"}))(t)
	same(t, "latest", len(list), 2)
	same(t, "of the model", len(must(b.models.Model(c, "m"))(t).Latest), 3)
}

func versionSearch(t *testing.T, b *bench) {
	c := t.Context()
	must(b.models.CreateModel(c, "m", "", nil))(t)
	for i := range 5 {
		b.version(t, "m", fmt.Sprintf("run%d", i%2))
	}
	find := func(q registry.Search) (out []int64) {
		for {
			page, next, err := b.models.SearchVersions(c, q)
			ok(t, err)
			for _, v := range page {
				out = append(out, v.Number)
			}
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	same(t, "newest first", find(registry.Search{Limit: 2}), "[5 4 3 2 1]")
	same(t, "by number", find(registry.Search{Filter: "name = 'm' AND version_number > 2", OrderBy: []string{"version_number ASC"}}), "[3 4 5]")
	same(t, "by run", find(registry.Search{Filter: "run_id IN ('run1')", OrderBy: []string{"version_number"}}), "[2 4]")
	_, _, err := b.models.SearchVersions(c, registry.Search{Filter: "nobody = 'x'"})
	refused(t, err, errs.Invalid)
	for _, bad := range []string{"file:///etc", "/etc", "s3://b/../x", "file://host/x", "//proc/self/root", "s3://b/%252e%252e/x", "dbfs:/x/a%3f/../..", "x\x00y", "runs:/a/b", "local:/etc"} {
		_, err := b.models.CreateVersion(c, registry.NewVersion{Name: "m", Source: bad})
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("source %q: got %v, want a refusal", bad, err)
		}
	}
	for _, good := range []string{"mlflow-artifacts:/models///x", "s3://b/x/..../y", "https://host/a"} {
		must(b.models.CreateVersion(c, registry.NewVersion{Name: "m", Source: good}))(t)
	}
}
