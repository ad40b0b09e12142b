package job

import (
	"strings"
	"time"
)

// Job is a document that can be run, typed. It is plain data: its JSON is what
// the queue keeps.
type Job struct {
	Kind        Kind              `json:"kind"`
	Name        string            `json:"name,omitempty"` // unique in a store; "" until submitted
	DisplayName string            `json:"display_name,omitempty"`
	Description string            `json:"description,omitempty"`
	Experiment  string            `json:"experiment,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Compute     string            `json:"compute,omitempty"` // cluster, without azureml:; "" when the file names none
	Source      string            `json:"source,omitempty"`  // absolute path of the YAML file
	Inputs      map[string]Input  `json:"inputs,omitempty"`
	Outputs     map[string]Output `json:"outputs,omitempty"`
	Command     *Command          `json:"command,omitempty"`  // of a command job, and the trial of a sweep
	Sweep       *Sweep            `json:"sweep,omitempty"`    // of a sweep job
	Pipeline    *Pipeline         `json:"pipeline,omitempty"` // of a pipeline job
	Parallel    *Parallel         `json:"parallel,omitempty"` // of a parallel step
	Limits      Limits            `json:"limits"`
	Warnings    []Problem         `json:"warnings,omitempty"`
}

// Command is what one process per node runs.
type Command struct {
	Line         string            `json:"line"`                   // with its expressions
	Code         string            `json:"code,omitempty"`         // absolute folder or file, or a remote reference; "" for none
	Environment  Environment       `json:"environment"`            // kept for targets that have images
	Variables    map[string]string `json:"variables,omitempty"`    // environment variables of the process
	Resources    Resources         `json:"resources"`              // what it asks for
	Distribution *Distribution     `json:"distribution,omitempty"` // nil when the processes do not work together
}

// Input is a literal or data handed to a job.
type Input struct {
	Type     string `json:"type,omitempty"`     // integer number string boolean for literals; uri_file uri_folder mltable mlflow_model custom_model triton_model for data
	Value    string `json:"value,omitempty"`    // of a literal, as written
	Path     string `json:"path,omitempty"`     // of data: absolute local path, URL or azureml: reference
	Mode     string `json:"mode,omitempty"`     // ro_mount, rw_mount, download, direct, eval_mount, eval_download; "" is ro_mount
	Optional bool   `json:"optional,omitempty"` // may be without value
	Empty    bool   `json:"empty,omitempty"`    // has no value
}

// IsData reports whether the input names files rather than a literal.
func (in Input) IsData() bool { return in.Path != "" || isDataType(in.Type) }

func isDataType(t string) bool {
	switch t {
	case "uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model":
		return true
	}
	return false
}

// Output is a place that a job writes.
type Output struct {
	Type string `json:"type,omitempty"` // uri_folder when not said
	Path string `json:"path,omitempty"` // where it is collected; "" is the job's own folder
	Mode string `json:"mode,omitempty"` // rw_mount, upload or direct
	Name string `json:"name,omitempty"` // asset to register it as
}

// Environment is a reference or an inline image; a local run uses this machine
// as it is.
type Environment struct {
	Reference string `json:"reference,omitempty"`
	Image     string `json:"image,omitempty"`
	Conda     string `json:"conda,omitempty"` // path or inline YAML of the conda file
	Build     string `json:"build,omitempty"` // folder of a Dockerfile
}

// Resources is what the processes of a job ask for.
type Resources struct {
	Instances    int      `json:"instances,omitempty"` // nodes, one process each; 0 is 1
	InstanceType []string `json:"instance_type,omitempty"`
	SharedMemory string   `json:"shm_size,omitempty"`
	DockerArgs   string   `json:"docker_args,omitempty"`
}

// Distribution says how the processes of a job find each other.
type Distribution struct {
	Type             string `json:"type"` // pytorch, mpi, tensorflow or ray
	PerInstance      int    `json:"per_instance,omitempty"`
	Workers          int    `json:"workers,omitempty"`
	ParameterServers int    `json:"parameter_servers,omitempty"`
}

// Limits bound a job. Zero means no limit.
type Limits struct {
	Timeout       time.Duration `json:"timeout,omitempty"`
	TrialTimeout  time.Duration `json:"trial_timeout,omitempty"`
	MaxTrials     int           `json:"max_trials,omitempty"`
	MaxConcurrent int           `json:"max_concurrent,omitempty"`
	Retries       int           `json:"retries,omitempty"` // further attempts of a command that failed
}

// NodeCount is how many nodes the job holds at once: 0 for a job that only
// watches over others.
func (j *Job) NodeCount() int {
	if j.Kind != KindCommand || j.Command == nil {
		return 0
	}
	return max(1, j.Command.Resources.Instances)
}

// Inner is the lookup of a command's own scope: inputs.x and outputs.x, where
// inputs and outputs give the text that stands for each.
func Inner(inputs map[string]Input, inputText, outputText map[string]string) Lookup {
	return func(path []string) (string, bool, bool) {
		if len(path) < 2 {
			return "", false, false
		}
		name := strings.Join(path[1:], ".")
		switch path[0] {
		case "inputs":
			in, known := inputs[name]
			if !known {
				return "", false, false
			}
			t, ok := inputText[name]
			if !ok {
				t = in.Value
			}
			return t, !in.Empty, true
		case "outputs":
			t, known := outputText[name]
			return t, known, known
		}
		return "", false, false
	}
}
