package local

import (
	"context"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Finder looks components up that are registered in a catalog; nil knows none.
func Finder(ctx context.Context, c job.Catalog) job.Finder { return finder(ctx, c) }

// ResolveInputs puts the place of registered data and models (azureml:NAME:VERSION and
// azureml:NAME@latest) in the stead of the reference, in a job and in the steps of a
// pipeline. What is handed on as it is written (mode: direct) stays.
func ResolveInputs(ctx context.Context, c job.Catalog, j *job.Job) error {
	for name, in := range j.Inputs {
		if _, _, ok := SplitReference(in.Path); !ok || in.Mode == "direct" {
			continue
		}
		if c == nil {
			return errs.New(errs.NotFound, "%s: input %s: nothing is registered on this machine; name the folder with --dir, or give a local path", j.Source, name)
		}
		path, err := LocalAssets{c}.Resolve(ctx, in.Path)
		if err != nil {
			return errs.Wrap(err, "%s: input %s", j.Source, name)
		}
		in.Path = path
		j.Inputs[name] = in
	}
	if j.Pipeline == nil {
		return nil
	}
	for _, name := range j.Pipeline.Order {
		if err := ResolveInputs(ctx, c, j.Pipeline.Steps[name].Job); err != nil {
			return errs.Wrap(err, "jobs.%s", name)
		}
	}
	return nil
}
