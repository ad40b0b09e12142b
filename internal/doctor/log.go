package doctor

import (
	"regexp"
	"strings"
)

// More causes, which only a log shows.
const (
	ImagePull Cause = "image"  // the image could not be fetched or run
	ModelLoad Cause = "model"  // the model is not where it is looked for, or does not open
	Memory    Cause = "memory" // the container was ended for its memory
	Crash     Cause = "crash"  // the container ended by itself; the log does not say why
)

// sign is a trace that a cause leaves in a log.
type sign struct {
	cause         Cause
	find          string // regular expression; its first group goes into the problem
	problem, mend string // %s is what the group found
	symptom       bool   // it counts only when nothing else is found
}

// signs are looked for in this order; the first of a line wins.
func signs() []sign {
	return []sign{
		{cause: NoServer, find: `No module named '?(azureml_inference_server_http)\b|(azmlinfsrv): (?:command )?not found|(gunicorn): (?:command )?not found|exec: "(azmlinfsrv|gunicorn)"`,
			problem: "%s is not installed: nothing in this environment serves HTTP, and the gateway before it reads 502", mend: "add azureml-inference-server-http to the pip list of conda.yaml"},
		{cause: ServerClash, find: `No module named '?(azureml\.contrib[\w.]*)`, problem: "the server imports %s, which is not installed with its releases 1.3.0 to 1.3.4",
			mend: "write azureml-inference-server-http<1.3, or >=1.4 with Python 3.9 or newer"},
		{cause: ServerClash, find: `No matching distribution found for (azureml-inference-server-http\S*)`, problem: "%s is not published for this Python", mend: "write azureml-inference-server-http<1.3, or move to Python 3.10 or newer"},
		{cause: NoMonitoring, find: `No module named '?(azureml\.ai(?:\.monitoring)?)'?`, problem: "the scoring script that the platform writes imports %s, which nothing installs", mend: "add azureml-ai-monitoring to the pip list of conda.yaml"},
		{cause: OwnEnv, find: `KeyError: '(MLFLOW_MODEL_FOLDER|AZUREML_MODEL_DIR)'|environment variable '?"?(MLFLOW_MODEL_FOLDER|AZUREML_MODEL_DIR)\S* (?:is )?not set|No such file or directory: '(/var/mlflow_resources[^']*)'`,
			problem: "the server is not told where the model is (%s): a model without code was given an environment of its own", mend: "leave environment out, or name code_configuration with a scoring script, or deploy a container with inference_config"},
		{cause: MLflowClash, find: `(?:ImportError: cannot import name .* from '(mlflow[\w.]*)')|No module named '?(mlflow\.[\w.]+)|AttributeError: module '(mlflow[\w.]*)'`,
			problem: "the scoring script does not go with this MLflow (%s)", mend: "pin mlflow to the 2.x that logged the model, such as mlflow==2.22.0"},
		{cause: PythonEnd, find: `(?s)(?:ResolvePackageNotFound|PackagesNotFoundError|nothing provides|LibMambaUnsatisfiableError).*?(python[ =<>!~]*[0-9.]+)`, problem: "%s is no longer offered: the image does not build",
			mend: "move to a supported Python and train the model anew there, or serve the model as data in a container without Python"},
		{cause: Versions, find: `(numpy\.dtype size changed|numpy\.core\.multiarray failed to import|compiled using NumPy 1\.x)`, problem: "a package was built for another NumPy: %s", mend: "add numpy<2"},
		{cause: Versions, find: `(node array from the pickle has an incompatible dtype|InconsistentVersionWarning|unsupported pickle protocol: \d+|Can't get attribute '[^']+' on <module)`,
			problem: "the pickle does not open in these versions: %s", mend: "pin scikit-learn and Python to those that MLmodel names, or serve the model as data in a container without Python"},
		{cause: Versions, find: `ModuleNotFoundError: No module named '([\w.]+)'`, problem: "the package %s is not installed", mend: "add the package to conda.yaml"},
		{cause: ImagePull, find: `(ImagePullBackOff|ErrImagePull|[Ff]ailed to pull image|unauthorized: authentication required|manifest unknown|exec format error|UserContainerNotRun)`,
			problem: "the image does not start: %s", mend: "check the image's name and platform, and give the endpoint's identity acrPull on the registry"},
		{cause: Memory, find: `(OOMKilled|out of memory|MemoryError|exit code:? 137)`, problem: "the container was ended for its memory: %s", mend: "take a larger instance_type, or fewer workers (WORKER_COUNT)"},
		{cause: ModelLoad, find: `(?m)^(?:drivecast(?:-score)?: |Downloading model )(.+)$`, problem: "the container does not open the model: %s", mend: "try the same model here: drivecast-score -m MODEL"},
		{cause: ModelLoad, find: `(?:FileNotFoundError|No such file or directory): '?([^'\n]*(?:azureml-models|azureml-app|MLmodel)[^'\n]*)`, problem: "the model is not where it is looked for: %s", mend: "look with AZUREML_MODEL_DIR, below which the model's folder is mounted"},
		{cause: Probes, symptom: true, find: `(?:Liveness|Readiness) probe failed: ([^\n]*connect: connection refused[^\n]*)`, problem: "nothing listens where the probe asks: %s", mend: "listen on 0.0.0.0 and on the port that inference_config declares"},
		{cause: Probes, symptom: true, find: `(?:Liveness|Readiness) probe failed: (HTTP probe failed with statuscode: 50\d)`, problem: "the server behind the gateway did not come up: %s", mend: "read the log above the probe's line; give a slow start time: initial_delay: 300"},
		{cause: Probes, symptom: true, find: `(?:Liveness|Readiness) probe failed: (HTTP probe failed with statuscode: \d+)`, problem: "the container does not answer the declared route: %s", mend: "declare the routes that the container answers; drivecast-score answers /livez, /readyz and /score"},
		{cause: Probes, symptom: true, find: `(?:Liveness|Readiness) probe failed: ([^\n]*(?:deadline exceeded|[Tt]imeout)[^\n]*)`, problem: "the container answers too late: %s", mend: "raise timeout and initial_delay of the probe, or deploy a container that starts at once"},
		{cause: Crash, symptom: true, find: `(CrashLoopBackOff|[Uu]ser container has crashed or terminated|Back-off restarting failed container|Worker failed to boot)`, problem: "the container ends by itself: %s", mend: "run the container here with AZUREML_MODEL_DIR and read what it says"},
	}
}

// Diagnose reads the state of a deployment that failed, as Azure tells it, and its log,
// and names the causes, those first that others follow from. Nothing found is an empty
// list.
func Diagnose(state, log string) []Finding {
	out := []Finding{}
	seen := map[string]bool{}
	text := log + "\n" + state
	for _, s := range signs() {
		if s.symptom && len(out) > 0 {
			continue
		}
		at := regexp.MustCompile(s.find).FindStringSubmatchIndex(text)
		if at == nil {
			continue
		}
		found := ""
		for i := 2; i+1 < len(at) && found == ""; i += 2 {
			if at[i] >= 0 {
				found = strings.TrimSpace(text[at[i]:at[i+1]])
			}
		}
		if seen[string(s.cause)] || seen[found] {
			continue
		}
		seen[string(s.cause)], seen[found] = true, true
		f := Finding{Cause: s.cause, File: "log", Field: found, Problem: strings.Replace(s.problem, "%s", found, 1), Mend: s.mend}
		if f.Line = 1 + strings.Count(text[:at[0]], "\n"); at[0] > len(log) {
			f.File, f.Line = "state", 0
		}
		out = append(out, f)
	}
	return out
}
