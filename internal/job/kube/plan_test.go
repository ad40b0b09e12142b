package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

func planOf(t *testing.T, text string, o Options, sets ...string) (*Plan, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "job.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := job.Load(file, sets...)
	if err != nil {
		t.Fatal(err)
	}
	if j.Name == "" {
		j.Name = "calm_harbor"
	}
	return NewPlan(j, o)
}

func manifestOf(t *testing.T, text string, o Options) *batchv1.Job {
	t.Helper()
	p, err := planOf(t, text, o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Manifest()
}

func TestCommandJob(t *testing.T) {
	m := manifestOf(t, `
command: echo hello
environment: {image: "registry.example/sk:1"}
limits: {timeout: 90}
resources: {shm_size: 2g, docker_args: "--cpus=2 -m 4g", instance_type: Standard_DS3_v2}
`, Options{Tracking: "http://mlflow:5000"})
	s, pod := m.Spec, m.Spec.Template.Spec
	if m.Name != "calm-harbor" || m.Annotations[AnnotName] != "calm_harbor" {
		t.Errorf("name %s, annotation %s", m.Name, m.Annotations[AnnotName])
	}
	if s.CompletionMode != nil || *s.Completions != 1 || *s.BackoffLimit != lostPods || s.BackoffLimitPerIndex != nil {
		t.Errorf("a command job of one instance is indexed: %+v", s)
	}
	if *s.ActiveDeadlineSeconds != 90 || *s.TTLSecondsAfterFinished != 86400 {
		t.Errorf("deadline %d, ttl %d", *s.ActiveDeadlineSeconds, *s.TTLSecondsAfterFinished)
	}
	main := pod.Containers[0]
	if main.Image != "registry.example/sk:1" || pod.InitContainers[0].Image != DefaultImage {
		t.Errorf("images %s and %s", main.Image, pod.InitContainers[0].Image)
	}
	if got := main.Resources.Requests[corev1.ResourceMemory]; got.String() != "4Gi" {
		t.Errorf("memory request %s", got.String())
	}
	if got := main.Resources.Limits[corev1.ResourceCPU]; got.String() != "2" {
		t.Errorf("cpu limit %s", got.String())
	}
	if !*pod.SecurityContext.RunAsNonRoot || *main.SecurityContext.AllowPrivilegeEscalation || *pod.AutomountServiceAccountToken {
		t.Error("the pod is not restricted")
	}
	env := map[string]string{}
	for _, e := range main.Env {
		env[e.Name] = e.Value
	}
	for k, want := range map[string]string{"MLFLOW_TRACKING_URI": "http://mlflow:5000", "AZUREML_JOB_NAME": "calm_harbor", "JOB_COMPLETION_INDEX": "0", "AZUREML_NODE_COUNT": "1"} {
		if env[k] != want {
			t.Errorf("%s=%q, want %q", k, env[k], want)
		}
	}
	if _, ok := env["MLFLOW_RUN_ID"]; !ok {
		t.Error("no MLFLOW_RUN_ID")
	}
}

// TestParallelStepsHaveOnePod counts on one writer of the file that results go to.
func TestParallelStepsHaveOnePod(t *testing.T) {
	p, err := planOf(t, "type: pipeline\njobs: {a: {type: parallel, inputs: {d: {type: uri_folder, path: .}}, outputs: {o: {type: uri_file}}, input_data: '${{inputs.d}}', mini_batch_size: '1', resources: {instance_count: 3}, task: {type: run_function, code: ., entry_script: s.py, environment: 'azureml:e:1'}}}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	step := p.Steps[0]
	if s := step.Manifest().Spec; *s.Completions != 1 || *s.Parallelism != 1 || s.CompletionMode != nil {
		t.Errorf("the step's Job: %+v", s)
	}
	if len(p.Warnings) == 0 || !strings.Contains(p.Warnings[0].Message, "Python") {
		t.Errorf("warnings %v", p.Warnings)
	}
}

func TestShapesOfJobs(t *testing.T) {
	sweep := `
type: sweep
trial: {command: echo}
search_space: {x: {type: choice, values: [1, 2, 3]}, y: {type: choice, values: [1, 2]}}
sampling_algorithm: grid
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 50, max_concurrent_trials: 4}
`
	for _, c := range []struct {
		name, text            string
		o                     Options
		completions, parallel int32
		action                batchv1.PodFailurePolicyAction // for a command that failed
		perIndex              int32
	}{
		{"sweep over a grid", sweep, Options{}, 6, 4, batchv1.PodFailurePolicyActionFailIndex, lostPods},
		{"shards", "command: echo", Options{Shards: 20, Parallel: 5}, 20, 5, batchv1.PodFailurePolicyActionFailIndex, lostPods},
		{"one shard", "command: echo", Options{Shards: 1}, 1, 1, batchv1.PodFailurePolicyActionFailIndex, lostPods},
		{"instances", "command: echo\nresources: {instance_count: 3}", Options{}, 3, 3, batchv1.PodFailurePolicyActionFailJob, lostPods},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := manifestOf(t, c.text, c.o).Spec
			if *s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != c.completions || *s.Parallelism != c.parallel || *s.BackoffLimitPerIndex != c.perIndex {
				t.Errorf("mode %s, completions %d, parallelism %d, per index %d", *s.CompletionMode, *s.Completions, *s.Parallelism, *s.BackoffLimitPerIndex)
			}
			rules := s.PodFailurePolicy.Rules
			if rules[0].Action != batchv1.PodFailurePolicyActionIgnore || rules[0].OnPodConditions[0].Type != corev1.DisruptionTarget {
				t.Error("a lost node counts as a failure")
			}
			if rules[len(rules)-1].Action != c.action {
				t.Errorf("a failed command means %s", rules[len(rules)-1].Action)
			}
		})
	}
}

func TestInstancesFindEachOther(t *testing.T) {
	p, err := planOf(t, "command: echo\nresources: {instance_count: 2}\ndistribution: {type: pytorch}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := p.Service()
	if s == nil || s.Spec.ClusterIP != corev1.ClusterIPNone || p.Manifest().Spec.Template.Spec.Subdomain != s.Name || *p.Manifest().Spec.MaxFailedIndexes != 0 {
		t.Errorf("service %+v", s)
	}
}

func TestQueue(t *testing.T) {
	m := manifestOf(t, "command: echo", Options{Queue: "team", Shards: 3})
	if m.Labels[LabelQueue] != "team" || !*m.Spec.Suspend || m.Annotations[annotPartial] != "1" {
		t.Errorf("labels %v, annotations %v", m.Labels, m.Annotations)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, text, says string
		o                Options
		kind             errs.Kind
	}{
		{"shards of a parallel step", "type: pipeline\njobs: {a: {command: echo, environment: 'azureml:e:1'}}", "divide one job", Options{Shards: 2}, errs.Usage},
		{"registered data of a step", "type: pipeline\njobs: {a: {command: 'echo ${{inputs.d}}', environment: 'azureml:e:1', inputs: {d: {type: uri_folder, path: 'azureml:d:1'}}}}", "jobs.a", Options{}, errs.Unsupported},
		{"shards of a pipeline", "type: pipeline\njobs: {a: {command: echo, environment: 'azureml:e:1'}}", "is a pipeline", Options{Shards: 2}, errs.Usage},
		{"registered data", "command: echo ${{inputs.d}}\ninputs: {d: {type: uri_folder, path: 'azureml:d:1'}}", "input d", Options{}, errs.Unsupported},
		{"shards of instances", "command: echo\nresources: {instance_count: 2}", "--shards", Options{Shards: 2}, errs.Usage},
		{"below zero", "command: echo", "below 0", Options{Shards: -1}, errs.Usage},
		{"queue", "command: echo", "--queue", Options{Queue: "a b"}, errs.Usage},
		{"memory", "command: echo", "--memory", Options{Memory: "much"}, errs.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := planOf(t, c.text, c.o)
			if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v: want kind %s and %q", err, c.kind, c.says)
			}
		})
	}
}

func TestTrainJob(t *testing.T) {
	p, err := planOf(t, "command: train --rate ${{inputs.rate}}\ninputs: {rate: 0.5}\nresources: {instance_count: 4}", Options{Image: "i:1", Queue: "team"})
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.TrainJob()
	if err != nil {
		t.Fatal(err)
	}
	text, err := Print([]any{o}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: TrainJob", "numNodes: 4", "train --rate 0.5", "image: i:1", "suspend: true", "queue-name: team"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestObjectNames(t *testing.T) {
	for name, want := range map[string]string{"calm_harbor_1": "calm-harbor-1", "a-b": "a-b", "9lives": "j-9lives"} {
		if got := ObjectName(name); got != want {
			t.Errorf("ObjectName(%q) = %q, want %q", name, got, want)
		}
	}
	seen := map[string]string{}
	for _, name := range []string{"a_b", "A_b", "a.b", "a-b_c", "a_b_c", strings.Repeat("x", 200), strings.Repeat("x", 201), "_", "Ü"} {
		got := ObjectName(name)
		if seen[got] != "" || len(got) > maxName || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasSuffix(got, "-") {
			t.Errorf("ObjectName(%q) = %q, as %q", name, got, seen[got])
		}
		seen[got] = name
	}
}

// TestPipelinePlan looks at what a pipeline becomes before anything has run.
func TestPipelinePlan(t *testing.T) {
	p, err := planOf(t, `
type: pipeline
jobs:
  a: {command: echo, environment: 'azureml:e:1', outputs: {o: {type: uri_folder}}}
  b: {command: 'cat ${{inputs.i}}', environment: 'azureml:e:1', inputs: {i: '${{parent.jobs.a.outputs.o}}'}}
`, Options{Queue: "team"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.DryRun(func(k string) string { return map[string]string{"MLFLOW_TRACKING_TOKEN": "t"}[k] })
	if err != nil {
		t.Fatal(err)
	}
	var jobs []*batchv1.Job
	secrets := 0
	for _, o := range list {
		switch o := o.(type) {
		case *batchv1.Job:
			jobs = append(jobs, o)
		case *corev1.Secret:
			secrets++
		}
	}
	if len(jobs) != 3 || secrets != 2 {
		t.Fatalf("%d Jobs and %d Secrets", len(jobs), secrets)
	}
	own := jobs[0]
	if !*own.Spec.Suspend || own.Labels[LabelQueue] != "" || own.Annotations[AnnotSpec] == "" || own.Spec.TTLSecondsAfterFinished == nil {
		t.Errorf("the pipeline's Job: %+v", own)
	}
	for i, step := range []string{"a", "b"} {
		j := jobs[i+1]
		if j.Name != ObjectName(stepName(p.Job.Name, step)) || j.Labels[LabelPipeline] != own.Name || j.Labels[LabelQueue] != "team" || j.Annotations[AnnotParent] != p.Job.Name || j.Spec.TTLSecondsAfterFinished != nil {
			t.Errorf("the Job of step %s: %+v", step, j.ObjectMeta)
		}
	}
	if in := p.Steps[1].Job.Inputs["i"].Path; in != pod.FromPrefix+unassigned {
		t.Errorf("step b reads %q", in)
	}
}

func TestPipelineStates(t *testing.T) {
	ended := func(kind batchv1.JobConditionType) batchv1.JobStatus {
		return batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue}}}
	}
	for _, c := range []struct {
		name      string
		suspended bool
		canceled  string
		status    batchv1.JobStatus
		want      job.State
	}{
		{"under way", true, "", batchv1.JobStatus{}, job.Running},
		{"about to end", false, "", batchv1.JobStatus{}, job.Finalizing},
		{"to be canceled", false, "now", batchv1.JobStatus{}, job.CancelRequested},
		{"canceled", false, "now", ended(batchv1.JobFailed), job.Canceled},
		{"failed", false, "", ended(batchv1.JobFailed), job.Failed},
		{"completed", false, "", ended(batchv1.JobComplete), job.Completed},
	} {
		j := &batchv1.Job{Spec: batchv1.JobSpec{Suspend: &c.suspended}, Status: c.status}
		j.Labels = map[string]string{LabelKind: string(job.KindPipeline)}
		j.Annotations = map[string]string{AnnotCanceled: c.canceled, AnnotDetail: "why"}
		if r := recordOf(j, nil); r.State != c.want || r.Detail != "why" {
			t.Errorf("%s: %s, %q", c.name, r.State, r.Detail)
		}
	}
}
