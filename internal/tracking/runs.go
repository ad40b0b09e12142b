package tracking

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// NewRun is what the maker of a run says about it; every field may be zero.
type NewRun struct {
	ExperimentID string
	UserID       string
	Name         string
	Start        int64
	Tags         []Tag
}

// CreateRun makes a running run. Its name is n.Name, the tag mlflow.runName, or
// a random one, and is kept in both places.
func (s *Service) CreateRun(ctx context.Context, n NewRun) (*Run, error) {
	if n.ExperimentID == "" {
		n.ExperimentID = DefaultExperimentID
	}
	if err := CheckExperimentID(n.ExperimentID); err != nil {
		return nil, err
	}
	tags, err := checkTags(n.Tags)
	if err != nil {
		return nil, err
	}
	named := slices.IndexFunc(tags, func(t Tag) bool { return t.Key == RunNameTag })
	switch {
	case named >= 0 && n.Name != "" && tags[named].Value != n.Name:
		return nil, errs.New(errs.Invalid, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').", n.Name, tags[named].Value)
	case named >= 0:
		n.Name = tags[named].Value
	}
	if n.Name == "" {
		s.mu.Lock()
		n.Name = RandomName(s.names)
		s.mu.Unlock()
	}
	if named >= 0 {
		tags[named].Value = n.Name
	} else {
		tags = append(tags, Tag{RunNameTag, n.Name})
	}
	r := &Run{Tags: tags}
	r.RunInfo = RunInfo{ID: newID(), Name: n.Name, ExperimentID: n.ExperimentID, UserID: n.UserID, Status: Running, Start: n.Start, Stage: Active}
	if r.ArtifactURI, err = s.store.CreateRun(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

// checkTags checks tags of a run, cuts long values, and keeps the last of each
// key.
func checkTags(tags []Tag) ([]Tag, error) {
	out := make([]Tag, 0, len(tags)+1)
	at := map[string]int{}
	for i, t := range tags {
		if err := checkKey("Tag", fmt.Sprintf("tags[%d].key", i), t.Key); err != nil {
			return nil, err
		}
		t.Value = truncate(t.Value, MaxRunTagValue)
		if j, seen := at[t.Key]; seen {
			out[j] = t
			continue
		}
		at[t.Key] = len(out)
		out = append(out, t)
	}
	return out, nil
}

// Run returns a run with its latest metrics, deleted or not.
func (s *Service) Run(ctx context.Context, id string) (*Run, error) {
	if err := CheckRunID(id); err != nil {
		return nil, err
	}
	return s.store.Run(ctx, id)
}

// RunInfo returns a run without what was logged to it.
func (s *Service) RunInfo(ctx context.Context, id string) (*RunInfo, error) {
	if err := CheckRunID(id); err != nil {
		return nil, err
	}
	return s.store.RunInfo(ctx, id)
}

// UpdateRun changes what c says; a name also changes the tag mlflow.runName.
func (s *Service) UpdateRun(ctx context.Context, id string, c RunChange) (*RunInfo, error) {
	if err := CheckRunID(id); err != nil {
		return nil, err
	}
	c.Name = truncate(c.Name, MaxRunTagValue)
	return s.store.UpdateRun(ctx, id, c)
}

// DeleteRun marks a run deleted.
func (s *Service) DeleteRun(ctx context.Context, id string) error {
	return s.store.StageRun(ctx, id, Deleted, s.millis())
}

// RestoreRun brings a deleted run back.
func (s *Service) RestoreRun(ctx context.Context, id string) error {
	return s.store.StageRun(ctx, id, Active, s.millis())
}

// Log records metrics, parameters and tags of an active run: all or nothing.
func (s *Service) Log(ctx context.Context, runID string, b Batch) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	if err := checkCounts(b); err != nil {
		return err
	}
	var err error
	for i := range b.Metrics {
		m := &b.Metrics[i]
		if err = checkKey("Metric", fmt.Sprintf("metrics[%d].name", i), m.Key); err != nil {
			return err
		}
		if m.Timestamp < 0 {
			return errs.New(errs.Invalid, "Invalid value %d for parameter 'metrics[%d].timestamp' supplied: Timestamp must be a nonnegative long (64-bit integer)", m.Timestamp, i)
		}
		m.Value = Finite(m.Value)
	}
	if b.Params, err = checkParams(runID, b.Params); err != nil {
		return err
	}
	if b.Tags, err = checkTags(b.Tags); err != nil {
		return err
	}
	return s.store.Log(ctx, runID, b)
}

// Finite returns v with infinities made the largest finite numbers; NaN stays.
func Finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.Copysign(math.MaxFloat64, v)
	}
	return v
}

func checkCounts(b Batch) error {
	over := func(kind string, n, limit int) error {
		if n <= limit {
			return nil
		}
		return errs.New(errs.Invalid, "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.", limit, kind, n, kind, kind)
	}
	total := len(b.Metrics) + len(b.Params) + len(b.Tags)
	for _, err := range []error{
		over("metrics", len(b.Metrics), MaxBatchMetrics), over("params", len(b.Params), MaxBatchParams),
		over("tags", len(b.Tags), MaxBatchTags), over("metrics, params, and tags", total, MaxBatch),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkParams checks parameters, cuts long values and drops exact repeats.
func checkParams(runID string, params []Tag) ([]Tag, error) {
	out := make([]Tag, 0, len(params))
	seen := map[string]string{}
	for i, p := range params {
		if err := checkKey("Param", fmt.Sprintf("params[%d].key", i), p.Key); err != nil {
			return nil, err
		}
		p.Value = truncate(p.Value, MaxParamValue)
		old, known := seen[p.Key]
		if known && old != p.Value {
			return nil, errs.New(errs.Invalid, "Duplicate parameter keys have been submitted: ['%s']. Please ensure the request contains only one param value per param key.", p.Key)
		}
		if !known {
			seen[p.Key] = p.Value
			out = append(out, p)
		}
	}
	return out, nil
}

// DeleteTag removes one tag of an active run.
func (s *Service) DeleteTag(ctx context.Context, runID, key string) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	return s.store.DeleteTag(ctx, runID, key)
}

// LogModelHistory appends an MLmodel, as JSON, to the tag that lists the models
// of a run.
func (s *Service) LogModelHistory(ctx context.Context, runID, modelJSON string) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(modelJSON), &m); err != nil {
		return errs.New(errs.Invalid, "Malformed model info. \n %s \n is not valid JSON: %w", clip(modelJSON), err)
	}
	var missing []string
	for _, k := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if _, ok := m[k]; !ok {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return errs.New(errs.Invalid, "Model json is missing mandatory fields: %v", missing)
	}
	entry, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.store.AppendModelHistory(ctx, runID, string(entry))
}
