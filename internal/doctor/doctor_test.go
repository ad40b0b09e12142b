package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

var today = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// lay writes files, given as name and content, and returns their folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	mlmodel = "flavors:\n  python_function:\n    env:\n      conda: conda.yaml\n    python_version: 3.10.4\n  sklearn:\n    pickled_model: model.pkl\n    sklearn_version: 1.5.0\nmlflow_version: 2.22.0\n"
	good    = "dependencies:\n- python=3.11.4\n- pip:\n  - mlflow==2.22.0\n  - scikit-learn==1.5.0\n  - numpy==1.26.4\n  - azureml-inference-server-http>=1.4\n  - azureml-ai-monitoring==1.0.0\n"
	sound   = "name: blue\nendpoint_name: e\nmodel: {path: m}\n"
)

// change replaces text in the good environment, and fits the model's Python.
func change(old, new string) string {
	if !strings.Contains(good, old) {
		panic(old)
	}
	return strings.Replace(good, old, new, 1)
}

// TestCauses has a deployment for each cause of a 502.
func TestCauses(t *testing.T) {
	model := strings.Replace(mlmodel, "3.10.4", "3.11.4", 1)
	for name, c := range map[string]struct {
		conda, deployment string // "" the good ones
		model             string
		want              string // cause line field, joined
	}{
		"sound":                     {"", "", "", ""},
		"no server":                 {change("  - azureml-inference-server-http>=1.4\n", ""), "", "", "no-inference-server 0 azureml-inference-server-http"},
		"server that fails":         {change("http>=1.4", "http==1.3.2"), "", "", "server-version 7 azureml-inference-server-http==1.3.2"},
		"server on an old Python":   {change("3.11.4", "3.8.16"), "", strings.Replace(mlmodel, "3.10.4", "3.8.16", 1), "python-end 2 python=3.8.16, server-version 7 azureml-inference-server-http>=1.4"},
		"newest on an old Python":   {strings.Replace(change("3.11.4", "3.8"), "http>=1.4", "http", 1), "", strings.Replace(mlmodel, "3.10.4", "3.8.16", 1), "python-end 2 python=3.8, server-version 7 azureml-inference-server-http"},
		"no monitoring":             {change("  - azureml-ai-monitoring==1.0.0\n", ""), "", "", "no-monitoring 0 azureml-ai-monitoring"},
		"MLflow 3":                  {change("mlflow==2.22.0", "mlflow==3.7.0"), "", "", "mlflow-version 4 mlflow==3.7.0"},
		"any MLflow":                {change("mlflow==2.22.0", "mlflow"), "", "", "mlflow-version 4 mlflow"},
		"an environment of its own": {"", sound + "environment: {image: i, conda_file: m/conda.yaml}\n", "", "own-environment 4 environment"},
		"Python 3.7":                {strings.Replace(change("3.11.4", "3.7.9"), ">=1.4", "<1.3", 1), "", strings.Replace(mlmodel, "3.10.4", "3.7.9", 1), "python-end 2 python=3.7.9"},
		"impatient probe":           {"", sound + "readiness_probe:\n  initial_delay: 5\n  period: 5\n  failure_threshold: 3\n", "", "probes 5 readiness_probe"},
		"patient probe":             {"", sound + "readiness_probe:\n  initial_delay: 500\n  period: 100\n", "", ""},
		"old packages, new NumPy":   {strings.Replace(change("scikit-learn==1.5.0", "scikit-learn==1.3.2"), "1.26.4", "2.0.1", 1), "", strings.Replace(model, "1.5.0", "1.3.2", 1), "versions 5 scikit-learn==1.3.2"},
		"another scikit-learn":      {change("1.5.0", "1.6.1"), "", "", "versions 5 scikit-learn==1.6.1"},
		"no scikit-learn":           {change("  - scikit-learn==1.5.0\n", ""), "", "", "versions 0 scikit-learn"},
		"another Python":            {change("3.11.4", "3.12"), "", "", "versions 2 python=3.12"},
		"asked for twice":           {good + "  - mlflow==2.21.0\n", "", "", "versions 9 mlflow==2.21.0"},
	} {
		if c.conda == "" {
			c.conda = good
		}
		if c.deployment == "" {
			c.deployment = sound
		}
		if c.model == "" {
			c.model = model
		}
		dir := lay(t, map[string]string{"m/MLmodel": c.model, "m/conda.yaml": c.conda, "d.yml": c.deployment})
		report, err := Examine(filepath.Join(dir, "d.yml"), today)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := said(report); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// said lists cause, line and field of what is no warning.
func said(r *Report) string {
	var out []string
	for _, f := range r.Findings {
		if f.Mend == "" || f.Problem == "" || f.File == "" {
			return "a finding without a mend, problem or file"
		}
		if !f.Warning {
			out = append(out, strings.TrimSpace(string(f.Cause)+" "+itoa(f.Line)+" "+f.Field))
		}
	}
	return strings.Join(out, ", ")
}

func itoa(n int) string { return version{n}.String() }

// TestContainers looks at what is declared of containers, and at scoring scripts.
func TestContainers(t *testing.T) {
	config := func(image, live, ready, score string) string {
		return sound + "environment:\n  image: " + image + "\n  inference_config:\n    liveness_route: " + live + "\n    readiness_route: " + ready + "\n    scoring_route: " + score + "\n"
	}
	own, theirs := "registry/drives:1", "mcr.microsoft.com/azureml/minimal:latest"
	for name, c := range map[string]struct{ deployment, want string }{
		"own container":       {config(own, "{path: /live, port: 8080}", "{path: /ready, port: 8080}", "{path: /score, port: 8080}"), ""},
		"their server":        {config(theirs, "{path: /, port: 5001}", "{path: /, port: 5001}", "{path: /score, port: 5001}"), ""},
		"wrong port":          {config(theirs, "{path: /, port: 5001}", "{path: /, port: 5001}", "{path: /score, port: 8080}"), "probes 7 environment.inference_config, probes 9 environment.inference_config.scoring_route.port"},
		"wrong route":         {config(theirs, "{path: /healthz, port: 5001}", "{path: /, port: 5001}", "{path: /score, port: 5001}"), "probes 7 environment.inference_config.liveness_route.path"},
		"no path":             {config(own, "{path: live, port: 1}", "{path: /, port: 1}", "{path: /, port: 1}"), "probes 7 environment.inference_config.liveness_route.path"},
		"no port":             {config(own, "{path: /}", "{path: /, port: 1}", "{path: /, port: 1}"), "probes 7 environment.inference_config.liveness_route.port"},
		"missing route":       {sound + "environment:\n  image: i\n  inference_config:\n    scoring_route: {path: /, port: 1}\n", "probes 7 environment.inference_config.liveness_route, probes 7 environment.inference_config.readiness_route"},
		"script":              {sound + "code_configuration: {code: src, scoring_script: score.py}\n", ""},
		"no script":           {sound + "code_configuration: {code: src, scoring_script: other.py}\n", "probes 4 code_configuration.scoring_script"},
		"script without run":  {sound + "code_configuration: {code: src, scoring_script: half.py}\n", "probes 4 code_configuration.scoring_script"},
		"requirements, no py": {sound + "code_configuration: {code: src, scoring_script: score.py}\nenvironment: {image: i, conda_file: src/req.txt}\n", "versions 2 numpy==2.0"},
	} {
		dir := lay(t, map[string]string{"d.yml": c.deployment, "src/score.py": "def init():\n  pass\ndef run(data):\n  return 1\n", "src/half.py": "def init(): pass",
			"src/req.txt": "numpy<2 # old\nnumpy==2.0\nAzureML_Inference_Server_HTTP[x]>=1.4 ; python_version>'3'\n-r more.txt\n", "src/more.txt": "flask\n"})
		report, err := Examine(filepath.Join(dir, "d.yml"), today)
		if err != nil || said(report) != c.want {
			t.Errorf("%s: got %q, want %q, %v", name, said(report), c.want, err)
		}
	}
}

// TestTheSeed examines the published model that never came up.
func TestTheSeed(t *testing.T) {
	data := os.Getenv("DRIVE_DATA")
	if data == "" {
		t.Skip("DRIVE_DATA is not set")
	}
	report, err := Examine(filepath.Join(data, "seed", "models", "v2"), today)
	if err != nil {
		t.Fatal(err)
	}
	if got := said(report); !strings.Contains(got, string(NoServer)) || !strings.Contains(got, "python-end 4 python=3.8.16") || !strings.Contains(got, string(NoMonitoring)) || !report.Failed() {
		t.Errorf("got %s", got)
	}
}

func TestRefusals(t *testing.T) {
	dir := lay(t, map[string]string{"endpoint.yml": "name: e\nauth_mode: key\n", "text": "hello", "gone.yml": sound + "code_configuration: {code: ., scoring_script: s.py}\nenvironment: {image: i, conda_file: none.yml}\n",
		"far.yml": "endpoint_name: e\nmodel: azureml:m:1\nenvironment: azureml:AzureML-x@latest\n"})
	for file, want := range map[string]errs.Kind{"none": errs.NotFound, "endpoint.yml": errs.Invalid, "text": errs.Invalid, "gone.yml": errs.Invalid} {
		if _, err := Examine(filepath.Join(dir, file), today); !errs.Is(err, want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	report, err := Examine(filepath.Join(dir, "far.yml"), today)
	if err != nil || len(report.Unseen) != 2 {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		spec, v string
		has     bool
	}{
		{"==1.2", "1.2", true}, {"==1.2", "1.2.1", false}, {"=1.2", "1.2.9", true}, {"=1.2", "1.3", false}, {"==1.2.*", "1.2.7", true}, {"~=1.4.2", "1.4.9", true}, {"~=1.4.2", "1.5", false},
		{"~=1.4", "1.9", true}, {"~=1.4", "2.0", false}, {">=1,<2", "1.5", true}, {">=1,<2", "2.0", false}, {">=1, <=2", "2", true}, {"", "7", true}, {"==2.0.0rc1", "2.0.0", true}, {"!=3", "3", true},
	} {
		if got := parseSpan(c.spec).has(parseVersion(c.v)); got != c.has {
			t.Errorf("%q has %s: %v", c.spec, c.v, got)
		}
	}
}

// FuzzEnvironment reads any text as an environment and as a deployment.
func FuzzEnvironment(f *testing.F) {
	f.Add(good)
	f.Add("a==1\n-r x\nb[c] @ http://x")
	f.Add(sound + "environment:\n  inference_config: {liveness_route: {path: /, port: 1}}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "in.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		env, err := readEnvironment(path)
		if err == nil {
			(&examination{today: today}).environment(env, nil, true)
		}
		if _, err := Examine(path, today); err != nil && !errs.Is(err, errs.Invalid) {
			t.Error(err)
		}
	})
}
