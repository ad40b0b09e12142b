package tracking

import (
	"context"
	"fmt"

	"github.com/drivecast/drivecast/errs"
)

// LogInputs records which datasets and logged models a run read.
func (s *Service) LogInputs(ctx context.Context, runID string, datasets []DatasetInput, models []string) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	for i, d := range datasets {
		if err := checkDataset(fmt.Sprintf("datasets[%d]", i), d); err != nil {
			return err
		}
	}
	return s.changed(ctx, runID, "logged", s.store.LogInputs(ctx, runID, datasets, models))
}

func checkDataset(where string, d DatasetInput) error {
	for _, f := range []struct {
		name, value string
		limit       int
		required    bool
	}{
		{"name", d.Dataset.Name, 500, true}, {"digest", d.Dataset.Digest, 36, true}, {"source_type", d.Dataset.SourceType, 65535, true},
		{"source", d.Dataset.Source, 65535, true}, {"schema", d.Dataset.Schema, 1048575, false}, {"profile", d.Dataset.Profile, 16777215, false},
	} {
		if f.required && f.value == "" {
			return errs.New(errs.Invalid, "Missing value for required parameter '%s.dataset.%s'. See the API docs for more information about request parameters.", where, f.name)
		}
		if err := checkLength("Dataset "+f.name, f.value, f.limit); err != nil {
			return err
		}
	}
	for _, t := range d.Tags {
		if err := checkLength("Dataset input tag key", t.Key, 255); err != nil {
			return err
		}
		if err := checkLength("Dataset input tag value", t.Value, 500); err != nil {
			return err
		}
	}
	return nil
}

// LogOutputs records which logged models a run yielded.
func (s *Service) LogOutputs(ctx context.Context, runID string, models []ModelOutput) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	return s.changed(ctx, runID, "logged", s.store.LogOutputs(ctx, runID, models))
}

// DatasetSummaries returns the datasets of the experiments, at most 1000.
func (s *Service) DatasetSummaries(ctx context.Context, experimentIDs []string) ([]DatasetSummary, error) {
	if len(experimentIDs) == 0 {
		return nil, errs.New(errs.Invalid, "SearchDatasets request must specify at least one experiment_id.")
	}
	if len(experimentIDs) > 20 {
		return nil, errs.New(errs.Invalid, "SearchDatasets request cannot specify more than 20 experiment_ids. Received %d experiment_ids.", len(experimentIDs))
	}
	return s.store.DatasetSummaries(ctx, experimentIDs, 1000)
}
