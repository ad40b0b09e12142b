package route

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

func itoa4(n int) string { return fmt.Sprintf("%04d", n) }

// The collections of Azure ML's data collector.
const (
	inputsFolder  = "model_inputs"
	outputsFolder = "model_outputs"
)

// event is a line of Azure ML's data collector: a CloudEvent, with attributes of our
// own from route on.
type event struct {
	Spec        string           `json:"specversion"`
	ID          string           `json:"id"`
	Source      string           `json:"source"`
	Type        string           `json:"type"`
	ContentType string           `json:"datacontenttype"`
	Time        time.Time        `json:"time"`
	Data        []map[string]any `json:"data"`
	Correlation string           `json:"correlationid"`
	Request     string           `json:"xrequestid"`
	Model       string           `json:"modelname"`
	Version     string           `json:"modelversion"`
	DataType    string           `json:"collectdatatype"`
	Agent       string           `json:"agent"`
	Route       string           `json:"route,omitempty"`
	Shadow      bool             `json:"shadow,omitempty"`
	Latency     float64          `json:"latencyms"`
	Key         string           `json:"driveid,omitempty"`
}

// writeJSONL writes two files, inputs and outputs, in the folders of the hour in which
// the first record came.
func (l *Log) writeJSONL(records []*Record) (files int, err error) {
	at := records[0].Time.UTC()
	name := l.name(at, ".jsonl")
	for _, collection := range []string{inputsFolder, outputsFolder} {
		dir := filepath.Join(l.dir, collection, at.Format("2006/01/02/15"))
		if err := l.folder(dir); err != nil {
			return files, err
		}
		err := table.WriteFile(filepath.Join(dir, name), func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false)
			for _, r := range records {
				if err := e.Encode(r.event(collection)); err != nil {
					return errs.Wrap(err, "write an inference")
				}
			}
			return nil
		})
		if err != nil {
			return files, err
		}
		files++
	}
	return files, nil
}

// folder makes a folder, once.
func (l *Log) folder(dir string) error {
	if l.folders[dir] {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Wrap(err, "make the folder of the inference log")
	}
	l.folders[dir] = true
	return nil
}

func (r *Record) event(collection string) event {
	e := event{
		Spec: "1.0", ID: NewID(), Source: "drivecast/" + r.Model, Type: "azureml.inference." + strings.TrimPrefix(collection, "model_"), ContentType: "application/json",
		Time: r.Time.UTC(), Correlation: r.ID, Request: r.ID, Model: r.Model, Version: r.Version, DataType: "pandas.core.frame.DataFrame", Agent: "drivecast",
		Route: r.Route, Shadow: r.Shadow, Latency: float64(r.Took.Nanoseconds()) / 1e6, Key: r.Key,
	}
	dates := r.Column("date")
	for row := range r.Rows {
		if collection == inputsFolder {
			e.Data = append(e.Data, r.inputs(row))
			continue
		}
		out := map[string]any{"prediction": json.RawMessage(r.Decisions[row]), scoreColumn: finite(r.Scores[row])}
		if r.Keys != nil {
			out["drive_id"] = r.key(row)
		}
		if dates != nil {
			out["date"] = dates[row]
		}
		e.Data = append(e.Data, out)
	}
	return e
}

func (r *Record) inputs(row int) map[string]any {
	out := make(map[string]any, len(r.Inputs))
	for i := range r.Inputs {
		in := &r.Inputs[i]
		switch {
		case in.Texts == nil:
			out[in.Name] = finite(in.Nums[row])
		case in.Texts[row] == "":
			out[in.Name] = nil
		default:
			out[in.Name] = in.Texts[row]
		}
	}
	return out
}

// finite returns v, or nil for what JSON has no number for.
func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

// scoreColumn holds the probability of the last class, or the value of a regressor.
const scoreColumn = "score"

// fixed are the columns that every Parquet file has, beside the inputs under their
// own names. An input of such a name gets "input_" before it.
var fixed = []string{"request_time", "correlation_id", "request_row", "served_model", "served_version", "route", "shadow", "latency_ms", "drive_id", "prediction", scoreColumn}

// writeParquet writes a file for each set of columns, so that a file holds what its
// requests held.
func (l *Log) writeParquet(records []*Record) (files int, err error) {
	if err := l.folder(l.dir); err != nil {
		return 0, err
	}
	shapes := map[string][]*Record{}
	var order []string
	for _, r := range records {
		s := r.shape()
		if shapes[s] == nil {
			order = append(order, s)
		}
		shapes[s] = append(shapes[s], r)
	}
	for _, s := range order {
		t, err := tableOf(shapes[s])
		if err == nil {
			err = l.cfg.Write(filepath.Join(l.dir, l.name(shapes[s][0].Time, ".parquet")), t)
		}
		if err != nil {
			return files, err
		}
		files++
	}
	return files, nil
}

// shape names the columns of a record and their kinds.
func (r *Record) shape() string {
	var b strings.Builder
	for i := range r.Inputs {
		fmt.Fprintf(&b, "%q%v", r.Inputs[i].Name, r.Inputs[i].Texts != nil)
	}
	return b.String()
}

// tableOf returns the rows of records of one shape.
func tableOf(records []*Record) (*table.Table, error) {
	cols := make([]*table.Column, len(fixed))
	for i, name := range fixed {
		cols[i] = &table.Column{Name: name, Kind: table.Text}
		switch name {
		case "request_row", "shadow", "latency_ms", scoreColumn:
			cols[i].Kind = table.Number
		}
	}
	taken := map[string]bool{}
	for _, name := range fixed {
		taken[name] = true
	}
	for i := range records[0].Inputs {
		in := &records[0].Inputs[i]
		c := &table.Column{Name: in.Name, Kind: table.Number}
		for taken[c.Name] {
			c.Name = "input_" + c.Name
		}
		taken[c.Name] = true
		if in.Texts != nil {
			c.Kind = table.Text
		}
		cols = append(cols, c)
	}
	for _, r := range records {
		at, shadow := r.Time.UTC().Format(time.RFC3339Nano), 0.0
		if r.Shadow {
			shadow = 1
		}
		for row := range r.Rows {
			for i, text := range []string{0: at, 1: r.ID, 3: r.Model, 4: r.Version, 5: r.Route, 8: r.key(row), 9: unquoted(r.Decisions[row])} {
				if cols[i].Kind == table.Text {
					cols[i].Texts = append(cols[i].Texts, text)
				}
			}
			for i, v := range map[int]float64{2: float64(row), 6: shadow, 7: float64(r.Took.Nanoseconds()) / 1e6, 10: r.Scores[row]} {
				cols[i].Floats = append(cols[i].Floats, v)
			}
			for j := range r.Inputs {
				if c, in := cols[len(fixed)+j], &r.Inputs[j]; in.Texts != nil {
					c.Texts = append(c.Texts, in.Texts[row])
				} else {
					c.Floats = append(c.Floats, in.Nums[row])
				}
			}
		}
	}
	return table.New(cols...)
}

// unquoted returns a JSON text without its quotes, other JSON as it is.
func unquoted(s string) string {
	var text string
	if json.Unmarshal([]byte(s), &text) == nil {
		return text
	}
	return s
}
