package mlflow

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"

	"github.com/drivecast/drivecast/internal/tracking"
)

// encoder writes JSON as MLflow's servers do: fields without a value and empty
// lists are left out, whole numbers are numbers, NaN and infinities are texts.
type encoder struct{ b []byte }

var encoders = sync.Pool{New: func() any { return &encoder{b: make([]byte, 0, 16<<10)} }}

// maxKept is how large a buffer may be to be used again.
const maxKept = 4 << 20

// reply answers with what f writes.
func (c *call) reply(f func(*encoder)) error {
	e := encoders.Get().(*encoder)
	e.b = e.b[:0]
	f(e)
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(e.b)))
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(e.b)
	if cap(e.b) <= maxKept {
		encoders.Put(e)
	}
	return nil
}

// empty answers with {}.
func (c *call) empty() error { return c.reply(func(e *encoder) { e.raw("{}") }) }

// json answers with what encoding/json makes of v.
func (c *call) json(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) { e.b = append(e.b, data...) })
}

func (e *encoder) raw(s string) { e.b = append(e.b, s...) }

// open starts an object or a list; close drops the comma that is left over.
func (e *encoder) open(c byte) { e.b = append(e.b, c) }

func (e *encoder) close(c byte) {
	if n := len(e.b); e.b[n-1] == ',' {
		e.b[n-1] = c
	} else {
		e.b = append(e.b, c)
	}
	e.b = append(e.b, ',')
}

// end drops the comma behind the outermost object.
func (e *encoder) end() { e.b = e.b[:len(e.b)-1] }

func (e *encoder) key(k string) {
	e.b = append(e.b, '"')
	e.b = append(e.b, k...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) text(k, v string) {
	e.key(k)
	e.quote(v)
	e.b = append(e.b, ',')
}

// some writes a text unless it is empty.
func (e *encoder) some(k, v string) {
	if v != "" {
		e.text(k, v)
	}
}

func (e *encoder) int(k string, v int64) {
	e.key(k)
	e.b = strconv.AppendInt(e.b, v, 10)
	e.b = append(e.b, ',')
}

func (e *encoder) float(k string, v float64) {
	e.key(k)
	switch {
	case math.IsNaN(v):
		e.raw(`"NaN",`)
		return
	case math.IsInf(v, 1):
		e.raw(`"Infinity",`)
		return
	case math.IsInf(v, -1):
		e.raw(`"-Infinity",`)
		return
	}
	e.b = strconv.AppendFloat(e.b, v, 'g', -1, 64)
	e.b = append(e.b, ',')
}

// quote writes a JSON text. Plain ASCII is copied.
func (e *encoder) quote(s string) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			text, err := json.Marshal(s)
			if err != nil {
				text = []byte(`""`)
			}
			e.b = append(e.b, text...)
			return
		}
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, s...)
	e.b = append(e.b, '"')
}

func (e *encoder) tags(k string, tags []tracking.Tag) {
	if len(tags) == 0 {
		return
	}
	e.key(k)
	e.open('[')
	for _, t := range tags {
		e.open('{')
		e.text("key", t.Key)
		e.text("value", t.Value)
		e.close('}')
	}
	e.close(']')
}

func (e *encoder) metrics(k string, list []tracking.Metric) {
	if len(list) == 0 {
		return
	}
	e.key(k)
	e.open('[')
	for i := range list {
		m := &list[i]
		e.open('{')
		e.text("key", m.Key)
		e.float("value", m.Value)
		e.int("timestamp", m.Timestamp)
		e.int("step", m.Step)
		e.some("run_id", m.RunID)
		e.some("model_id", m.ModelID)
		e.some("dataset_name", m.DatasetName)
		e.some("dataset_digest", m.DatasetDigest)
		e.close('}')
	}
	e.close(']')
}

func (e *encoder) experiment(x *tracking.Experiment) {
	e.open('{')
	e.text("experiment_id", x.ID)
	e.text("name", x.Name)
	e.text("artifact_location", x.ArtifactLocation)
	e.text("lifecycle_stage", x.Stage)
	e.int("last_update_time", x.Updated)
	e.int("creation_time", x.Created)
	e.tags("tags", x.Tags)
	e.close('}')
}

func (e *encoder) runInfo(r *tracking.RunInfo) {
	e.open('{')
	e.text("run_uuid", r.ID)
	e.text("experiment_id", r.ExperimentID)
	e.text("run_name", r.Name)
	e.text("user_id", r.UserID)
	e.text("status", r.Status)
	e.int("start_time", r.Start)
	if r.End != 0 {
		e.int("end_time", r.End)
	}
	e.text("artifact_uri", r.ArtifactURI)
	e.text("lifecycle_stage", r.Stage)
	e.text("run_id", r.ID)
	e.close('}')
}

func (e *encoder) run(r *tracking.Run) {
	e.open('{')
	e.key("info")
	e.runInfo(&r.RunInfo)
	e.key("data")
	e.open('{')
	e.metrics("metrics", r.Metrics)
	e.tags("params", r.Params)
	e.tags("tags", r.Tags)
	e.close('}')
	e.key("inputs")
	e.inputs(r)
	e.raw(`"outputs":{`)
	if len(r.ModelOutputs) > 0 {
		e.raw(`"model_outputs":[`)
		for _, o := range r.ModelOutputs {
			e.open('{')
			e.text("model_id", o.ModelID)
			e.int("step", o.Step)
			e.close('}')
		}
		e.close(']')
	}
	e.close('}')
	e.close('}')
}

func (e *encoder) inputs(r *tracking.Run) {
	e.open('{')
	if len(r.Datasets) > 0 {
		e.raw(`"dataset_inputs":[`)
		for _, d := range r.Datasets {
			e.open('{')
			e.tags("tags", d.Tags)
			e.key("dataset")
			e.open('{')
			e.text("name", d.Dataset.Name)
			e.text("digest", d.Dataset.Digest)
			e.text("source_type", d.Dataset.SourceType)
			e.text("source", d.Dataset.Source)
			e.some("schema", d.Dataset.Schema)
			e.some("profile", d.Dataset.Profile)
			e.close('}')
			e.close('}')
		}
		e.close(']')
	}
	if len(r.ModelInputs) > 0 {
		e.raw(`"model_inputs":[`)
		for _, id := range r.ModelInputs {
			e.open('{')
			e.text("model_id", id)
			e.close('}')
		}
		e.close(']')
	}
	e.close('}')
}
