package mlflow

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

var modelRoutes = []at{
	{"POST", "logged-models", inExperiment(auth.Edit), "experiment_id!:string name:string model_type:string source_run_id:string params:array tags:array", createLoggedModel},
	{"POST", "logged-models/search", anyone, "experiment_ids!:strings filter:string datasets:array max_results:int order_by:array page_token:string", searchLoggedModels},
	{"GET", "logged-models/*", ofLogged(auth.Read), "", func(c *call) error { return c.model(c.h.Runs.Model(c.r.Context(), c.path[0])) }},
	{"PATCH", "logged-models/*", ofLogged(auth.Edit), "status!:any", finalizeLoggedModel},
	{"DELETE", "logged-models/*", ofLogged(auth.Manage), "", func(c *call) error { return c.done(c.h.Runs.DeleteModel(c.r.Context(), c.path[0])) }},
	{"PATCH", "logged-models/*/tags", ofLogged(auth.Edit), "tags:array", setLoggedModelTags},
	{"DELETE", "logged-models/*/tags/*", ofLogged(auth.Edit), "", func(c *call) error {
		return c.done(c.h.Runs.DeleteModelTag(c.r.Context(), c.path[0], c.path[1]))
	}},
	{"POST", "logged-models/*/params", ofLogged(auth.Edit), "params:array", logLoggedModelParams},
	{"GET", "logged-models/*/artifacts/directories", ofLogged(auth.Read), "artifact_directory_path:string page_token:string", listLoggedModelArtifacts},
}

func (e *encoder) model(m *tracking.LoggedModel) {
	e.open('{')
	e.key("info")
	e.open('{')
	e.text("model_id", m.ID)
	e.text("experiment_id", m.ExperimentID)
	e.text("name", m.Name)
	e.int("creation_timestamp_ms", m.Created)
	e.int("last_updated_timestamp_ms", m.Updated)
	e.text("artifact_uri", m.ArtifactURI)
	e.text("status", m.Status)
	e.text("model_type", m.Type)
	e.text("source_run_id", m.SourceRunID)
	e.some("status_message", m.StatusMessage)
	e.tags("tags", m.Tags)
	e.close('}')
	e.key("data")
	e.open('{')
	e.tags("params", m.Params)
	e.metrics("metrics", m.Metrics)
	e.close('}')
	e.close('}')
}

func (c *call) model(m *tracking.LoggedModel, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("model")
		e.model(m)
		e.close('}')
		e.end()
	})
}

func createLoggedModel(c *call) error {
	params, err := c.tagList("params")
	if err != nil {
		return err
	}
	tags, err := c.tagList("tags")
	if err != nil {
		return err
	}
	return c.model(c.h.Runs.CreateModel(c.r.Context(), tracking.LoggedModel{
		ExperimentID: c.str("experiment_id"), Name: c.str("name"), Type: c.str("model_type"), SourceRunID: c.str("source_run_id"), Params: params, Tags: tags,
	}))
}

var modelStatusNames = map[string]string{"1": tracking.ModelPending, "2": tracking.ModelReady, "3": tracking.ModelUploadFailed}

func finalizeLoggedModel(c *call) error {
	status, err := c.enum("status", modelStatusNames)
	if err != nil {
		return err
	}
	return c.model(c.h.Runs.FinalizeModel(c.r.Context(), c.path[0], status))
}

func setLoggedModelTags(c *call) error {
	tags, err := c.tagList("tags")
	if err != nil {
		return err
	}
	return c.model(c.h.Runs.SetModelTags(c.r.Context(), c.path[0], tags))
}

func logLoggedModelParams(c *call) error {
	params, err := c.tagList("params")
	if err != nil {
		return err
	}
	return c.done(c.h.Runs.LogModelParams(c.r.Context(), c.path[0], params))
}

func searchLoggedModels(c *call) error {
	var order []struct {
		Field     string `json:"field_name"`
		Ascending *bool  `json:"ascending"`
		Name      string `json:"dataset_name"`
		Digest    string `json:"dataset_digest"`
	}
	if err := c.decode("order_by", &order); err != nil {
		return err
	}
	var datasets []struct {
		Name   string `json:"dataset_name"`
		Digest string `json:"dataset_digest"`
	}
	if err := c.decode("datasets", &datasets); err != nil {
		return err
	}
	q := tracking.ModelSearch{ExperimentIDs: c.strs("experiment_ids"), Filter: c.str("filter"), Limit: int(c.num("max_results")), Token: c.str("page_token")}
	var err error
	if q.ExperimentIDs, err = c.h.Records().experiments(c.r.Context(), q.ExperimentIDs); err != nil {
		return err
	}
	for _, d := range datasets {
		if d.Name == "" {
			return errs.New(errs.Invalid, "`dataset_name` in the `datasets` clause must be specified.")
		}
		q.Datasets = append(q.Datasets, tracking.DatasetKey{Name: d.Name, Digest: d.Digest})
	}
	for _, o := range order {
		q.OrderBy = append(q.OrderBy, tracking.ModelOrder{
			Field: o.Field, Desc: o.Ascending != nil && !*o.Ascending, Dataset: tracking.DatasetKey{Name: o.Name, Digest: o.Digest},
		})
	}
	page, next, err := c.h.Runs.SearchModels(c.r.Context(), q)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		if len(page) > 0 {
			e.key("models")
			e.open('[')
			for _, m := range page {
				e.model(m)
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func listLoggedModelArtifacts(c *call) error {
	m, err := c.h.Runs.Model(c.r.Context(), c.path[0])
	if err != nil {
		return err
	}
	return c.files(m.ArtifactURI, c.str("artifact_directory_path"))
}
