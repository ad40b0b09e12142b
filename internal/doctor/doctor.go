// Package doctor reads a model's environment and a deployment of it to a managed
// endpoint before anything is deployed, and names what will keep its Python server
// from starting: nearly every "Liveness probe failed: HTTP probe failed with
// statuscode: 502" is a server process that never came up behind a gateway that
// did.
package doctor

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Cause names why a deployment fails. Each is one of those that answer 502.
type Cause string

// The causes.
const (
	NoServer     Cause = "no-inference-server" // nothing in the environment answers HTTP
	ServerClash  Cause = "server-version"      // the server does not import, or does not install
	NoMonitoring Cause = "no-monitoring"       // a module that the generated script imports is absent
	MLflowClash  Cause = "mlflow-version"      // the scoring script does not work with this MLflow
	OwnEnv       Cause = "own-environment"     // a model without code, with an environment of its own
	PythonEnd    Cause = "python-end"          // the interpreter is no longer built or supported
	Probes       Cause = "probes"              // no server can answer these probes, routes or ports
	Versions     Cause = "versions"            // packages that do not go together, or not with the model file
)

// Finding is one thing that is wrong.
type Finding struct {
	Cause   Cause  `json:"cause"`
	File    string `json:"file"`
	Line    int    `json:"line"`  // 1-based; 0 for the file as a whole
	Field   string `json:"field"` // what stands there
	Problem string `json:"problem"`
	Mend    string `json:"mend"`
	Warning bool   `json:"warning"` // it may do harm, and may not
}

// Report is what Examine found.
type Report struct {
	Findings []Finding `json:"findings"`
	Unseen   []string  `json:"unseen"` // what was referred to and cannot be read here
	Model    string    `json:"model"`  // folder of the model, "" when none is at hand
}

// Failed reports whether a finding is more than a warning.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Warning })
}

// Examine reads a model folder, as if it were deployed without code, or a
// deployment's YAML file with all that it refers to on this machine. today decides
// which interpreters are still supported. Errors are of kind NotFound when path is
// not there, Invalid when it is neither.
func Examine(path string, today time.Time) (*Report, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, errs.New(errs.NotFound, "there is no model folder or deployment file %s; check the path", path)
	}
	e := &examination{today: today}
	if st.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "MLmodel")); err != nil {
			return nil, errs.New(errs.Invalid, "%s holds no MLmodel: it is no model folder of MLflow; give the folder that log_model or save_model wrote, or the deployment's YAML file", path)
		}
		d := &deployment{file: path, model: path}
		if err := e.examine(d); err != nil {
			return nil, err
		}
		return &e.report, nil
	}
	d, err := readDeployment(path)
	if err != nil {
		return nil, err
	}
	if err := e.examine(d); err != nil {
		return nil, err
	}
	return &e.report, nil
}

// examination is what is known while a deployment is looked at.
type examination struct {
	today  time.Time
	report Report
}

func (e *examination) add(f Finding) { e.report.Findings = append(e.report.Findings, f) }

func (e *examination) examine(d *deployment) error {
	folder, err := readModel(d.model)
	if err != nil {
		return err
	}
	e.report.Model, e.report.Unseen = d.model, d.unseen
	e.probes(d)
	e.script(d)
	noCode := folder != nil && d.code == "" && !d.routes.declared
	if noCode && d.environment.given {
		e.add(Finding{Cause: OwnEnv, File: d.file, Line: d.environment.line, Field: "environment", Problem: "a model that is deployed without code gets an environment of its own here: " +
			"the folder of the model is then not told to the server, which looks for it in vain", Mend: "leave environment out, or name code_configuration with a scoring script, or deploy a container with inference_config"})
	}
	env := d.conda
	if env == "" && folder != nil && !d.environment.given {
		env = folder.conda
	}
	if env != "" && !d.routes.declared {
		set, err := readEnvironment(env)
		if err != nil {
			return err
		}
		e.environment(set, folder, noCode)
	}
	slices.SortStableFunc(e.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return nil
}

func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
}
