package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

// lostPods is how many pods of an index may be lost, with the node or by a kill,
// before it is given up.
const lostPods = 3

// Manifest is the Job.
func (p *Plan) Manifest() *batchv1.Job {
	if p.Job.Pipeline != nil {
		return p.pipelineManifest()
	}
	pods := int32(p.Layout.Parallel)
	j := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: p.meta(),
		Spec: batchv1.JobSpec{
			Completions: new(int32(p.Layout.Count)), Parallelism: &pods,
			TTLSecondsAfterFinished: new(int32(p.Keep / time.Second)),
			PodFailurePolicy:        p.failurePolicy(),
			Template:                p.podTemplate(),
		},
	}
	if p.parent != nil {
		j.Spec.TTLSecondsAfterFinished = nil // it goes with its pipeline
	}
	retries := int32(p.Layout.Retries)
	if retries == 0 {
		retries = lostPods
	}
	if p.Layout.Several() || p.Job.Sweep != nil {
		j.Spec.CompletionMode = new(batchv1.IndexedCompletion)
		j.Spec.BackoffLimitPerIndex = &retries
		if p.Layout.Together {
			j.Spec.MaxFailedIndexes = new(int32(0))
		}
	} else {
		j.Spec.BackoffLimit = &retries
	}
	if limit := p.Job.Limits.Timeout; limit > 0 {
		j.Spec.ActiveDeadlineSeconds = new(int64((limit + time.Second - 1) / time.Second))
	}
	if p.Queue != "" {
		j.Labels[LabelQueue] = p.Queue
		j.Spec.Suspend = new(true)
		if p.Layout.Several() && !p.Layout.Together {
			j.Annotations[annotPartial] = "1"
		}
	}
	return j
}

// failurePolicy tells a lost node from a failed command: pods that the cluster took
// away do not count; a job that is itself at fault is not tried again; and a command
// that failed is tried again only if the file says so.
func (p *Plan) failurePolicy() *batchv1.PodFailurePolicy {
	rules := []batchv1.PodFailurePolicyRule{
		{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue},
		}},
		{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
			Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{pod.ExitHopeless},
		}},
	}
	if p.Layout.Retries == 0 {
		action := batchv1.PodFailurePolicyActionFailJob
		if (p.Layout.Several() || p.Job.Sweep != nil) && !p.Layout.Together {
			action = batchv1.PodFailurePolicyActionFailIndex
		}
		rules = append(rules, batchv1.PodFailurePolicyRule{Action: action, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
			Operator: batchv1.PodFailurePolicyOnExitCodesOpNotIn, Values: []int32{pod.ExitTryAgain, 137, 143},
		}})
	}
	return &batchv1.PodFailurePolicy{Rules: rules}
}

// meta names the Job; a step goes when its pipeline goes.
func (p *Plan) meta() metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: p.Object(), Namespace: p.Namespace, Labels: p.labels(), Annotations: p.annotations()}
	if p.parent != nil && p.parent.uid != "" {
		m.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: ObjectName(p.parent.name), UID: p.parent.uid}}
	}
	return m
}

func (p *Plan) labels() map[string]string {
	out := map[string]string{
		LabelManaged: FieldManager, "app.kubernetes.io/name": "drivecast-job", "app.kubernetes.io/instance": p.Object(), LabelKind: string(p.Job.Kind),
	}
	if v := labelValue(p.Job.Experiment); v != "" {
		out["drivecast.dev/experiment"] = v
	}
	if p.parent != nil {
		out[LabelPipeline] = ObjectName(p.parent.root)
	}
	return out
}

func (p *Plan) annotations() map[string]string {
	out := map[string]string{AnnotName: p.Job.Name, AnnotRun: p.Place.RunID, AnnotExperiment: p.Job.Experiment, AnnotCompute: p.Job.Compute}
	if p.parent != nil {
		out[AnnotParent] = p.parent.name
	}
	if p.Job.DisplayName != "" {
		out[AnnotDisplay] = p.Job.DisplayName
	}
	if len(p.Job.Tags) > 0 {
		if text, err := json.Marshal(p.Job.Tags); err == nil { // a map of texts always can be
			out[AnnotTags] = string(text)
		}
	}
	return out
}

// Service gives the pods that work together names; nil for other jobs.
func (p *Plan) Service() *corev1.Service {
	if !p.Layout.Together {
		return nil
	}
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Object(), Namespace: p.Namespace, Labels: p.labels()},
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone, PublishNotReadyAddresses: true, Selector: map[string]string{labelJob: p.Object()},
			Ports: []corev1.ServicePort{{Name: "rendezvous", Port: 6105, TargetPort: intstr.FromInt32(6105), Protocol: corev1.ProtocolTCP}},
		},
	}
}

// Secret holds what the pods say to the tracking server to be let in; nil when
// nothing is needed. It has the variables of MLflow's clients.
func (p *Plan) Secret(getenv func(string) string) *corev1.Secret {
	data := map[string]string{}
	if p.Job.Pipeline != nil {
		return nil // its steps have theirs
	}
	for _, k := range []string{"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"} {
		if v := getenv(k); v != "" {
			data[k] = v
		}
	}
	if len(data) == 0 {
		return nil
	}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: p.secretName(), Namespace: p.Namespace, Labels: p.labels()},
		StringData: data,
	}
}

func (p *Plan) secretName() string { return p.Object() + "-tracking" }

// podLabels are the job's, without what Kueue would take for another workload.
func (p *Plan) podLabels() map[string]string {
	out := maps.Clone(p.labels())
	delete(out, LabelQueue)
	return out
}

// root is the job that the user made: of a step, the outermost pipeline.
func (p *Plan) root() string {
	if p.parent != nil {
		return p.parent.root
	}
	return p.Job.Name
}

// variables are those of every container.
func (p *Plan) variables() []corev1.EnvVar {
	vars := map[string]string{
		pod.EnvRoot: mountPath, pod.EnvObjects: p.Place.Objects, pod.EnvSpec: p.Place.SpecHash,
		"MLFLOW_TRACKING_URI": p.Tracking, "MLFLOW_RUN_ID": p.Place.RunID,
		"MLFLOW_EXPERIMENT_ID": p.Place.ExperimentID, "MLFLOW_EXPERIMENT_NAME": p.Job.Experiment,
		"AZUREML_RUN_ID": p.Job.Name, "AZUREML_ROOT_RUN_ID": p.root(), "AZUREML_JOB_NAME": p.Job.Name,
		"AZUREML_EXPERIMENT_NAME": p.Job.Experiment, "AZUREML_COMPUTE": p.Job.Compute,
		"AZUREML_NODE_COUNT": fmt.Sprint(p.nodes()), "PYTHONUNBUFFERED": "1", "HOME": "/tmp",
	}
	if p.Layout.Together {
		vars[pod.EnvHosts] = p.Object() + "-{index}." + p.Object()
	}
	var out []corev1.EnvVar
	for _, k := range sortedKeys(vars) {
		out = append(out, corev1.EnvVar{Name: k, Value: vars[k]})
	}
	if p.Layout.Several() || p.Job.Sweep != nil {
		return append(out, downward(pod.EnvIndex, labelIndexField), downward(pod.EnvFailures, fmt.Sprintf("metadata.annotations['%s']", annotFailures)))
	}
	return append(out, corev1.EnvVar{Name: pod.EnvIndex, Value: "0"})
}

const labelIndexField = "metadata.annotations['" + labelIndex + "']"

func downward(name, field string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: field}}}
}

// nodes is how many pods work together.
func (p *Plan) nodes() int {
	if p.Layout.Together {
		return p.Layout.Count
	}
	return 1
}
