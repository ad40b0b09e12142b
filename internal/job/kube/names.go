package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// FieldManager owns the fields that are applied.
const FieldManager = "drivecast"

// Labels and annotations of what is applied.
const (
	LabelManaged    = "app.kubernetes.io/managed-by" // FieldManager
	LabelKind       = "drivecast.dev/kind"           // commandJob, sweepJob or pipelineJob
	LabelQueue      = "kueue.x-k8s.io/queue-name"
	AnnotName       = "drivecast.dev/job" // name as the user gave it
	AnnotRun        = "drivecast.dev/run-id"
	AnnotExperiment = "drivecast.dev/experiment"
	AnnotDisplay    = "drivecast.dev/display-name"
	AnnotCompute    = "drivecast.dev/compute"
	AnnotCanceled   = "drivecast.dev/canceled-at"
	AnnotTags       = "drivecast.dev/tags" // JSON object

	LabelPipeline  = "drivecast.dev/pipeline"  // of what a pipeline made: the object of the outermost
	AnnotParent    = "drivecast.dev/parent"    // pipeline that a step is of
	AnnotSpec      = "drivecast.dev/spec"      // of a pipeline: the object that describes it
	AnnotConductor = "drivecast.dev/conductor" // who starts its steps, and when it last said so
	AnnotDetail    = "drivecast.dev/detail"    // why it ended

	annotPartial  = "kueue.x-k8s.io/job-min-parallelism"
	annotFailures = "batch.kubernetes.io/job-index-failure-count"
	labelJob      = "batch.kubernetes.io/job-name"
	labelIndex    = "batch.kubernetes.io/job-completion-index"
)

// maxName leaves room for the index in the name of a pod's host.
const maxName = 50

// ObjectName is the Kubernetes name of a job: the job's own where it may be one;
// otherwise `_` and `.` become `-`, and what else is lost is made up for by a hash.
func ObjectName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	out := b.String()
	lost := out != strings.ReplaceAll(name, "_", "-") || strings.Contains(name, "-") && strings.Contains(name, "_")
	if out == "" || out[0] < 'a' {
		out = "j-" + out
	}
	if out = strings.TrimRight(out, "-"); lost || len(out) > maxName {
		sum := sha256.Sum256([]byte(name))
		out = strings.TrimRight(out[:min(len(out), maxName-9)], "-") + "-" + hex.EncodeToString(sum[:4])
	}
	return out
}

// labelValue makes text fit for the value of a label.
func labelValue(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	return strings.Trim(b.String()[:min(b.Len(), 63)], "-_.")
}

func checkLabel(flag, value string) error {
	if value != "" && labelValue(value) != value {
		return errs.New(errs.Usage, "--%s %s: use letters, digits, `-`, `_` and `.`, at most 63", flag, value)
	}
	return nil
}
