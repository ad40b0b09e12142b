package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sentPipeline has a step in place, one from a file, a sweep and a pipeline within it.
const sentPipeline = `type: pipeline
experiment_name: sent
settings: {default_compute: azureml:cpu}
inputs: {raw: {type: uri_folder, path: ./data}}
jobs:
  clean:
    command: echo ${{inputs.from}} > ${{outputs.out}}/x
    code: ./src
    environment: {image: python:3.11}
    inputs: {from: "${{parent.inputs.raw}}"}
    outputs: {out: {type: uri_folder}}
  fit:
    type: command
    component: ./fit.yml
    inputs: {data: "${{parent.jobs.clean.outputs.out}}", rate: 0.1}
  try:
    type: sweep
    trial: ./fit.yml
    inputs: {data: "${{parent.jobs.clean.outputs.out}}"}
    search_space: {rate: {type: uniform, min_value: 0.1, max_value: 1}}
    sampling_algorithm: random
    objective: {goal: maximize, primary_metric: auc}
    limits: {max_total_trials: 4}
  nested:
    type: pipeline
    component: ./nested.yml
    inputs: {data: {type: uri_folder, path: ./data}}
`

const sentFit = `type: command
name: fit
version: 3
command: python fit.py ${{inputs.data}} ${{inputs.rate}}
code: ./src
environment: azureml:sk:2
inputs: {data: {type: uri_folder}, rate: {type: number, default: 0.5}}
`

const sentNested = `type: pipeline
inputs: {data: {type: uri_folder}}
jobs:
  inner: {type: command, component: ./fit.yml, inputs: {data: "${{parent.inputs.data}}"}}
`

func sentFiles(t *testing.T) string {
	t.Helper()
	return writeFiles(t, map[string]string{
		"pipe.yml": sentPipeline, "fit.yml": sentFit, "nested.yml": sentNested, "src/fit.py": "print(1)\n", "data/rows.csv": "a\n1\n",
		"sweep.yml": `type: sweep
trial: {command: "echo ${{search_space.rate}}", code: ./src, environment: {image: "python:3.11"}}
search_space: {rate: {type: choice, values: [1, 2]}}
sampling_algorithm: grid
objective: {goal: maximize, primary_metric: auc}
limits: {max_total_trials: 2}
`,
	})
}

func TestPipelinesAndSweepsAreSent(t *testing.T) {
	state := t.TempDir()
	env, stop := startFake(t, state)
	defer stop()
	dir := sentFiles(t)
	for _, name := range []string{"pipe", "pipe_again", "sweep"} {
		file := filepath.Join(dir, strings.TrimSuffix(name, "_again")+".yml")
		if code, out, message := against(t, env, "job", "create", "-f", file, "--name", name, "--stream"); code != 0 {
			t.Fatalf("%s: exit %d, %s%s", name, code, out, message)
		}
	}
	_, out, _ := against(t, env, "job", "show", "-n", "pipe", "-o", "json")
	var shown struct {
		Properties struct {
			Status   string
			Settings map[string]any
			Inputs   map[string]struct{ URI string }
			Jobs     map[string]struct {
				ComponentID string `json:"componentId"`
				Trial       struct {
					ComponentID string `json:"componentId"`
				}
				Inputs map[string]struct{ URI string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := shown.Properties
	if p.Status != "Completed" || !strings.HasSuffix(p.Settings["default_compute"].(string), "/computes/cpu") || !strings.HasPrefix(p.Inputs["raw"].URI, "https://") || !strings.HasPrefix(p.Jobs["nested"].Inputs["data"].URI, "https://") {
		t.Errorf("%+v", p)
	}
	ids := []string{p.Jobs["clean"].ComponentID, p.Jobs["fit"].ComponentID, p.Jobs["try"].Trial.ComponentID, p.Jobs["nested"].ComponentID}
	for _, id := range ids {
		if !strings.Contains(id, "/components/azureml_anonymous/versions/") {
			t.Errorf("component %q", id)
		}
	}
	if ids[1] != ids[2] || ids[0] == ids[1] {
		t.Errorf("components %v: fit and its sweep are one, the others their own", ids)
	}
	checkRegistered(t, state)
}

// checkRegistered looks at what the fake keeps: equal components once, with ids of code
// and environments in them.
func checkRegistered(t *testing.T, state string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(state, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Resources map[string]struct {
			Properties struct {
				ComponentSpec map[string]any
			}
		}
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for key, r := range kept.Resources {
		spec := r.Properties.ComponentSpec
		if spec == nil {
			continue
		}
		kind, _ := spec["type"].(string)
		count[kind]++
		code, _ := spec["code"].(string)
		environment, _ := spec["environment"].(string)
		if kind == "command" && (!strings.HasPrefix(code, "azureml:/subscriptions/") || !strings.HasPrefix(environment, "azureml:/subscriptions/")) {
			t.Errorf("%s: code %q, environment %q", key, code, environment)
		}
	}
	if count["command"] != 2 || count["pipeline"] != 1 {
		t.Errorf("components by kind: %v", count)
	}
}

// TestSweepsRunInTheFake looks at the trials of a grid and of random points.
func TestSweepsRunInTheFake(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	sweep := func(space, sampling, command string) string {
		return "type: sweep\ntrial: {command: '" + command + "', environment: 'azureml:e:1', code: ./src}\nsearch_space: " + space + "\nsampling_algorithm: " + sampling +
			"\nobjective: {goal: maximize, primary_metric: auc}\nlimits: {max_total_trials: 4}\n"
	}
	dir := writeFiles(t, map[string]string{
		"src/say.sh": "echo tried $1\n",
		"grid.yml":   sweep("{rate: {type: choice, values: [0.1, 1, two]}}", "grid", "sh say.sh ${{search_space.rate}}"),
		"random.yml": sweep("{n: {type: randint, upper: 1}, x: {type: quniform, min_value: 1, max_value: 3, q: 1}}", "{type: random, seed: 3, rule: sobol}", "sh say.sh ${{search_space.n}}"),
		"bad.yml":    sweep("{n: {type: randint, upper: 9}}", "random", "exit 4"),
	})
	for name, want := range map[string]string{"grid": "tried 0.1,tried 1,tried two", "random": strings.Repeat(",tried 0", 4)[1:]} {
		code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, name+".yml"), "--name", name, "--stream")
		var tried []string
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "tried ") {
				tried = append(tried, strings.TrimSpace(line))
			}
		}
		slices.Sort(tried) // trials run side by side
		if code != 0 || strings.Join(tried, ",") != want {
			t.Errorf("%s: exit %d, %q, %s", name, code, out, message)
		}
	}
	if code, out, _ := against(t, env, "job", "create", "-f", filepath.Join(dir, "bad.yml"), "--name", "bad", "--stream"); code != 1 || !strings.Contains(out, "trial bad_3 Failed") {
		t.Errorf("a sweep whose trials all fail: exit %d, %s", code, out)
	}
}

// TestPipelinesRunInTheFake hands a file, a folder and a number from step to step.
func TestPipelinesRunInTheFake(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{"words.txt": "b\na\n", "src/times.sh": "for i in $(seq $2); do cat $1; done\n", "pipe.yml": `type: pipeline
inputs: {words: {type: uri_file, path: ./words.txt}, times: 2}
outputs: {all: {type: uri_folder}}
jobs:
  order:
    command: sort ${{inputs.d}}/x > ${{outputs.o}}/sorted; echo ordered
    environment: azureml:e:1
    inputs: {d: "${{parent.jobs.again.outputs.o}}"}
    outputs: {o: "${{parent.outputs.all}}"}
  again:
    command: sh times.sh ${{inputs.w}} ${{inputs.n}} > ${{outputs.o}}/x
    code: ./src
    environment: azureml:e:1
    inputs: {w: "${{parent.inputs.words}}", n: "${{parent.inputs.times}}"}
    outputs: {o: {type: uri_folder}}
`, "bad.yml": "type: pipeline\njobs:\n  a: {command: 'echo no; exit 3', environment: 'azureml:e:1'}\n"})
	code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "pipe.yml"), "--name", "p", "--stream")
	if code != 0 || !strings.Contains(out, "ordered\n") {
		t.Fatalf("exit %d, %s%s", code, out, message)
	}
	to := t.TempDir()
	if code, _, message := against(t, env, "job", "download", "-n", "p", "-p", to); code != 0 {
		t.Fatal(message)
	}
	if text, err := os.ReadFile(filepath.Join(to, "named-outputs", "all", "sorted")); err != nil || string(text) != "a\na\nb\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
	if code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "bad.yml"), "--name", "b", "--stream"); code != 1 || !strings.Contains(out, "no\n") || !strings.Contains(message, "Failed") {
		t.Errorf("exit %d, %s%s", code, out, message)
	}
}

func TestStepsThatCannotBeSent(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	for name, c := range map[string]struct{ step, says string }{
		"not registered": {"{type: command, component: 'azureml:absent:1'}", "is not registered"},
		"no version":     {"{type: command, component: 'azureml:absent@latest'}", "component absent"},
		"no code":        {"{command: echo, environment: 'azureml:e:1', code: ./nowhere}", "nowhere"},
	} {
		dir := writeFiles(t, map[string]string{"p.yml": "type: pipeline\njobs:\n  a: " + c.step + "\n"})
		if code, _, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "p.yml"), "--name", strings.ReplaceAll(name, " ", "_")); code != 1 || !strings.Contains(message, c.says) {
			t.Errorf("%s: exit %d, %s", name, code, message)
		}
	}
}
