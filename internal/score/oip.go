package score

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// headerLength is the header that says how many bytes of a body are JSON, when
// binary tensors follow them.
const headerLength = "Inference-Header-Content-Length"

// The tensors of an answer of the Open Inference Protocol.
const (
	outPredict = "predict"       // the class, or the value of a regressor; one a row
	outProba   = "predict_proba" // the probability of each class
)

// inference answers what lies under /v2: the Open Inference Protocol, version 2,
// with the binary tensor extension of Triton.
func (h *Handler) inference(w http.ResponseWriter, r *http.Request, all *lineup) {
	path := strings.TrimPrefix(strings.Trim(r.URL.Path, "/"), "v2")
	path = strings.Trim(path, "/")
	parts := strings.Split(path, "/")
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case path == "" && get:
		writeJSON(w, http.StatusOK, map[string]any{"name": "drivecast", "version": h.cfg.Release, "extensions": []string{"binary_tensor_data"}})
		return
	case path == "health/live" && get, path == "health/ready" && get:
		writeJSON(w, http.StatusOK, map[string]bool{parts[1]: true})
		return
	case parts[0] != "models" || len(parts) < 2:
		lost(w, "there is no route "+r.URL.Path)
		return
	}
	name, rest, version := parts[1], parts[2:], ""
	if len(rest) >= 2 && rest[0] == "versions" {
		version, rest = rest[1], rest[2:]
	}
	model := all.byName[name]
	if model == nil {
		lost(w, "there is no model "+strconv.Quote(name)+"; this server has "+all.names())
		return
	}
	p := model.plan.Load()
	switch {
	case version != "" && version != p.version:
		lost(w, "there is no version "+strconv.Quote(version)+" of the model; this server has "+strconv.Quote(p.version))
	case len(rest) == 0 && get:
		writeJSON(w, http.StatusOK, p.metadata())
	case len(rest) == 1 && rest[0] == "ready" && get:
		writeJSON(w, http.StatusOK, model.readiness())
	case len(rest) == 1 && rest[0] == "infer" && r.Method == http.MethodPost:
		size := r.Header.Get(headerLength)
		h.score(w, r, model, talk{&inferences, size, version}, (*fault).writeInference)
	case len(rest) == 1 && (rest[0] == "infer" || rest[0] == "ready") || len(rest) == 0:
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": r.Method + " is not for " + r.URL.Path})
	default:
		lost(w, "there is no route "+r.URL.Path)
	}
}

// readiness says that the model is ready, and why it is not the newest when it
// is not.
func (s *served) readiness() any {
	now := s.status()
	return struct {
		Name    string `json:"name"`
		Ready   bool   `json:"ready"`
		Problem string `json:"problem,omitempty"`
	}{now.Name, true, now.Problem}
}

func lost(w http.ResponseWriter, why string) {
	writeJSON(w, http.StatusNotFound, map[string]string{"error": why})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(v))
}

// writeInference sends the fault as the Open Inference Protocol does.
func (f *fault) writeInference(w http.ResponseWriter) {
	text := f.message
	if f.detail != "" {
		text += " " + f.detail
	}
	writeJSON(w, f.status, map[string]string{"error": text})
}

// tensorInfo describes a tensor; -1 in a shape is any number of rows.
type tensorInfo struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// modelInfo describes a model.
type modelInfo struct {
	Name     string       `json:"name"`
	Versions []string     `json:"versions"`
	Platform string       `json:"platform"`
	Inputs   []tensorInfo `json:"inputs"`
	Outputs  []tensorInfo `json:"outputs"`
}

// metadata describes the model: a tensor a column when columns have names, else
// one of all of them.
func (p *plan) metadata() modelInfo {
	var in []tensorInfo
	for j, name := range p.names {
		t := tensorInfo{name, "FP64", []int64{-1}}
		if p.enc[j] != nil {
			t.Name, t.Datatype = p.enc[j].Source, "BYTES"
		}
		if !slices.ContainsFunc(in, func(o tensorInfo) bool { return o.Name == t.Name }) {
			in = append(in, t)
		}
	}
	if p.names == nil {
		in = []tensorInfo{{"input", "FP64", []int64{-1, int64(p.n)}}}
	}
	out := []tensorInfo{{outPredict, p.classType(), []int64{-1}}}
	if p.m.Classifier() {
		out = append(out, tensorInfo{outProba, "FP64", []int64{-1, int64(p.m.Outputs())}})
	}
	return modelInfo{p.name, []string{p.version}, p.m.Format, in, out}
}

// classType returns the datatype of the tensor predict.
func (p *plan) classType() string {
	switch {
	case !p.m.Classifier():
		return "FP64"
	case p.m.Labels != nil:
		return "BYTES"
	case p.m.LabelType == mlfolder.Boolean:
		return "BOOL"
	case p.m.LabelType == mlfolder.Double:
		return "FP64"
	}
	for _, c := range p.m.Estimator.Classes() {
		if c != float64(int64(c)) {
			return "FP64"
		}
	}
	return "INT64"
}

// place puts the tensors of a request into its frame: a tensor a column, or one
// of rows × columns.
func (p *plan) place(f *frame, tensors []tensor) *fault {
	wrong := func(format string, args ...any) *fault {
		return badRequest(errs.New(errs.Invalid, format, args...).Error())
	}
	first := &tensors[0]
	_, named := p.known[first.Name]
	if len(tensors) == 1 && (len(first.Shape) == 2 && first.Shape[1] == int64(p.n) && (p.n > 1 || !named) || len(first.Shape) == 1 && p.n > 1 && !named && first.Shape[0] == int64(p.n)) {
		rows := first.count / p.n
		for j := range p.n {
			c := f.at(j)
			for r := range rows {
				c.put(first.at(r*p.n + j))
			}
			if p.names != nil {
				c.name = p.names[j]
			}
		}
		f.rows, f.byName = rows, p.names != nil
		return nil
	}
	rows := first.count
	for j := range tensors {
		t := &tensors[j]
		if len(t.Shape) == 0 || len(t.Shape) > 2 || len(t.Shape) == 2 && t.Shape[1] != 1 {
			return wrong("tensor %q has shape %v; send one tensor of shape [rows, %d], or a tensor of shape [rows] for each column", t.Name, t.Shape, p.n)
		}
		if t.count != rows {
			return wrong("tensor %q has %d rows and tensor %q has %d; all columns must be of one length", first.Name, rows, t.Name, t.count)
		}
		c := f.at(j)
		c.name = t.Name
		for i := range t.count {
			c.put(t.at(i))
		}
	}
	f.rows, f.byName = rows, p.names != nil
	if !f.byName && len(tensors) != p.n {
		return wrong("the model takes %d columns, got %d tensors", p.n, len(tensors))
	}
	return nil
}
