package job

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Parallel is a step that hands its input to a function in small batches.
type Parallel struct {
	Script         string `json:"script"`                  // Python file in the code folder with init() and run(batch)
	Arguments      string `json:"arguments,omitempty"`     // with expressions
	Input          string `json:"input"`                   // name of the input that is divided
	BatchSize      int    `json:"batch_size"`              // files a batch, or bytes when BatchBytes
	BatchBytes     bool   `json:"batch_bytes,omitempty"`   // rows of tabular files up to so many bytes
	AppendRowTo    string `json:"append_row_to,omitempty"` // expression of the file that results are appended to
	ErrorThreshold int    `json:"error_threshold"`         // failed items that are borne; -1 for any
	BatchThreshold int    `json:"batch_threshold"`         // failed batches that are borne; -1 for any
	Workers        int    `json:"workers"`                 // batches at a time on each node
	Retries        int    `json:"retries"`                 // further tries of a failed batch
	BatchTimeout   int    `json:"batch_timeout,omitempty"` // seconds a batch may take; 0 is no limit
	LogLevel       string `json:"logging_level,omitempty"`
}

func (d *Document) parallel(j *Job, a at) error {
	task := a.child("task")
	input, ok := soleExpression(a.text("input_data"))
	if !ok || len(input) != 2 || input[0] != "inputs" {
		return errs.New(errs.Invalid, "line %d: input_data: write ${{inputs.name}}", a.node.Line)
	}
	p := &Parallel{
		Script: task.text("entry_script"), Arguments: task.text("program_arguments"), Input: input[1], AppendRowTo: task.text("append_row_to"),
		ErrorThreshold: -1, BatchThreshold: -1, Workers: max(1, a.integer("max_concurrency_per_instance")), LogLevel: a.text("logging_level"),
		Retries: a.integer("retry_settings", "max_retries"), BatchTimeout: a.integer("retry_settings", "timeout"),
	}
	if p.Script == "" {
		return errs.New(errs.Invalid, "line %d: task.entry_script: name the Python file with init() and run(batch)", a.node.Line)
	}
	if a.child("partition_keys").exists() {
		return errs.New(errs.Unsupported, "line %d: partition_keys are not run on this machine; use mini_batch_size", a.child("partition_keys").node.Line)
	}
	if a.child("error_threshold").exists() {
		p.ErrorThreshold = a.integer("error_threshold")
	}
	if a.child("mini_batch_error_threshold").exists() {
		p.BatchThreshold = a.integer("mini_batch_error_threshold")
	}
	size, bytes, err := batchSize(a.text("mini_batch_size"))
	if err != nil {
		return errs.Wrap(err, "line %d: mini_batch_size", a.node.Line)
	}
	p.BatchSize, p.BatchBytes = size, bytes
	j.Parallel = p
	j.Command.Code, j.Command.Environment = d.path(task.text("code")), d.environment(task.child("environment"))
	j.Command.Resources.Instances = a.integer("resources", "instance_count")
	j.Limits.Timeout, j.Limits.Retries = 0, 0 // retry_settings are the batches'
	return nil
}

// batchSize reads a number of files, or a size such as 10kb.
func batchSize(text string) (n int, bytes bool, err error) {
	if text == "" {
		return 10, false, nil
	}
	t := strings.ToLower(strings.TrimSpace(text))
	unit := 1
	for suffix, u := range map[string]int{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30} {
		if strings.HasSuffix(t, suffix) {
			t, unit, bytes = strings.TrimSpace(strings.TrimSuffix(t, suffix)), u, true
		}
	}
	n, err = strconv.Atoi(t)
	if err != nil || n < 1 {
		return 0, false, errs.New(errs.Invalid, "%q is neither a number of files nor a size such as 10kb", text)
	}
	return n * unit, bytes, nil
}
