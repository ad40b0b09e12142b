package mlflow

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

var experimentRoutes = []at{
	{"POST", "experiments/create", makes, "name!:string artifact_location:string tags:array", createExperiment},
	{"POST GET", "experiments/search", anyone, "view_type:any max_results:int order_by:strings filter:string page_token:string", searchExperiments},
	{"GET", "experiments/list", anyone, "view_type:any max_results:int page_token:string", searchExperiments},
	{"GET", "experiments/get", inExperiment(auth.Read), "experiment_id!:string", getExperiment},
	{"GET", "experiments/get-by-name", readsNamed, "experiment_name!:string", getExperimentByName},
	{"POST", "experiments/delete", inExperiment(auth.Manage), "experiment_id!:string", func(c *call) error {
		return c.done(c.h.Runs.DeleteExperiment(c.r.Context(), c.str("experiment_id")))
	}},
	{"POST", "experiments/restore", inExperiment(auth.Manage), "experiment_id!:string", func(c *call) error {
		return c.done(c.h.Runs.RestoreExperiment(c.r.Context(), c.str("experiment_id")))
	}},
	{"POST", "experiments/update", inExperiment(auth.Edit), "experiment_id!:string new_name!:string", func(c *call) error {
		return c.done(c.h.Runs.RenameExperiment(c.r.Context(), c.str("experiment_id"), c.str("new_name")))
	}},
	{"POST", "experiments/set-experiment-tag", inExperiment(auth.Edit), "experiment_id!:string key!:string value:string", func(c *call) error {
		return c.done(c.h.Runs.SetExperimentTag(c.r.Context(), c.str("experiment_id"), tracking.Tag{Key: c.str("key"), Value: c.str("value")}))
	}},
	{"POST", "experiments/delete-experiment-tag", inExperiment(auth.Edit), "experiment_id!:string key!:string", func(c *call) error {
		return c.done(c.h.Runs.DeleteExperimentTag(c.r.Context(), c.str("experiment_id"), c.str("key")))
	}},
	{"POST", "experiments/search-datasets", anyone, "experiment_ids:strings", searchDatasets},
	{"GET", "server-info", anyone, "", func(c *call) error {
		return c.json(map[string]any{
			"store_type": "SqlStore", "workspaces_enabled": false, "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
			"presigned_upload_run_id_supported": false, "presigned_upload_model_id_supported": false, "trace_archival_enabled": false,
			"features_enabled": map[string]bool{"gateway": false},
		})
	}},
}

// done answers with {} or the error.
func (c *call) done(err error) error {
	if err != nil {
		return err
	}
	return c.empty()
}

// tagList reads a list of tags and names the first that lacks its key.
func (c *call) tagList(name string) ([]tracking.Tag, error) {
	var list []struct {
		Key   *string `json:"key"`
		Value string  `json:"value"`
	}
	if err := c.decode(name, &list); err != nil {
		return nil, err
	}
	out := make([]tracking.Tag, len(list))
	for i, t := range list {
		if t.Key == nil || *t.Key == "" {
			return nil, missing(indexed(name, i, "key"))
		}
		out[i] = tracking.Tag{Key: *t.Key, Value: t.Value}
	}
	return out, nil
}

func createExperiment(c *call) error {
	tags, err := c.tagList("tags")
	if err != nil {
		return err
	}
	id, err := c.h.Runs.CreateExperiment(c.r.Context(), c.str("name"), c.str("artifact_location"), tags)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.text("experiment_id", id)
		e.close('}')
		e.end()
	})
}

func (c *call) experiment(x *tracking.Experiment, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("experiment")
		e.experiment(x)
		e.close('}')
		e.end()
	})
}

func getExperiment(c *call) error {
	return c.experiment(c.h.Runs.Experiment(c.r.Context(), c.str("experiment_id")))
}

func getExperimentByName(c *call) error {
	return c.experiment(c.h.Runs.ExperimentByName(c.r.Context(), c.str("experiment_name")))
}

// search reads the fields that every search has.
func (c *call) search(view string) (tracking.Search, error) {
	s := tracking.Search{
		ExperimentIDs: c.strs("experiment_ids"), Filter: c.str("filter"), OrderBy: c.strs("order_by"),
		Limit: int(c.num("max_results")), Token: c.str("page_token"),
	}
	var err error
	if view != "" {
		s.View, err = c.view(view)
	}
	if err == nil && c.has("max_results") && s.Limit == 0 {
		err = errs.New(errs.Invalid, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer")
	}
	return s, err
}

func searchExperiments(c *call) error {
	s, err := c.search("view_type")
	if err != nil {
		return err
	}
	page, next, err := c.h.Records().SearchExperiments(c.r.Context(), s)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		if len(page) > 0 {
			e.key("experiments")
			e.open('[')
			for i := range page {
				e.experiment(&page[i])
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func searchDatasets(c *call) error {
	ids, err := c.h.Records().experiments(c.r.Context(), c.strs("experiment_ids"))
	if err != nil {
		return err
	}
	list, err := c.h.Runs.DatasetSummaries(c.r.Context(), ids)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return c.empty()
	}
	return c.json(map[string]any{"dataset_summaries": list})
}
