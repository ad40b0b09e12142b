package tracking

import (
	"context"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// The limits of sampled histories.
const (
	MaxSampledRuns   = 100
	MaxSampledPoints = 2500
)

// History returns the points of one metric, ordered by time, step and value.
// limit 0 means all of them.
func (s *Service) History(ctx context.Context, runID, key, token string, limit int) ([]Metric, string, error) {
	if err := CheckRunID(runID); err != nil {
		return nil, "", err
	}
	if limit < 0 {
		return nil, "", errs.New(errs.Invalid, "Invalid value %d for parameter 'max_results' supplied: it must not be negative", limit)
	}
	return s.store.History(ctx, runID, key, token, limit)
}

// Sampled returns one metric of several runs at evenly chosen steps.
func (s *Service) Sampled(ctx context.Context, q SampleQuery) ([]Metric, error) {
	if n := len(q.RunIDs); n == 0 || n > MaxSampledRuns {
		return nil, errs.New(errs.Invalid, "GetMetricHistoryBulkInterval request must specify at least one and at most %d run_ids. Received %d run_ids.", MaxSampledRuns, n)
	}
	if q.Limit < 1 || q.Limit > MaxSampledPoints {
		return nil, errs.New(errs.Invalid, "max_results must be between 1 and %d. See the API docs for more information about request parameters.", MaxSampledPoints)
	}
	if q.Bounded && q.Start > q.End {
		return nil, errs.New(errs.Invalid, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", q.Start, q.End)
	}
	return s.store.Sampled(ctx, q)
}

// SampleSteps chooses which steps to return: no more than limit of all (sorted,
// distinct), evenly spaced, the first and the last among them, and on top of
// them every step in keep.
func SampleSteps(all, keep []int64, limit int) []int64 {
	out := all
	if len(all) > limit {
		out = make([]int64, 0, limit+len(keep))
		for i := range limit {
			at := 0
			if limit > 1 {
				at = i * (len(all) - 1) / (limit - 1)
			}
			out = append(out, all[at])
		}
	} else {
		out = slices.Clone(all)
	}
	out = append(out, keep...)
	slices.Sort(out)
	return slices.Compact(out)
}
