package tracking

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"

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
	tags, err := checkTags(Batch{Tags: n.Tags})
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
	s.owners.put(r.ID, r.ExperimentID)
	s.feed.add(Change{ExperimentID: r.ExperimentID, RunID: r.ID, What: "created"})
	return r, nil
}

// checkTags checks tags of a run, cuts long values, and keeps the last of each
// key.
func checkTags(b Batch) ([]Tag, error) {
	out := make([]Tag, 0, len(b.Tags)+1)
	at := map[string]int{}
	for i, t := range b.Tags {
		if err := checkKey("Tag", b.field("tags", i, "key"), t.Key); err != nil {
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
	info, err := s.store.UpdateRun(ctx, id, c)
	return info, s.changed(ctx, id, "updated", err)
}

// DeleteRun marks a run deleted.
func (s *Service) DeleteRun(ctx context.Context, id string) error {
	return s.changed(ctx, id, "deleted", s.store.StageRun(ctx, id, Deleted, s.millis()))
}

// RestoreRun brings a deleted run back.
func (s *Service) RestoreRun(ctx context.Context, id string) error {
	return s.changed(ctx, id, "restored", s.store.StageRun(ctx, id, Active, s.millis()))
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
		if err = checkKey("Metric", b.field("metrics", i, "name"), m.Key); err != nil {
			return err
		}
		if m.Timestamp < 0 {
			return errs.New(errs.Invalid, "Invalid value %d for parameter '%s' supplied: metric '%s' (value=%v). Timestamp must be a nonnegative long (64-bit integer) ", m.Timestamp, b.field("metrics", i, "timestamp"), m.Key, m.Value)
		}
		m.Value = Finite(m.Value)
	}
	if err = checkParams(b); err != nil {
		return err
	}
	if b.Tags, err = checkTags(b); err != nil {
		return err
	}
	return s.changed(ctx, runID, "logged", s.store.Log(ctx, runID, b))
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

// checkParams checks parameters and cuts long values.
func checkParams(b Batch) error {
	seen := make(map[string]bool, len(b.Params))
	for i := range b.Params {
		p := &b.Params[i]
		if err := checkKey("Param", b.field("params", i, "key"), p.Key); err != nil {
			return err
		}
		if seen[p.Key] {
			return errs.New(errs.Invalid, "Duplicate parameter keys have been submitted: ['%s']. Please ensure the request contains only one param value per param key.", p.Key)
		}
		seen[p.Key] = true
		p.Value = truncate(p.Value, MaxParamValue)
	}
	return nil
}

// DeleteTag removes one tag of an active run.
func (s *Service) DeleteTag(ctx context.Context, runID, key string) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	return s.changed(ctx, runID, "updated", s.store.DeleteTag(ctx, runID, key))
}

// LogModelHistory appends an MLmodel, as JSON, to the tag that lists the models
// of a run.
func (s *Service) LogModelHistory(ctx context.Context, runID, modelJSON string) error {
	if err := CheckRunID(runID); err != nil {
		return err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(modelJSON), &m); err != nil {
		return errs.New(errs.Invalid, "Malformed model info. \n %s \n is not a valid JSON.", clip(modelJSON))
	}
	var missing []string
	for _, k := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if _, ok := m[k]; !ok {
			missing = append(missing, "'"+k+"'")
		}
	}
	if len(missing) > 0 {
		return errs.New(errs.Invalid, "Model json is missing mandatory fields: {%s}", strings.Join(missing, ", "))
	}
	var entry bytes.Buffer
	if err := json.Compact(&entry, []byte(modelJSON)); err != nil {
		return err
	}
	return s.changed(ctx, runID, "logged", s.store.AppendModelHistory(ctx, runID, entry.String()))
}
