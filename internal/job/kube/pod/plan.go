package pod

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

// process is one process to be.
type process struct {
	line string
	env  []string
	log  string
}

// plan lists the processes of the index: one, or as many as the distribution says.
func (w *work) plan() ([]process, error) {
	inputs, err := w.inputTexts()
	if err != nil {
		return nil, err
	}
	outputs, err := w.outputPaths()
	if err != nil {
		return nil, err
	}
	look := job.Inner(w.task.Inputs, inputs, outputs)
	line, err := job.Expand(w.task.Command.Line, look)
	if err != nil {
		return nil, errs.Wrap(err, "command")
	}
	if w.task.Parallel != nil {
		if line, err = w.parallelLine(inputs, look); err != nil {
			return nil, err
		}
	}
	vars, err := w.environment(inputs, outputs, look)
	if err != nil {
		return nil, err
	}
	nodes, per := 1, 1
	if d := w.task.Command.Distribution; d != nil && d.PerInstance > 0 {
		per = d.PerInstance
	}
	node := 0
	if w.spec.Layout.Together {
		nodes, node = w.spec.Layout.Count, w.index
	}
	var out []process
	for k := range per {
		env := maps.Clone(vars)
		for _, kv := range local.RankVariables(w.task.Command.Distribution, nodes, per, node*per+k, w.host) {
			name, v, _ := strings.Cut(kv, "=")
			env[name] = v
		}
		out = append(out, process{line: line, env: assignments(env), log: w.path("user_logs", logName(w.index*per+k))})
	}
	return out, nil
}

// parallelLine is the command of a parallel task, whose instances are processes of the
// one pod: results that go to one file need one writer.
func (w *work) parallelLine(inputs map[string]string, look job.Lookup) (string, error) {
	dir := w.path("parallel")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", errs.Wrap(err, "make %s", dir)
	}
	p := *w.task.Parallel
	p.Workers *= max(1, w.task.Command.Resources.Instances)
	return local.ParallelLine(&p, dir, 1, inputs, look)
}

// host is the address of the pod of an index, for jobs whose pods work together.
func (w *work) host(index int) string {
	if form := w.getenv(EnvHosts); form != "" {
		return strings.ReplaceAll(form, "{index}", fmt.Sprint(index))
	}
	return "127.0.0.1"
}

// logName is the log of process i, as on one machine.
func logName(i int) string {
	if i == 0 {
		return "std_log.txt"
	}
	return fmt.Sprintf("std_log_process_%d.txt", i)
}

// inputTexts are what stands for each input: the literal, or the path.
func (w *work) inputTexts() (map[string]string, error) {
	out := map[string]string{}
	for name, in := range w.task.Inputs {
		switch dir := w.path("inputs", name); {
		case in.Empty:
		case in.Path == "":
			out[name] = in.Value
		case w.spec.Data[name] != "":
			out[name] = dir
			if in.Type == "uri_file" || w.spec.single(name) {
				file, err := onlyFile(dir)
				if err != nil {
					return nil, errs.Wrap(err, "input %s", name)
				}
				out[name] = file
			}
		case strings.HasPrefix(in.Path, FromPrefix):
			out[name] = dir
			if in.Type == "uri_file" {
				file, err := onlyFile(dir)
				if err != nil {
					return nil, errs.Wrap(err, "input %s", name)
				}
				out[name] = file
			}
		case fetched(in):
			out[name] = filepath.Join(dir, urlName(in.Path))
		default:
			out[name] = in.Path
		}
	}
	return out, nil
}

// single reports whether an input was one file where the job was made.
func (s *Spec) single(name string) bool { return slices.Contains(s.Single, name) }

func onlyFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 {
		return "", errs.New(errs.Invalid, "%d files instead of one", len(entries))
	}
	return filepath.Join(dir, entries[0].Name()), nil
}

// outputPaths makes the place of every output.
func (w *work) outputPaths() (map[string]string, error) {
	out := map[string]string{}
	for name, o := range w.task.Outputs {
		dir := w.path("outputs", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, errs.Wrap(err, "output %s", name)
		}
		out[name] = dir
		if o.Type == "uri_file" {
			out[name] = filepath.Join(dir, outputFile(name, o))
		}
	}
	return out, nil
}

// outputFile is the name of an output that is one file.
func outputFile(name string, o job.Output) string {
	base := path.Base(strings.TrimRight(filepath.ToSlash(o.Path), "/"))
	if o.Path == "" || strings.ContainsAny(base, "${}") {
		return name
	}
	return base
}

// environment is the container's, then the job's, then what the platform promises.
func (w *work) environment(inputs, outputs map[string]string, look job.Lookup) (map[string]string, error) {
	vars := map[string]string{}
	for _, kv := range w.Environ {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	var err error
	for k, v := range w.task.Command.Variables {
		if vars[k], err = job.Expand(v, look); err != nil {
			return nil, errs.Wrap(err, "environment_variables.%s", k)
		}
	}
	maps.Copy(vars, map[string]string{
		"AZUREML_RUN_ID": w.name, "AZUREML_ROOT_RUN_ID": cmp.Or(w.getenv("AZUREML_ROOT_RUN_ID"), w.spec.Job), "AZUREML_JOB_NAME": w.name,
		"MLFLOW_RUN_ID": w.run, "DRIVECAST": w.path("bin", "drivecast"),
		"PATH": w.path("bin") + string(os.PathListSeparator) + vars["PATH"], EnvIndex: fmt.Sprint(w.index),
		"DRIVECAST_SHARDS": fmt.Sprint(w.spec.Layout.Count),
	})
	for name := range inputs {
		text, _, _ := look([]string{"inputs", name})
		vars["AZURE_ML_INPUT_"+name] = text
	}
	for name, p := range outputs {
		vars["AZURE_ML_OUTPUT_"+name] = p
	}
	return vars, nil
}

func assignments(vars map[string]string) []string {
	out := make([]string, 0, len(vars))
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, k+"="+vars[k])
	}
	return out
}
