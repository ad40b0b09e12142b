package pod

import (
	"encoding/json"
	"fmt"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Spec is one job as its pods see it. It is an object of the store, named by its
// hash in the pod's environment.
type Spec struct {
	Job    string            `json:"job"`              // name
	Task   *job.Job          `json:"task"`             // local paths in it mean nothing here
	Code   string            `json:"code,omitempty"`   // hash of the tree of its code; "" for none
	Data   map[string]string `json:"data,omitempty"`   // hash of the tree of each input that was a local path
	Single []string          `json:"single,omitempty"` // inputs that are one file
	Layout Layout            `json:"layout"`
}

// Forms of a path that is not on the machine where a job was made.
const (
	TreePrefix = "drivecast-tree:"      // before the hash of a folder in the store
	FilePrefix = "drivecast-file:"      // before the hash of a tree that is one file
	FromPrefix = "drivecast-artifacts:" // before the artifact URI of what another job made
)

// Layout says into how many indexes a job is divided, and why.
type Layout struct {
	Count    int  `json:"count"`              // indexes, at least 1
	Parallel int  `json:"parallel"`           // pods at a time
	Sharded  bool `json:"sharded,omitempty"`  // the indexes share the work: --shards
	Together bool `json:"together,omitempty"` // the indexes need each other: instance_count
	Retries  int  `json:"retries,omitempty"`  // further attempts of an index whose command failed
}

// Several reports whether the job has more than one index.
func (l Layout) Several() bool { return l.Count > 1 || l.Sharded }

// Variables of the environment by which a pod finds its work.
const (
	EnvObjects  = "DRIVECAST_OBJECTS"  // artifact URI of the store of objects
	EnvSpec     = "DRIVECAST_SPEC"     // hash of the Spec
	EnvRoot     = "DRIVECAST_ROOT"     // folder of the shared volume
	EnvFailures = "DRIVECAST_FAILURES" // failed attempts of this index so far
	EnvHosts    = "DRIVECAST_HOSTS"    // DNS name of an index's pod, with {index} for the index
	EnvIndex    = "JOB_COMPLETION_INDEX"
)

// Exit codes of the node's own, beside those of the command.
const (
	ExitTryAgain = 70 // a server did not answer: another attempt may do better
	ExitHopeless = 78 // the job itself is at fault: no attempt can do better
)

// ExitCode is the code for an error of the node.
func ExitCode(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Unsupported, errs.Usage, errs.NotFound, errs.Denied, errs.Unauthenticated:
		return ExitHopeless
	}
	return ExitTryAgain
}

// LayoutOf divides a job: a sweep by its trials, a job of several instances by
// these, and otherwise into the given number of shards when that is not 0. Parallel,
// when not 0, is how many run at a time.
func LayoutOf(j *job.Job, trials, shards, parallel int) (Layout, error) {
	l := Layout{Count: 1, Retries: j.Limits.Retries}
	nodes := max(1, j.NodeCount())
	if j.Parallel != nil {
		nodes = 1
	}
	switch {
	case shards < 0 || parallel < 0:
		return l, errs.New(errs.Usage, "a number of shards or of pods at a time is not below 0")
	case shards > 0 && j.Parallel != nil:
		return l, errs.New(errs.Usage, "--shards divides a command job; a parallel task divides its own data")
	case shards > 0 && (j.Sweep != nil || nodes > 1):
		return l, errs.New(errs.Usage, "--shards divides a command job of one instance; this is a %s of %d instances", j.Kind, nodes)
	case j.Sweep != nil && j.Command.Resources.Instances > 1:
		return l, errs.New(errs.Unsupported, "resources.instance_count: a trial of a sweep has one pod here; write 1")
	case j.Sweep != nil:
		l.Count, l.Parallel = trials, j.Limits.MaxConcurrent
	case shards > 0:
		l.Count, l.Sharded = shards, true
	case nodes > 1:
		l.Count, l.Together = nodes, true
	}
	if l.Together && parallel != 0 && parallel != l.Count {
		return l, errs.New(errs.Usage, "--parallelism %d: the %d instances of this job need each other", parallel, l.Count)
	}
	if parallel > 0 {
		l.Parallel = parallel
	}
	if l.Parallel == 0 || l.Parallel > l.Count {
		l.Parallel = l.Count
	}
	return l, nil
}

// Encode writes the spec so that equal specs have equal bytes.
func (s *Spec) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	return b, errs.Wrap(err, "write down job %s", s.Job)
}

// decodeSpec reads what Encode wrote.
func decodeSpec(b []byte) (*Spec, error) {
	var s Spec
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, errs.New(errs.Invalid, "the job's spec: %w", err)
	}
	if s.Task == nil || s.Task.Command == nil || s.Layout.Count < 1 {
		return nil, errs.New(errs.Invalid, "the job's spec names no command")
	}
	return &s, nil
}

// shardMark is the artifact that says an index is done.
func shardMark(index int) string { return fmt.Sprintf("drivecast-job/shards/%d.json", index) }
