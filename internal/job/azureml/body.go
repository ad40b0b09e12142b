package azureml

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Body is what PUT …/jobs/NAME takes. Code folders and local data stand in it as
// the file writes them: they become ids when they have been uploaded.
type Body struct {
	Name       string         `json:"name,omitempty"`
	Properties map[string]any `json:"properties"`
	// Estimate is what the job costs at most, printed beside the body and never sent; nil
	// when no prices are known.
	Estimate *job.Estimate `json:"estimate,omitempty"`
	Dir      string        `json:"-"` // folder that local paths start from
	// Environment is one that the job defines itself: the properties under which
	// its id, CliV2AnonymousEnvironment:VERSION, is to be registered; nil for none.
	// A build folder stands in build.contextUri as a local path.
	Environment map[string]any `json:"-"`
}

// JSON writes the body with its keys sorted, so that equal jobs are equal bytes.
func (b Body) JSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(b)
	return out.Bytes(), errs.Wrap(err, "write the body of job %s", b.Name)
}

// Job turns a command, sweep or pipeline job into its REST body, and returns what the
// linter has to say besides. Faults of the file are of kind Invalid, kinds of job
// that cannot be sent are Unsupported.
func Job(d *job.Document) (Body, []job.Problem, error) { return jobBody(d, nil) }

func jobBody(d *job.Document, register Registrar) (Body, []job.Problem, error) {
	problems := d.Check()
	if err := problems.Err(); err != nil {
		return Body{}, nil, err
	}
	root, err := fields(d)
	if err != nil {
		return Body{}, nil, err
	}
	b := &builder{doc: d, dir: d.Dir, register: register}
	var properties map[string]any
	switch d.Kind {
	case job.KindCommand:
		properties, err = b.command(root)
	case job.KindSweep:
		properties, err = b.sweep(root)
	case job.KindPipeline:
		properties, err = b.pipelineOf(d)
	default:
		kind := string(d.Kind)
		if kind == "" {
			kind = "this document"
		}
		err = errs.New(errs.Unsupported, "%s: a %s cannot be sent to Azure ML; a commandJob, sweepJob or pipelineJob can", d.File, kind)
	}
	return Body{Name: text(root["name"]), Properties: properties, Dir: d.Dir, Environment: b.registered}, problems.Warnings(), err
}

// builder makes the body of one document, or of what it refers to.
type builder struct {
	doc *job.Document
	dir string // where relative paths start

	registered map[string]any // the environment that the job defines itself
	register   Registrar      // nil when components go into the body as they are
}

// fields returns the fields of a document as plain values.
func fields(d *job.Document) (map[string]any, error) {
	b, err := d.Text()
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, errs.Wrap(err, "read %s again", d.File)
	}
	return mapOf(value(n.Content[0])), nil
}

// common are the properties that every kind of job has.
func common(kind string, root map[string]any) (map[string]any, error) {
	in, err := inputs(mapOf(root["inputs"]))
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"jobType": kind, "isArchived": false, "tags": mapOf(root["tags"]), "properties": mapOf(root["properties"]),
		"inputs": in, "outputs": outputs(mapOf(root["outputs"])),
	}
	put(out, "displayName", root["display_name"])
	put(out, "description", root["description"])
	put(out, "experimentName", root["experiment_name"])
	put(out, "identity", identity(mapOf(root["identity"])))
	put(out, "queueSettings", queue(mapOf(root["queue_settings"])))
	return out, nil
}

// put sets a field that has a value.
func put(m map[string]any, key string, v any) {
	switch v := v.(type) {
	case nil:
		return
	case map[string]any:
		if v == nil {
			return
		}
	}
	m[key] = v
}

// pick copies fields of in to out under their names in the REST API, given as
// pairs yaml_name, restName.
func pick(out, in map[string]any, names ...string) {
	for i := 0; i+1 < len(names); i += 2 {
		put(out, names[i+1], in[names[i]])
	}
}

// mapOf returns v as a map, empty when it is none.
func mapOf(v any) map[string]any {
	if m, ok := v.(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// text returns v when it is text.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// reference drops the azureml: of a reference by name, label or resource id;
// azureml:// addresses stay as they are.
func reference(v any) any {
	s, ok := v.(string)
	if !ok || strings.HasPrefix(s, "azureml://") {
		return v
	}
	return strings.TrimPrefix(s, "azureml:")
}
