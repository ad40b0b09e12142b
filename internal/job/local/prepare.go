package local

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// prepare makes the folders, data and tracking run of a job and returns the
// processes to start.
func (w *worker) prepare(ctx context.Context) ([]launch, error) {
	cfg := w.c.cfg
	if err := os.MkdirAll(filepath.Dir(LogPath(cfg.WorkDir, w.rec.Name, 0)), 0o755); err != nil {
		return nil, errs.Wrap(err, "make the job's folder")
	}
	run, err := w.openRun(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.to(ctx, job.Preparing, func(r *job.Record) {
		if run.ID != "" {
			r.RunID = run.ID
		}
	}); err != nil {
		return nil, err
	}
	for i := range w.rec.Nodes {
		if err := w.workingCopy(i); err != nil {
			return nil, err
		}
	}
	inputs, err := w.inputs(ctx)
	if err != nil {
		return nil, err
	}
	outputs, err := w.outputs()
	if err != nil {
		return nil, err
	}
	return w.plan(run, inputs, outputs)
}

// plan lists the processes: one per node, or as many as the distribution says.
func (w *worker) plan(run Run, inputs, outputs map[string]string) ([]launch, error) {
	cfg, cmd := w.c.cfg, w.job.Command
	look := job.Inner(w.job.Inputs, inputs, outputs)
	line, err := job.Expand(cmd.Line, look)
	if err == nil && w.job.Parallel != nil {
		line, err = w.parallelLine(inputs, look)
	}
	if err != nil {
		return nil, errs.Wrap(err, "command")
	}
	env, err := w.environment(run, inputs, outputs, look)
	if err != nil {
		return nil, err
	}
	per := 1
	if d := cmd.Distribution; d != nil && d.PerInstance > 0 {
		per = d.PerInstance
	}
	var out []launch
	for i := range w.rec.Nodes * per {
		attempt := w.rec.Attempt + 1
		l := launch{
			line: line, dir: codeDir(cfg.WorkDir, w.rec.Name, i/per), log: LogPath(cfg.WorkDir, w.rec.Name, i),
			exit: exitPath(cfg.WorkDir, w.rec.Name, attempt, i), mark: mark(w.rec.Name, attempt), limits: cfg.Limits,
			env: slices.Concat(env, RankVariables(cmd.Distribution, w.rec.Nodes, per, i, here)),
		}
		if err := os.Remove(l.exit); err != nil && !os.IsNotExist(err) {
			return nil, errs.Wrap(err, "clear the last exit code")
		}
		out = append(out, l)
	}
	return out, nil
}

// workingCopy makes the working directory of node i anew.
func (w *worker) workingCopy(i int) error {
	dir, code := codeDir(w.c.cfg.WorkDir, w.rec.Name, i), w.job.Command.Code
	if err := os.RemoveAll(dir); err != nil {
		return errs.Wrap(err, "clear %s", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Wrap(err, "make %s", dir)
	}
	switch {
	case code == "":
		return nil
	case strings.HasPrefix(code, snapshotScheme):
		c := &copier{ig: &ignore{}}
		return errs.Wrap(c.folder(dir, SnapshotDir(w.c.cfg.WorkDir, code), "", 0), "copy the code")
	case job.IsRemote(code):
		return errs.New(errs.Unsupported, "code %s is not on this machine; name a local folder", code)
	}
	return errs.Wrap(copyCode(dir, code, w.c.cfg.WorkDir, nil), "copy the code")
}

// environment is that of every process of the job: this program's own, then the
// cluster's, then the job's, then what the platform promises.
func (w *worker) environment(run Run, inputs, outputs map[string]string, look job.Lookup) ([]string, error) {
	cfg := w.c.cfg
	bin, program, err := linkProgram(cfg.WorkDir)
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, kv := range slices.Concat(os.Environ(), cfg.Env) {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	for k, v := range w.job.Command.Variables {
		if vars[k], err = job.Expand(v, look); err != nil {
			return nil, errs.Wrap(err, "environment_variables.%s", k)
		}
	}
	root := w.rec.Name
	if w.rec.Parent != "" {
		root = w.rec.Parent
	}
	maps.Copy(vars, map[string]string{
		"DRIVECAST": program, "PATH": bin + string(os.PathListSeparator) + vars["PATH"],
		"AZUREML_RUN_ID": w.rec.Name, "AZUREML_ROOT_RUN_ID": root, "AZUREML_JOB_NAME": w.rec.Name,
		"AZUREML_EXPERIMENT_NAME": w.rec.Experiment, "AZUREML_COMPUTE": cfg.Name,
		"AZUREML_NODE_COUNT": fmt.Sprint(w.rec.Nodes), "PYTHONUNBUFFERED": "1",
	})
	if run.ID != "" {
		maps.Copy(vars, map[string]string{
			"MLFLOW_TRACKING_URI": cfg.Tracking, "MLFLOW_RUN_ID": run.ID,
			"MLFLOW_EXPERIMENT_ID": run.ExperimentID, "MLFLOW_EXPERIMENT_NAME": w.rec.Experiment,
		})
	}
	for name, in := range w.job.Inputs {
		if !in.Empty {
			text, _, _ := look([]string{"inputs", name})
			vars["AZURE_ML_INPUT_"+name] = text
		}
	}
	for name, path := range outputs {
		vars["AZURE_ML_OUTPUT_"+name] = path
	}
	cpuVariables(vars, cfg.Limits)
	return assignments(vars), nil
}

// cpuVariables tell numeric libraries how many cores they may use.
func cpuVariables(vars map[string]string, l NodeLimits) {
	if l.CPUs <= 0 {
		return
	}
	for _, k := range []string{"GOMAXPROCS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		vars[k] = fmt.Sprint(l.CPUs)
	}
}

func assignments(vars map[string]string) []string {
	out := make([]string, 0, len(vars))
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, k+"="+vars[k])
	}
	return out
}

// here is where every node of this machine is.
func here(int) string { return "127.0.0.1" }

// RankVariables tell process i of a distributed job who it is: assignments for its
// environment. There are per processes on each node; host gives a node's address.
func RankVariables(d *job.Distribution, nodes, per, i int, host func(node int) string) []string {
	world, node := nodes*per, i/per
	out := []string{fmt.Sprintf("AZUREML_NODE_RANK=%d", node), fmt.Sprintf("NODE_RANK=%d", node)}
	if d == nil {
		return out
	}
	rank := []string{
		fmt.Sprintf("RANK=%d", i), fmt.Sprintf("LOCAL_RANK=%d", i%per), fmt.Sprintf("WORLD_SIZE=%d", world),
		fmt.Sprintf("LOCAL_WORLD_SIZE=%d", per), "MASTER_ADDR=" + host(0), "MASTER_PORT=6105",
	}
	switch d.Type {
	case "mpi":
		rank = append(rank, fmt.Sprintf("OMPI_COMM_WORLD_RANK=%d", i), fmt.Sprintf("OMPI_COMM_WORLD_SIZE=%d", world),
			fmt.Sprintf("OMPI_COMM_WORLD_LOCAL_RANK=%d", i%per))
	case "tensorflow":
		rank = []string{"TF_CONFIG=" + tensorflowConfig(d, nodes, i, host)}
	}
	return append(out, rank...)
}

// tensorflowConfig is TF_CONFIG: parameter servers come first.
func tensorflowConfig(d *job.Distribution, nodes, i int, host func(node int) string) string {
	servers := min(d.ParameterServers, nodes)
	hosts := func(from, to int) string {
		var out []string
		for k := from; k < to; k++ {
			out = append(out, fmt.Sprintf("%q", fmt.Sprintf("%s:%d", host(k), 6105+k)))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	kind, index := "worker", i-servers
	if i < servers {
		kind, index = "ps", i
	}
	cluster := `"worker":` + hosts(servers, nodes)
	if servers > 0 {
		cluster = `"ps":` + hosts(0, servers) + "," + cluster
	}
	return fmt.Sprintf(`{"cluster":{%s},"task":{"type":%q,"index":%d}}`, cluster, kind, index)
}
