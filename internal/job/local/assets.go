package local

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// assetSpec is how a registered document is kept: its text and where it was, as
// relative paths in it start there.
type assetSpec struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// Register keeps a document (component, data, environment, model, schedule) in
// the catalog under its name and version. A document without a version gets the
// next number.
func Register(ctx context.Context, c job.Catalog, d *job.Document, now time.Time) (job.Asset, error) {
	if err := d.Check().Err(); err != nil {
		return job.Asset{}, err
	}
	text, err := d.Text()
	if err != nil {
		return job.Asset{}, err
	}
	spec, err := json.Marshal(assetSpec{File: filepath.Join(d.Dir, filepath.Base(d.File)), Text: string(text)})
	if err != nil {
		return job.Asset{}, errs.Wrap(err, "write down %s", d.File)
	}
	name, version := d.Named()
	if name == "" {
		return job.Asset{}, errs.New(errs.Invalid, "%s: give it a name", d.File)
	}
	if version == "" && d.Kind != job.KindSchedule {
		if version, err = nextVersion(ctx, c, d.Kind, name); err != nil {
			return job.Asset{}, err
		}
	}
	a := job.Asset{Kind: d.Kind, Name: name, Version: version, Spec: spec, Created: now.UTC().Truncate(time.Millisecond)}
	return a, c.Put(ctx, a)
}

// AssetDocument parses the document of a registered asset.
func AssetDocument(a job.Asset) (*job.Document, error) {
	var s assetSpec
	if err := json.Unmarshal(a.Spec, &s); err != nil {
		return nil, errs.Wrap(err, "read %s %s", a.Kind, a.Name)
	}
	return job.Parse([]byte(s.Text), s.File)
}

// SplitReference takes azureml:NAME:VERSION or azureml:NAME@latest apart.
func SplitReference(ref string) (name, version string, ok bool) {
	rest, ok := strings.CutPrefix(ref, "azureml:")
	if !ok || strings.HasPrefix(rest, "/") {
		return "", "", false
	}
	if name, label, labeled := strings.Cut(rest, "@"); labeled {
		return name, "latest", label == "latest"
	}
	name, version, _ = strings.Cut(rest, ":")
	return name, version, name != ""
}

// finder looks registered components up.
func finder(ctx context.Context, c job.Catalog) job.Finder {
	if c == nil {
		return nil
	}
	return func(ref string) (*job.Document, error) {
		name, version, ok := SplitReference(ref)
		if !ok {
			return nil, errs.New(errs.NotFound, "component %s is not on this machine", ref)
		}
		for _, k := range []job.Kind{job.KindCommandComponent, job.KindPipelineComponent, job.KindParallelComponent} {
			a, err := c.Asset(ctx, k, name, version)
			if errs.Is(err, errs.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return AssetDocument(a)
		}
		return nil, errs.New(errs.NotFound, "component %s is not registered here; register it, or name its file", ref)
	}
}

func nextVersion(ctx context.Context, c job.Catalog, k job.Kind, name string) (string, error) {
	list, err := c.Assets(ctx, k)
	if err != nil {
		return "", err
	}
	top := 0
	for _, a := range list {
		if n, err := strconv.Atoi(a.Version); err == nil && a.Name == name {
			top = max(top, n)
		}
	}
	return strconv.Itoa(top + 1), nil
}
