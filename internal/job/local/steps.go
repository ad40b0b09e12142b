package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// conductor is a pipeline in progress.
type conductor struct {
	*worker
	steps map[string]job.Record // by step; those not queued yet are missing
	said  map[string]bool       // steps whose end is in the log
}

// stepNotes is what a step's record keeps.
type stepNotes struct {
	From string `json:"from,omitempty"` // job whose outputs are reused
	Key  string `json:"key,omitempty"`  // under which the catalog keeps the step
}

func (w *worker) childName(step string) string { return w.rec.Name + "_" + step }

// pipeline runs steps as soon as what they need is there.
func (w *worker) pipeline(ctx context.Context) (result, error) {
	c := &conductor{worker: w, said: map[string]bool{}}
	for {
		ended := w.c.endings()
		list, err := w.children(ctx)
		if err != nil {
			return result{}, err
		}
		c.steps = map[string]job.Record{}
		for _, r := range list {
			c.steps[strings.TrimPrefix(r.Name, w.rec.Name+"_")] = r
		}
		failed, err := c.settleSteps(ctx)
		if err != nil {
			return result{}, err
		}
		stop := len(failed) > 0 && !w.job.Pipeline.ContinueOnFailure
		queued := 0
		if !stop {
			if queued, err = c.queueReady(ctx); err != nil {
				return result{}, err
			}
		}
		switch {
		case queued > 0:
			continue // a reused step may make others ready at once
		case stop || c.open() == 0:
			return c.conclude(failed), nil
		}
		w.wait(ctx, 5*time.Second, ended)
		if ctx.Err() != nil {
			return result{}, ctx.Err()
		}
		if limit := w.job.Limits.Timeout; limit > 0 && w.c.cfg.Now().After(w.rec.Started.Add(limit)) {
			return result{outcome: job.Failed, detail: fmt.Sprintf("stopped after its time limit of %s", limit)}, nil
		}
	}
}

func (c *conductor) open() int {
	n := 0
	for _, r := range c.steps {
		if !r.State.Terminal() {
			n++
		}
	}
	return n
}

// settleSteps keeps the outputs of steps that have completed and returns those
// that did not.
func (c *conductor) settleSteps(ctx context.Context) (failed []string, err error) {
	for _, name := range c.job.Pipeline.Order {
		r, ok := c.steps[name]
		if !ok || !r.State.Terminal() {
			continue
		}
		if r.State != job.Completed {
			failed = append(failed, name)
		}
		if c.said[name] {
			continue
		}
		c.said[name] = true
		c.note(strings.TrimSuffix(fmt.Sprintf("step %s %s: %s", name, r.State, r.Detail), ": "))
		if r.State == job.Completed {
			if err := c.keepOutputs(ctx, name, r); err != nil {
				return nil, errs.Wrap(err, "step %s", name)
			}
		}
	}
	return failed, nil
}

// keepOutputs copies what a step writes for the pipeline, and remembers the
// step for later pipelines.
func (c *conductor) keepOutputs(ctx context.Context, name string, r job.Record) error {
	for output, o := range c.job.Pipeline.Steps[name].Job.Outputs {
		e, ok := job.ParentOutput(o.Path)
		if !ok {
			continue
		}
		from := filepath.Join(OutputDir(c.c.cfg.WorkDir, holder(r)), output)
		if err := copyTree(filepath.Join(OutputDir(c.c.cfg.WorkDir, c.rec.Name), e), from, 0o644); err != nil {
			return errs.Wrap(err, "output %s", output)
		}
	}
	var notes stepNotes
	if c.c.cfg.Catalog == nil || json.Unmarshal(r.Notes, &notes) != nil || notes.Key == "" || notes.From != "" {
		return nil
	}
	return remember(ctx, c.c.cfg.Catalog, notes.Key, r.Name, c.c.cfg.Now())
}

// holder is the job that a step's outputs are with.
func holder(r job.Record) string {
	var notes stepNotes
	if json.Unmarshal(r.Notes, &notes) == nil && notes.From != "" {
		return notes.From
	}
	return r.Name
}

// queueReady queues every step whose needs have completed.
func (c *conductor) queueReady(ctx context.Context) (queued int, err error) {
	for _, name := range c.job.Pipeline.Order {
		s := c.job.Pipeline.Steps[name]
		if _, there := c.steps[name]; there || !c.ready(s) {
			continue
		}
		if err := c.queue(ctx, name, s); err != nil {
			return queued, errs.Wrap(err, "step %s", name)
		}
		queued++
	}
	return queued, nil
}

func (c *conductor) ready(s *job.Step) bool {
	return !slices.ContainsFunc(s.Needs(), func(need string) bool { return c.steps[need].State != job.Completed })
}

func (c *conductor) queue(ctx context.Context, name string, s *job.Step) error {
	j, err := s.Bind(c.source)
	if err != nil {
		return err
	}
	var notes stepNotes
	if s.Cacheable && c.c.cfg.Catalog != nil {
		if notes.Key, err = stepKey(j); err != nil {
			return err
		}
		if !c.job.Pipeline.ForceRerun && notes.Key != "" {
			notes.From = c.reusable(ctx, notes.Key)
		}
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return errs.Wrap(err, "write down the step")
	}
	if notes.From != "" {
		return c.reuse(ctx, name, j, notes.From, text)
	}
	return c.addChild(ctx, c.childName(name), j, text)
}

// source finds what ${{parent.inputs.x}} or ${{parent.jobs.s.outputs.y}} stands for.
func (c *conductor) source(e []string) (job.Input, error) {
	full := "${{" + strings.Join(e, ".") + "}}"
	switch {
	case len(e) >= 3 && e[0] == "parent" && e[1] == "inputs":
		in, ok := c.job.Inputs[strings.Join(e[2:], ".")]
		if !ok {
			return in, errs.New(errs.Invalid, "%s names no input of the pipeline", full)
		}
		return in, nil
	case len(e) == 5 && e[0] == "parent" && e[1] == "jobs" && e[3] == "outputs":
		r, ok := c.steps[e[2]]
		if !ok {
			return job.Input{}, errs.New(errs.Invalid, "%s: there is no step %s", full, e[2])
		}
		o, ok := c.job.Pipeline.Steps[e[2]].Job.Outputs[e[4]]
		if !ok {
			return job.Input{}, errs.New(errs.Invalid, "%s: step %s has no such output", full, e[2])
		}
		path := filepath.Join(OutputDir(c.c.cfg.WorkDir, holder(r)), e[4])
		if o.Type == "uri_file" {
			path = onlyFile(path, filepath.Join(path, outputFile(e[4], o)))
		}
		return job.Input{Type: o.Type, Path: path}, nil
	case len(e) == 5 && e[0] == "parent" && e[1] == "jobs" && e[3] == "inputs":
		if s := c.job.Pipeline.Steps[e[2]]; s != nil {
			return s.Job.Inputs[e[4]].Bind(c.source)
		}
	}
	return job.Input{}, errs.New(errs.Invalid, "%s names nothing", full)
}

// onlyFile is the file in a folder that holds exactly one, or else the expected
// one.
func onlyFile(dir, expected string) string {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 1 && !entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name())
	}
	return expected
}

func (c *conductor) conclude(failed []string) result {
	missing := []string{}
	for _, name := range c.job.Pipeline.Order {
		if _, ok := c.steps[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(failed) == 0 && len(missing) == 0 {
		return result{outcome: job.Completed}
	}
	detail := "failed: " + strings.Join(failed, ", ")
	if len(missing) > 0 {
		detail += "; not run: " + strings.Join(missing, ", ")
	}
	return result{outcome: job.Failed, detail: detail}
}
