package local_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

const addComponent = `
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: add
version: 1
type: command
inputs:
  file: {type: uri_file}
  n: {type: integer, default: 1, min: 0}
  note: {type: string, optional: true}
outputs:
  sum: {type: uri_file}
environment: azureml:e:1
code: ./code
command: sh add.sh ${{inputs.file}} ${{inputs.n}} ${{outputs.sum}} $[[--note ${{inputs.note}}]]
`

const sumPipeline = `
type: pipeline
inputs:
  start: {type: uri_file, path: ./start.txt}
  big: 10
outputs:
  total: {type: uri_file, path: ./result}
settings: {default_compute: azureml:cpu}
jobs:
  last:
    component: ./parts/add.yml
    inputs: {file: "${{parent.jobs.inner.outputs.out}}", n: "${{parent.inputs.big}}", note: "seen by ${{parent.inputs.big}}"}
    outputs: {sum: "${{parent.outputs.total}}"}
  first:
    type: command
    component: file:./parts/add.yml
    inputs: {file: "${{parent.inputs.start}}"}
  inner:
    type: pipeline
    inputs: {in: "${{parent.jobs.first.outputs.sum}}"}
    outputs: {out: {type: uri_file}}
    jobs:
      twice:
        component: ./parts/add.yml
        inputs: {file: "${{parent.inputs.in}}", n: 100}
        outputs: {sum: "${{parent.outputs.out}}"}
`

func (b *bench) writeSum() {
	b.write("start.txt", "5\n")
	b.write("parts/add.yml", addComponent)
	b.write("parts/code/add.sh", `echo "$(cat $1) + $2 ($4 $5 $6 $7)"; sleep 0.05; echo $(($(cat $1) + $2)) > $3`)
}

func TestPipelineHandsFilesOn(t *testing.T) {
	b := newBench(t)
	b.writeSum()
	name := b.submit(sumPipeline)
	b.run()
	if r := b.get(name); r.State != job.Completed {
		t.Fatalf("%+v\n%s", r, b.log(name))
	}
	if got, err := os.ReadFile(filepath.Join(b.dir, "result")); err != nil || string(got) != "116\n" {
		t.Errorf("5 + 1 + 100 + 10 = %q, %v", got, err)
	}
	if got := b.log(name + "_last"); got != "106 + 10 (--note seen by 10)\n" {
		t.Errorf("last step's log = %q", got)
	}
	if got := b.log(name + "_first"); got != "5 + 1 (   )\n" {
		t.Errorf("first step's log = %q", got)
	}
}

func TestPipelineReusesUnchangedSteps(t *testing.T) {
	b := newBench(t)
	b.writeSum()
	first := b.submit(sumPipeline)
	b.run()
	second := b.submit(sumPipeline)
	b.run()
	for _, r := range append(b.children(second), b.children(second+"_inner")...) {
		if reused := strings.HasPrefix(r.Detail, "reused from "+first); reused == (r.Kind == job.KindPipeline) || r.State != job.Completed {
			t.Errorf("unchanged: %s is %s: %s", r.Name, r.State, r.Detail)
		}
	}
	b.write("start.txt", "6\n")
	third := b.submit(sumPipeline)
	b.run()
	for _, r := range b.children(third) {
		if r.Detail != "" && r.Kind != job.KindPipeline {
			t.Errorf("with another input: %s: %s", r.Name, r.Detail)
		}
	}
	forced := b.submit(strings.Replace(sumPipeline, "settings: {", "settings: {force_rerun: true, ", 1))
	b.run()
	if r := b.get(forced + "_first"); r.Detail != "" {
		t.Errorf("with force_rerun: %+v", r)
	}
	if got, err := os.ReadFile(filepath.Join(b.dir, "result")); err != nil || string(got) != "117\n" {
		t.Errorf("result = %q, %v", got, err)
	}
}

func TestPipelineStopsOnFailure(t *testing.T) {
	for _, goOn := range []string{"false", "true"} {
		b := newBench(t)
		b.cfg.Max = 3
		name := b.submit(`
type: pipeline
settings: {continue_on_step_failure: ` + goOn + `}
jobs:
  bad: {command: "exit 1", environment: "azureml:e:1", outputs: {o: {type: uri_folder}}}
  slow: {command: "sleep 1.5", environment: "azureml:e:1"}
  after: {command: "true", environment: "azureml:e:1", inputs: {i: "${{parent.jobs.bad.outputs.o}}"}}
`)
		b.run()
		r := b.get(name)
		want := map[string]job.State{"false": job.Canceled, "true": job.Completed}[goOn]
		if slow := b.get(name + "_slow"); r.State != job.Failed || slow.State != want {
			t.Errorf("continue_on_step_failure %s: slow %s, %+v", goOn, slow.State, r)
		}
		if !strings.Contains(r.Detail, "failed: bad") || !strings.Contains(r.Detail, "after") {
			t.Errorf("detail = %q", r.Detail)
		}
		if _, err := b.store.Get(t.Context(), name+"_after"); !errs.Is(err, errs.NotFound) {
			t.Errorf("the step after the failed one: %v, want kind not found", err)
		}
	}
}

func TestCanceledPipelineCancelsItsSteps(t *testing.T) {
	b := newBench(t)
	name := b.submit("type: pipeline\njobs:\n  a: {command: sleep 30, environment: 'azureml:e:1'}\n  b: {command: sleep 30, environment: 'azureml:e:1'}\n  c: {command: sleep 30, environment: 'azureml:e:1'}\n")
	done := make(chan struct{})
	go func() { defer close(done); b.run() }()
	b.until(name, func(job.Record) bool { return len(b.children(name)) == 3 && b.children(name)[0].State == job.Running })
	if _, err := local.Cancel(t.Context(), b.store, b.cfg.WorkDir, name, time.Now()); err != nil {
		t.Fatal(err)
	}
	<-done
	for _, r := range append(b.children(name), b.get(name)) {
		if r.State != job.Canceled {
			t.Errorf("%s is %s", r.Name, r.State)
		}
	}
}

func TestPipelineRefusesWhatDoesNotFit(t *testing.T) {
	b := newBench(t)
	b.writeSum()
	for _, c := range []struct{ step, says string }{
		{"{component: ./parts/add.yml}", "input file has no value"},
		{"{component: ./parts/add.yml, inputs: {file: start.txt, m: 1}}", "input m is not declared"},
		{"{component: ./parts/add.yml, inputs: {file: start.txt, n: two}}", `input n: "two" is no integer`},
		{"{component: ./parts/sub.yml}", "no such file"},
		{"{component: 'azureml:add:1'}", "not registered"},
		{"{type: spark, entry: {file: a.py}}", "type spark cannot be run on this machine"},
	} {
		b.write("p.yml", "type: pipeline\njobs:\n  s: "+c.step+"\n")
		_, err := job.Load(filepath.Join(b.dir, "p.yml"))
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "jobs.s") {
			t.Errorf("%s: %v, want %q", c.step, err, c.says)
		}
	}
}

func TestParallelStep(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the function of a parallel step is Python, which is not here")
	}
	b := newBench(t)
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		b.write("files/"+n+".txt", n)
	}
	b.write("src/entry.py", `
import argparse, os
def init():
    global sign
    p = argparse.ArgumentParser(); p.add_argument("--sign"); sign = p.parse_args().sign
def run(batch):
    if any(f.endswith("d.txt") for f in batch): raise ValueError("no d")
    return [open(f).read() + sign for f in batch]
`)
	step := `
type: pipeline
inputs: {files: {type: uri_folder, path: ./files}}
jobs:
  score:
    type: parallel
    mini_batch_size: "2"
    mini_batch_error_threshold: BORNE
    max_concurrency_per_instance: 2
    resources: {instance_count: 1}
    inputs: {data: "${{parent.inputs.files}}"}
    outputs: {rows: {type: uri_file}}
    input_data: ${{inputs.data}}
    task: {type: run_function, code: ./src, entry_script: entry.py, program_arguments: "--sign !", append_row_to: "${{outputs.rows}}", environment: "azureml:e:1"}
`
	name := b.submit(strings.Replace(step, "BORNE", "1", 1))
	strict := b.submit(strings.Replace(step, "BORNE", "0", 1))
	b.run()
	if r := b.get(name); r.State != job.Completed {
		t.Fatalf("%+v\n%s", r, b.log(name+"_score"))
	}
	got, err := os.ReadFile(filepath.Join(local.OutputDir(b.cfg.WorkDir, name+"_score"), "rows", "rows"))
	if err != nil || string(got) != "a!\nb!\ne!\n" {
		t.Errorf("rows = %q, %v", got, err)
	}
	if r := b.get(strict); r.State != job.Failed {
		t.Errorf("with a failed batch that is not borne: %s", r.State)
	}
}
