package kube

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// TrainJob is the job as Kubeflow's trainer (trainer.kubeflow.org/v1alpha1) has it,
// for clusters whose jobs go through it: the runtime torch-distributed, as many nodes
// as the job has instances, and the command as it is written. Code and data are the
// image's business there. Sweeps and shards are of kind Unsupported.
func (p *Plan) TrainJob() (map[string]any, error) {
	switch {
	case p.Job.Command == nil:
		return nil, errs.New(errs.Unsupported, "%s: a pipeline is no TrainJob; export its steps one by one", p.Job.Source)
	case p.Job.Sweep != nil:
		return nil, errs.New(errs.Unsupported, "%s: a sweep is no TrainJob; export its trial", p.Job.Source)
	case p.Job.Parallel != nil:
		return nil, errs.New(errs.Unsupported, "%s: a parallel task is no TrainJob; run it with --target kube", p.Job.Source)
	case p.Layout.Sharded:
		return nil, errs.New(errs.Unsupported, "--shards: the nodes of a TrainJob work together; leave it out")
	}
	line, err := p.literalLine()
	if err != nil {
		return nil, err
	}
	_, image := p.images()
	env := []map[string]any{}
	for _, k := range sortedKeys(p.Job.Command.Variables) {
		env = append(env, map[string]any{"name": k, "value": p.Job.Command.Variables[k]})
	}
	env = append(env, map[string]any{"name": "MLFLOW_TRACKING_URI", "value": p.Tracking}, map[string]any{"name": "MLFLOW_EXPERIMENT_NAME", "value": p.Job.Experiment})
	requests := map[string]any{"cpu": p.asked.cpu.String(), "memory": p.asked.memory.String()}
	resources := map[string]any{"requests": requests}
	if p.asked.gpu > 0 {
		resources["limits"] = map[string]any{"nvidia.com/gpu": p.asked.gpu}
	}
	trainer := map[string]any{
		"image": image, "command": []string{"/bin/sh", "-c", line}, "numNodes": max(1, p.Job.NodeCount()), "env": env, "resourcesPerNode": resources,
	}
	if d := p.Job.Command.Distribution; d != nil && d.PerInstance > 1 {
		trainer["numProcPerNode"] = d.PerInstance
	}
	labels := p.labels()
	spec := map[string]any{"runtimeRef": map[string]any{"name": "torch-distributed"}, "trainer": trainer}
	if p.Queue != "" {
		labels[LabelQueue], spec["suspend"] = p.Queue, true
	}
	return map[string]any{
		"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob",
		"metadata": map[string]any{"name": p.Object(), "namespace": p.Namespace, "labels": labels, "annotations": map[string]string{AnnotName: p.Job.Name}},
		"spec":     spec,
	}, nil
}

// literalLine is the command with its literal inputs filled in. Data and outputs
// have no place that is known beforehand.
func (p *Plan) literalLine() (string, error) {
	texts := map[string]string{}
	for name, in := range p.Job.Inputs {
		if in.IsData() {
			texts[name] = in.Path
		}
	}
	outputs := map[string]string{}
	for name, o := range p.Job.Outputs {
		outputs[name] = o.Path
	}
	line, err := job.Expand(p.Job.Command.Line, job.Inner(p.Job.Inputs, texts, outputs))
	return line, errs.Wrap(err, "command")
}
