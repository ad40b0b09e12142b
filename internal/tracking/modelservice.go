package tracking

import (
	"context"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filter"
)

var modelSchema = schema{
	entities: map[string]string{
		"": "attribute", "attributes": "attribute", "metrics": "metric", "params": "param", "tags": "tag",
	},
	fields: map[string]field{
		"name": {"name", false}, "model_name": {"name", false}, "model_id": {"model_id", false}, "model_type": {"model_type", false}, "status": {"status", false},
		"source_run_id": {"source_run_id", false}, "run_id": {"source_run_id", false}, "experiment_id": {"experiment_id", false}, "artifact_uri": {"artifact_uri", false},
		"creation_timestamp": {"creation_timestamp", true}, "creation_time": {"creation_timestamp", true},
		"last_updated_timestamp": {"last_updated_timestamp", true}, "last_updated_time": {"last_updated_timestamp", true},
	},
	inList: []string{"name", "model_id", "model_type", "status", "source_run_id", "experiment_id"},
}

// CreateModel makes a pending logged model: m's experiment, name, type, source
// run, parameters and tags.
func (s *Service) CreateModel(ctx context.Context, m LoggedModel) (*LoggedModel, error) {
	if strings.ContainsAny(m.Name, "/:.%\"'") {
		return nil, errs.New(errs.Invalid, "Invalid model name ('%s') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%%', '\"', \"'\")", clip(m.Name))
	}
	if m.Name == "" {
		s.mu.Lock()
		m.Name = RandomName(s.names)
		s.mu.Unlock()
	}
	if err := CheckExperimentID(m.ExperimentID); err != nil {
		return nil, err
	}
	if err := checkModelTags(m.Tags); err != nil {
		return nil, err
	}
	m.ID = "m-" + newID()
	m.Status = ModelPending
	m.Created = s.millis()
	m.Updated = m.Created
	if err := s.store.CreateModel(ctx, &m); err != nil {
		return nil, err
	}
	return &m, nil
}

func checkModelTags(tags []Tag) error {
	for _, t := range tags {
		if err := checkLength("Logged model tag key", t.Key, MaxKey); err != nil {
			return err
		}
		if err := checkLength("Logged model tag value", t.Value, MaxRunTagValue); err != nil {
			return err
		}
	}
	return nil
}

// Model returns a logged model that is not deleted.
func (s *Service) Model(ctx context.Context, id string) (*LoggedModel, error) {
	return s.store.Model(ctx, id)
}

// FinalizeModel says how the upload of a pending model ended.
func (s *Service) FinalizeModel(ctx context.Context, id, status string) (*LoggedModel, error) {
	if !slices.Contains([]string{ModelReady, ModelUploadFailed, ModelPending}, status) {
		return nil, errs.New(errs.Invalid, "Invalid model status: %s. Expected one of: LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED", clip(status))
	}
	if err := s.store.FinalizeModel(ctx, id, status, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Model(ctx, id)
}

// DeleteModel marks a logged model deleted.
func (s *Service) DeleteModel(ctx context.Context, id string) error {
	return s.store.DeleteModel(ctx, id, s.millis())
}

// SetModelTags sets tags of a logged model.
func (s *Service) SetModelTags(ctx context.Context, id string, tags []Tag) (*LoggedModel, error) {
	if err := checkModelTags(tags); err != nil {
		return nil, err
	}
	if err := s.store.SetModelTags(ctx, id, tags, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Model(ctx, id)
}

// DeleteModelTag removes one tag of a logged model.
func (s *Service) DeleteModelTag(ctx context.Context, id, key string) error {
	return s.store.DeleteModelTag(ctx, id, key, s.millis())
}

// LogModelParams adds parameters to a logged model.
func (s *Service) LogModelParams(ctx context.Context, id string, params []Tag) error {
	for _, p := range params {
		if err := checkLength("Logged model param key", p.Key, MaxKey); err != nil {
			return err
		}
		if err := checkLength("Logged model param value", p.Value, MaxParamValue); err != nil {
			return err
		}
	}
	return s.store.LogModelParams(ctx, id, params)
}

// ModelOrder is one ordering term of a search for logged models.
type ModelOrder struct {
	Field   string
	Desc    bool
	Dataset DatasetKey
}

// ModelSearch is a search for logged models as a client words it.
type ModelSearch struct {
	ExperimentIDs []string
	Filter        string
	Datasets      []DatasetKey
	OrderBy       []ModelOrder
	Limit         int
	Token         string
}

// SearchModels returns one page of logged models and the token of the next
// page, or "".
func (s *Service) SearchModels(ctx context.Context, q ModelSearch) ([]*LoggedModel, string, error) {
	limit, err := limitOf(q.Limit, 50, 1000)
	if err != nil {
		return nil, "", err
	}
	out := ModelQuery{Query: Query{ExperimentIDs: q.ExperimentIDs, Limit: limit, Token: q.Token}, Datasets: q.Datasets}
	if out.Clauses, err = modelSchema.clauses(q.Filter); err != nil {
		return nil, "", err
	}
	for _, o := range q.OrderBy {
		one, err := modelSchema.order([]string{o.Field})
		if err != nil {
			return nil, "", errs.New(errs.Invalid, "Invalid order by field name: %s", clip(o.Field))
		}
		one[0].Desc = o.Desc
		if o.Dataset.Name != "" && one[0].Entity != "metric" {
			return nil, "", errs.New(errs.Invalid, "`dataset_name` and `dataset_digest` can only be specified for metrics: '%s'", o.Field)
		}
		out.Order = append(out.Order, one[0])
		out.OrderDatasets = append(out.OrderDatasets, o.Dataset)
	}
	for _, d := range []filter.Order{attribute("creation_timestamp", true), attribute("model_id", false)} {
		known := slices.ContainsFunc(out.Order, func(o filter.Order) bool { return o.Entity == d.Entity && o.Key == d.Key })
		if !known {
			out.Order = append(out.Order, d)
			out.OrderDatasets = append(out.OrderDatasets, DatasetKey{})
		}
	}
	return s.store.SearchModels(ctx, out)
}
