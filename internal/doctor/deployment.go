package doctor

import (
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// deployment is what a deployment's YAML file says that matters here.
type deployment struct {
	file   string
	model  string // folder or file of the model, "" when it is registered elsewhere
	code   string // folder of the scoring script, "" without one
	script string
	scored int // line of scoring_script
	conda  string
	image  string
	unseen []string

	environment struct {
		given bool
		line  int
	}
	routes routes
	probe  map[string]probe // by liveness_probe, readiness_probe
}

// routes are those that an environment's inference_config declares.
type routes struct {
	declared bool
	line     int
	of       map[string]route // by liveness_route, readiness_route, scoring_route
}

type route struct {
	path, port string
	line       int
}

type probe struct {
	line   int
	fields map[string]int // seconds and counts; those that are not given are absent
}

func readDeployment(file string) (*deployment, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &errs.Input{File: file, Problem: "this is no YAML of a deployment", Mend: "hand over deployment.yml, or the folder of a model"}
	}
	root := doc.Content[0]
	if child(root, "endpoint_name") == nil && child(root, "model") == nil && child(root, "environment") == nil {
		return nil, &errs.Input{File: file, Problem: "this is no deployment: it has neither endpoint_name, model nor environment", Mend: "hand over the deployment's file, not the endpoint's"}
	}
	d := &deployment{file: file, probe: map[string]probe{}}
	d.model = d.path(child(root, "model"), child(root, "model", "path"), "model")
	if n := child(root, "code_configuration", "code"); n != nil {
		d.code = beside(file, n.Value)
	}
	if n := child(root, "code_configuration", "scoring_script"); n != nil {
		d.script, d.scored = n.Value, n.Line
	}
	if n := child(root, "environment"); n != nil {
		d.readEnvironment(n)
	}
	for _, name := range []string{"liveness_probe", "readiness_probe"} {
		if n := child(root, name); n != nil {
			d.probe[name] = readProbe(n)
		}
	}
	return d, nil
}

// path returns where a local reference points, and notes one that is elsewhere.
func (d *deployment) path(whole, inner *yaml.Node, what string) string {
	n := inner
	if n == nil && whole != nil && whole.Kind == yaml.ScalarNode {
		n = whole
	}
	if n == nil {
		return ""
	}
	if strings.Contains(n.Value, "azureml:") || strings.Contains(n.Value, "://") {
		d.unseen = append(d.unseen, what+" "+n.Value)
		return ""
	}
	return beside(d.file, n.Value)
}

func (d *deployment) readEnvironment(n *yaml.Node) {
	d.environment.given, d.environment.line = true, n.Line
	if n.Kind == yaml.ScalarNode {
		d.unseen = append(d.unseen, "environment "+n.Value)
		return
	}
	if f := child(n, "conda_file"); f != nil && f.Kind == yaml.ScalarNode {
		d.conda = d.path(nil, f, "conda_file")
	}
	if f := child(n, "image"); f != nil {
		d.image = f.Value
	}
	config := child(n, "inference_config")
	if config == nil {
		return
	}
	d.routes.declared, d.routes.line, d.routes.of = true, config.Line, map[string]route{}
	for _, name := range routeNames {
		if r := child(config, name); r != nil {
			out := route{line: r.Line}
			if p := child(r, "path"); p != nil {
				out.path = p.Value
			}
			if p := child(r, "port"); p != nil {
				out.port = p.Value
			}
			d.routes.of[name] = out
		}
	}
}

var routeNames = []string{"liveness_route", "readiness_route", "scoring_route"}

func readProbe(n *yaml.Node) probe {
	p := probe{n.Line, map[string]int{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v, err := strconv.Atoi(n.Content[i+1].Value); err == nil {
			p.fields[n.Content[i].Value] = v
		}
	}
	return p
}

// Defaults of probes, in seconds but for the count.
const (
	defaultDelay    = 10
	defaultPeriod   = 10
	defaultTimeout  = 2
	defaultFailures = 30
	slowStart       = 60 // what a Python server with its packages may well take
	serverPort      = "5001"
)

// probes looks at when and where the platform asks whether the server is up.
func (e *examination) probes(d *deployment) {
	for _, name := range []string{"liveness_probe", "readiness_probe"} {
		p, ok := d.probe[name]
		if !ok {
			continue
		}
		get := func(field string, other int) int {
			if v, ok := p.fields[field]; ok {
				return v
			}
			return other
		}
		patience := get("initial_delay", defaultDelay) + get("period", defaultPeriod)*get("failure_threshold", defaultFailures)
		if patience < slowStart {
			e.add(Finding{Cause: Probes, File: d.file, Line: p.line, Field: name, Problem: "the platform gives up " + strconv.Itoa(patience) +
				" s after the start (initial_delay + period × failure_threshold); a Python server may need a minute to import its packages", Mend: "set initial_delay: 300 and failure_threshold: 30, or deploy a container that starts at once"})
		}
		if get("timeout", defaultTimeout) < 1 || name == "liveness_probe" && get("success_threshold", 1) != 1 {
			e.add(Finding{Cause: Probes, File: d.file, Line: p.line, Field: name, Problem: "no answer can pass this probe", Mend: "set timeout to 2 or more and success_threshold of the liveness probe to 1"})
		}
	}
	if d.routes.declared {
		e.declared(d)
	}
}

// microsoft says that an image runs Microsoft's inference server.
func microsoft(image string) bool { return strings.HasPrefix(image, "mcr.microsoft.com/azureml/") }

// declared looks at the routes of a container.
func (e *examination) declared(d *deployment) {
	ports := map[string]bool{}
	want := map[string]string{"liveness_route": "/", "readiness_route": "/", "scoring_route": "/score"}
	for _, name := range routeNames {
		r, ok := d.routes.of[name]
		field := "environment.inference_config." + name
		switch {
		case !ok:
			e.add(Finding{Cause: Probes, File: d.file, Line: d.routes.line, Field: field, Problem: "the route is missing, and all three are required", Mend: "add " + name + " with path and port"})
			continue
		case !strings.HasPrefix(r.path, "/"):
			e.add(Finding{Cause: Probes, File: d.file, Line: r.line, Field: field + ".path", Problem: strconv.Quote(r.path) + " is no path that a server can answer", Mend: "write a path that begins with /"})
		case microsoft(d.image) && r.path != want[name]:
			e.add(Finding{Cause: Probes, File: d.file, Line: r.line, Field: field + ".path", Problem: "the server in this image answers " + want[name] + ", not " + r.path, Mend: "write path: " + want[name]})
		}
		if n, err := strconv.Atoi(r.port); err != nil || n < 1 || n > 65535 {
			e.add(Finding{Cause: Probes, File: d.file, Line: r.line, Field: field + ".port", Problem: strconv.Quote(r.port) + " is no port", Mend: "write the port that the container listens on"})
			continue
		}
		ports[r.port] = true
		if microsoft(d.image) && r.port != serverPort {
			e.add(Finding{Cause: Probes, File: d.file, Line: r.line, Field: field + ".port", Problem: "the server in this image listens on " + serverPort + ", not on " + r.port, Mend: "write port: " + serverPort})
		}
	}
	if len(ports) > 1 {
		e.add(Finding{Cause: Probes, File: d.file, Line: d.routes.line, Field: "environment.inference_config", Problem: "the routes have different ports; the platform forwards to one", Mend: "give all three the port that the container listens on"})
	}
}

var (
	definesInit = regexp.MustCompile(`(?m)^(async\s+)?def\s+init\s*\(`)
	definesRun  = regexp.MustCompile(`(?m)^(async\s+)?def\s+run\s*\(`)
)

// script looks whether the scoring script is one.
func (e *examination) script(d *deployment) {
	if d.code == "" || d.script == "" {
		return
	}
	file := beside(d.code+"/x", d.script)
	text, err := os.ReadFile(file)
	missing := ""
	switch {
	case err != nil:
		missing = "the scoring script " + file + " is not there"
	case !definesInit.Match(text) && !strings.Contains(string(text), "import init"):
		missing = "the scoring script has no function init(), which the server calls at its start"
	case !definesRun.Match(text) && !strings.Contains(string(text), "import run"):
		missing = "the scoring script has no function run(), which answers requests"
	}
	if missing != "" {
		e.add(Finding{Cause: Probes, File: d.file, Line: d.scored, Field: "code_configuration.scoring_script", Problem: missing, Mend: "code is relative to this file, scoring_script to code; define init() and run(data) there"})
	}
}
