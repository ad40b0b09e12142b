package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (b *bench) children(name string) []job.Record {
	b.t.Helper()
	list, err := b.store.List(b.t.Context(), job.Query{Parent: name, Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

const sweepHead = `
type: sweep
trial:
  command: |
    echo ${{search_space.x}} ${{search_space.y}} ${{inputs.base}}
    echo $((${{inputs.base}} + ${{search_space.x}} * ${{search_space.y}})) > $METRICS/$MLFLOW_RUN_ID
    echo ${{search_space.x}} > ${{outputs.model}}/x
  environment: azureml:e:1
inputs: {base: 10}
outputs: {model: {type: uri_folder}}
objective: {goal: maximize, primary_metric: score}
`

func TestSweepFindsTheBestTrial(t *testing.T) {
	for _, sampling := range []string{"grid", "random", "sobol", "bayesian", "{type: random, rule: sobol, seed: 4}"} {
		t.Run(sampling, func(t *testing.T) {
			b := newBench(t)
			b.cfg.Max, b.cfg.Env = 4, []string{"METRICS=" + b.runs.dir}
			name := b.submit(sweepHead + `
sampling_algorithm: ` + sampling + `
search_space:
  x: {type: choice, values: [1, 2, 3]}
  y: {type: choice, values: [0, 1, 2, 3]}
limits: {max_total_trials: 12, max_concurrent_trials: 3}
`)
			b.run()
			r := b.get(name)
			list := b.children(name)
			if r.State != job.Completed || len(list) != 12 {
				t.Fatalf("%d trials, %+v\n%s", len(list), r, b.log(name))
			}
			best, top := "", -1
			for _, c := range list {
				var x, y, base int
				if _, err := fmt.Sscan(b.log(c.Name), &x, &y, &base); err != nil || c.State != job.Completed || base != 10 {
					t.Fatalf("%s: %q, %v, %+v", c.Name, b.log(c.Name), err, c)
				}
				if v := base + x*y; v > top {
					best, top = c.Name, v
				}
			}
			if sampling == "grid" && top != 19 {
				t.Errorf("the grid's best is %d, want 19", top)
			}
			if r.Best != best || b.runs.tags["run-"+name+"/best_child_job"] != best || b.runs.tags["run-"+best+"/sweep.best"] != "true" {
				t.Errorf("best = %s, want %s; tags %v", r.Best, best, b.runs.tags)
			}
			text, err := os.ReadFile(filepath.Join(local.OutputDir(b.cfg.WorkDir, name), "model", "x"))
			if err != nil || len(text) == 0 {
				t.Errorf("the sweep has no output: %v", err)
			}
			for _, s := range b.runs.starts {
				if s.Job != name && (s.Parent != "run-"+name || s.Tags["hyperparameters.x"] == "") {
					t.Errorf("trial's run = %+v", s)
				}
			}
		})
	}
}

func TestSweepStopsPoorTrials(t *testing.T) {
	b := newBench(t)
	b.cfg.Max, b.cfg.Env = 4, []string{"METRICS=" + b.runs.dir}
	name := b.submit(`
type: sweep
trial: {command: 'for i in 1 2 3; do echo ${{search_space.x}} >> $METRICS/$MLFLOW_RUN_ID; done; test ${{search_space.x}} = 9 || sleep 20', environment: 'azureml:e:1'}
sampling_algorithm: grid
search_space: {x: {type: choice, values: [9, 1, 2]}}
objective: {goal: maximize, primary_metric: score}
early_termination: {type: bandit, slack_amount: 1, evaluation_interval: 1, delay_evaluation: 2}
`)
	b.run()
	r := b.get(name)
	var states []string
	for _, c := range b.children(name) {
		states = append(states, string(c.State))
	}
	if got := strings.Join(states, " "); r.State != job.Completed || got != "Completed Canceled Canceled" || r.Best != name+"_0" {
		t.Errorf("%s: %+v", got, r)
	}
}

func TestSweepGivesUp(t *testing.T) {
	b := newBench(t)
	b.cfg.Max = 4
	name := b.submit(`
type: sweep
trial: {command: 'exit ${{search_space.x}}', environment: 'azureml:e:1'}
sampling_algorithm: random
search_space: {x: {type: choice, values: [3]}}
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 500, max_concurrent_trials: 4}
`)
	b.run()
	if r := b.get(name); r.State != job.Failed || len(b.children(name)) > 20 {
		t.Errorf("%d trials, %+v", len(b.children(name)), r)
	}
}
