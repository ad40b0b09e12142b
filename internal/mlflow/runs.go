package mlflow

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

var runRoutes = []at{
	{"POST", "runs/create", inExperiment(auth.Edit), "experiment_id:string user_id:string run_name:string start_time:int tags:array", createRun},
	{"POST", "runs/update", ofRun(auth.Edit), "run_id!:string status:any end_time:int run_name:string", updateRun},
	{"POST", "runs/delete", ofRun(auth.Manage), "run_id!:string", func(c *call) error { return c.done(c.h.Runs.DeleteRun(c.r.Context(), c.runID())) }},
	{"POST", "runs/restore", ofRun(auth.Manage), "run_id!:string", func(c *call) error { return c.done(c.h.Runs.RestoreRun(c.r.Context(), c.runID())) }},
	{"GET", "runs/get", ofRun(auth.Read), "run_id!:string", getRun},
	{"POST", "runs/search", anyone, "experiment_ids:strings filter:string run_view_type:any max_results:int order_by:strings page_token:string", searchRuns},
	{"POST", "runs/log-metric", ofRun(auth.Edit), "run_id!:string key!:string value!:float timestamp!:int step:int model_id:string dataset_name:string dataset_digest:string", logMetric},
	{"POST", "runs/log-parameter", ofRun(auth.Edit), "run_id!:string key!:string value:string", logParam},
	{"POST", "runs/set-tag", ofRun(auth.Edit), "run_id!:string key!:string value:string", setTag},
	{"POST", "runs/delete-tag", ofRun(auth.Edit), "run_id!:string key!:string", func(c *call) error {
		return c.done(c.h.Runs.DeleteTag(c.r.Context(), c.runID(), c.str("key")))
	}},
	{"POST", "runs/log-batch", ofRun(auth.Edit), "run_id!:string metrics:array params:array tags:array", logBatch},
	{"POST", "runs/log-model", ofRun(auth.Edit), "run_id!:string model_json!:string", func(c *call) error {
		return c.done(c.h.Runs.LogModelHistory(c.r.Context(), c.runID(), c.str("model_json")))
	}},
	{"POST", "runs/log-inputs", ofRun(auth.Edit), "run_id!:string datasets:array models:array", logInputs},
	{"POST", "runs/outputs", ofRun(auth.Edit), "run_id!:string models!:array", logOutputs},
	{"GET", "metrics/get-history", ofRun(auth.Read), "run_id!:string metric_key!:string page_token:string max_results:int", getHistory},
	{"GET", "metrics/get-history-bulk", ofRuns, "run_id:strings metric_key:string max_results:int", getHistoryBulk},
	{"GET", "metrics/get-history-bulk-interval", ofRuns, "run_ids!:strings metric_key!:string start_step:int end_step:int max_results:int", getHistoryInterval},
	{"POST", "artifacts/presigned-upload-url", signsUpload, "run_id:string model_id:string path!:string expiration:int", signedUpload},
	{"GET", "artifacts/list", ofRun(auth.Read), "run_id!:string path:string page_token:string", listArtifacts},
}

func indexed(list string, i int, field string) string {
	return fmt.Sprintf("%s[%d].%s", list, i, field)
}

func (c *call) run(r *tracking.Run, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("run")
		e.run(r)
		e.close('}')
		e.end()
	})
}

func createRun(c *call) error {
	tags, err := c.tagList("tags")
	if err != nil {
		return err
	}
	return c.run(c.h.Runs.CreateRun(c.r.Context(), tracking.NewRun{
		ExperimentID: c.str("experiment_id"), UserID: c.str("user_id"), Name: c.str("run_name"), Start: c.num("start_time"), Tags: tags,
	}))
}

func getRun(c *call) error { return c.run(c.h.Runs.Run(c.r.Context(), c.runID())) }

func updateRun(c *call) error {
	status, err := c.enum("status", statusNames)
	if err != nil {
		return err
	}
	info, err := c.h.Runs.UpdateRun(c.r.Context(), c.runID(), tracking.RunChange{Status: status, End: c.num("end_time"), Name: c.str("run_name")})
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("run_info")
		e.runInfo(info)
		e.close('}')
		e.end()
	})
}

func searchRuns(c *call) error {
	s, err := c.search("run_view_type")
	if err != nil {
		return err
	}
	p := &page{cache: &c.h.cache, bodies: map[string][]byte{}}
	s.Have, s.Form = p.have, BodyForm
	page, next, err := c.h.Records().SearchRuns(c.r.Context(), s)
	if err != nil {
		return err
	}
	c.h.settle.made(page)
	if err := c.h.mend(c.r.Context(), page); err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.b = slices.Grow(e.b, p.room(page))
		e.open('{')
		if len(page) > 0 {
			e.key("runs")
			e.open('[')
			for _, r := range page {
				p.run(e, r)
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func logMetric(c *call) error {
	var v real
	if err := c.decode("value", &v); err != nil {
		return err
	}
	if err := c.requireLinked(auth.Edit, c.str("model_id")); err != nil {
		return err
	}
	return c.done(c.h.Runs.Log(c.r.Context(), c.runID(), tracking.Batch{Single: true, Metrics: []tracking.Metric{{
		Key: c.str("key"), Value: float64(v), Timestamp: c.num("timestamp"), Step: c.num("step"),
		ModelID: c.str("model_id"), DatasetName: c.str("dataset_name"), DatasetDigest: c.str("dataset_digest"),
	}}}))
}

func logParam(c *call) error {
	return c.done(c.h.Runs.Log(c.r.Context(), c.runID(), tracking.Batch{Single: true, Params: []tracking.Tag{{Key: c.str("key"), Value: c.str("value")}}}))
}

func setTag(c *call) error {
	return c.done(c.h.Runs.Log(c.r.Context(), c.runID(), tracking.Batch{Single: true, Tags: []tracking.Tag{{Key: c.str("key"), Value: c.str("value")}}}))
}

// wireMetric is a metric in a batch. Absent fields stay nil.
type wireMetric struct {
	Key           *string         `json:"key"`
	Value         json.RawMessage `json:"value"`
	Timestamp     json.RawMessage `json:"timestamp"`
	Step          json.RawMessage `json:"step"`
	ModelID       string          `json:"model_id"`
	DatasetName   string          `json:"dataset_name"`
	DatasetDigest string          `json:"dataset_digest"`
}

func (m *wireMetric) metric(i int) (tracking.Metric, error) {
	out := tracking.Metric{ModelID: m.ModelID, DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest}
	if m.Key == nil || *m.Key == "" {
		return out, missing(indexed("metrics", i, "key"))
	}
	out.Key = *m.Key
	for _, f := range []struct {
		name     string
		raw      json.RawMessage
		required bool
	}{{"value", m.Value, true}, {"timestamp", m.Timestamp, true}, {"step", m.Step, false}} {
		if len(f.raw) == 0 || string(f.raw) == "null" {
			if f.required {
				return out, missing(indexed("metrics", i, f.name))
			}
			continue
		}
		kind := "int"
		if f.name == "value" {
			kind = "float"
		}
		if !fits(kind, f.raw) {
			return out, invalid(indexed("metrics", i, f.name), f.raw)
		}
	}
	var v real
	var n, step number
	v.UnmarshalJSON(m.Value)
	n.UnmarshalJSON(m.Timestamp)
	if len(m.Step) > 0 {
		step.UnmarshalJSON(m.Step)
	}
	out.Value, out.Timestamp, out.Step = float64(v), int64(n), int64(step)
	return out, nil
}

// batchMetrics returns the metrics of a batch.
func (c *call) batchMetrics() ([]tracking.Metric, error) {
	if list, ok := plainMetrics(c.raw["metrics"]); ok {
		return list, nil
	}
	var metrics []wireMetric
	if err := c.decode("metrics", &metrics); err != nil {
		return nil, err
	}
	out := make([]tracking.Metric, len(metrics))
	for i := range metrics {
		var err error
		if out[i], err = metrics[i].metric(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func logBatch(c *call) error {
	var b tracking.Batch
	var err error
	if b.Metrics, err = c.batchMetrics(); err != nil {
		return err
	}
	var models []string
	for _, m := range b.Metrics {
		if m.ModelID != "" {
			models = append(models, m.ModelID)
		}
	}
	if err := c.requireLinked(auth.Edit, models...); err != nil {
		return err
	}
	if b.Params, err = c.tagList("params"); err != nil {
		return err
	}
	if b.Tags, err = c.tagList("tags"); err != nil {
		return err
	}
	return c.done(c.h.Runs.Log(c.r.Context(), c.runID(), b))
}

func logInputs(c *call) error {
	var datasets []tracking.DatasetInput
	if err := c.decode("datasets", &datasets); err != nil {
		return err
	}
	var models []struct {
		ID string `json:"model_id"`
	}
	if err := c.decode("models", &models); err != nil {
		return err
	}
	ids := make([]string, len(models))
	for i, m := range models {
		if ids[i] = m.ID; m.ID == "" {
			return missing(indexed("models", i, "model_id"))
		}
	}
	if err := c.requireLinked(auth.Read, slices.Clone(ids)...); err != nil {
		return err
	}
	return c.done(c.h.Runs.LogInputs(c.r.Context(), c.runID(), datasets, ids))
}

func logOutputs(c *call) error {
	var models []struct {
		ID   string `json:"model_id"`
		Step number `json:"step"`
	}
	if err := c.decode("models", &models); err != nil {
		return err
	}
	out := make([]tracking.ModelOutput, len(models))
	ids := make([]string, len(models))
	for i, m := range models {
		ids[i] = m.ID
		if out[i] = (tracking.ModelOutput{ModelID: m.ID, Step: int64(m.Step)}); m.ID == "" {
			return missing(indexed("models", i, "model_id"))
		}
	}
	if err := c.requireLinked(auth.Edit, ids...); err != nil {
		return err
	}
	return c.done(c.h.Runs.LogOutputs(c.r.Context(), c.runID(), out))
}

func (c *call) points(list []tracking.Metric, next string, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.metrics("metrics", list)
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func getHistory(c *call) error {
	return c.points(c.h.Runs.History(c.r.Context(), c.runID(), c.str("metric_key"), c.str("page_token"), int(c.num("max_results"))))
}

func getHistoryBulk(c *call) error {
	ids := c.strs("run_id")
	if len(ids) == 0 {
		return errs.New(errs.Invalid, "GetMetricHistoryBulk request must specify at least one run_id.")
	}
	if c.str("metric_key") == "" {
		return errs.New(errs.Invalid, "GetMetricHistoryBulk request must specify a metric_key.")
	}
	limit := int(c.num("max_results"))
	if limit <= 0 || limit > 25000 {
		limit = 25000
	}
	if len(ids) > tracking.MaxSampledRuns {
		return errs.New(errs.Invalid, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", tracking.MaxSampledRuns, len(ids))
	}
	var all []tracking.Metric
	for _, id := range ids {
		list, _, err := c.h.Runs.History(c.r.Context(), id, c.str("metric_key"), "", limit-len(all))
		if err != nil {
			return err
		}
		for _, m := range list {
			m.RunID = id
			all = append(all, m)
		}
		if len(all) >= limit {
			break
		}
	}
	return c.points(all, "", nil)
}

func getHistoryInterval(c *call) error {
	ids := c.runIDs()
	if c.has("start_step") != c.has("end_step") {
		return errs.New(errs.Invalid, "If either start step or end step are specified, both must be specified.")
	}
	limit := tracking.MaxSampledPoints
	if c.has("max_results") {
		limit = int(c.num("max_results"))
	}
	list, err := c.h.Runs.Sampled(c.r.Context(), tracking.SampleQuery{
		RunIDs: ids, Key: c.str("metric_key"), Bounded: c.has("start_step"),
		Start: c.num("start_step"), End: c.num("end_step"), Limit: limit,
	})
	return c.points(list, "", err)
}
