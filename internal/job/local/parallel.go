package local

import (
	_ "embed" // the driver
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// driver runs a user's init() and run(batch) over an input. It is Python because
// the function is.
//
//go:embed parallel.py
var driver []byte

// parallelLine writes the driver and its settings and returns the command that
// runs it.
func (w *worker) parallelLine(inputs map[string]string, look job.Lookup) (string, error) {
	return ParallelLine(w.job.Parallel, JobDir(w.c.cfg.WorkDir, w.rec.Name), w.rec.Nodes, inputs, look)
}

// ParallelLine writes to dir what runs a parallel task on so many nodes, and returns the
// command line for each of them. It needs Python: $PYTHON, or else python3.
func ParallelLine(p *job.Parallel, dir string, nodes int, inputs map[string]string, look job.Lookup) (string, error) {
	arguments, err := job.Expand(p.Arguments, look)
	if err != nil {
		return "", errs.Wrap(err, "task.program_arguments")
	}
	appendTo := ""
	if p.AppendRowTo != "" {
		if appendTo, err = job.Expand(p.AppendRowTo, look); err != nil {
			return "", errs.Wrap(err, "task.append_row_to")
		}
	}
	source, ok := inputs[p.Input]
	if !ok {
		return "", errs.New(errs.Invalid, "input_data: the step has no input %s with a value", p.Input)
	}
	settings := map[string]any{
		"script": p.Script, "arguments": arguments, "input": source, "batch_size": p.BatchSize, "batch_bytes": p.BatchBytes,
		"append_row_to": appendTo, "error_threshold": p.ErrorThreshold, "batch_threshold": p.BatchThreshold, "workers": p.Workers,
		"retries": p.Retries, "batch_timeout": p.BatchTimeout, "nodes": nodes, "logging_level": strings.ToUpper(p.LogLevel),
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return "", errs.Wrap(err, "write down the parallel task")
	}
	script, config := filepath.Join(dir, "parallel.py"), filepath.Join(dir, "parallel.json")
	if err := os.WriteFile(script, driver, 0o644); err != nil {
		return "", errs.Wrap(err, "write the driver")
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return "", errs.Wrap(err, "write down the parallel task")
	}
	return `"${PYTHON:-python3}" "` + script + `" "` + config + `"`, nil
}
