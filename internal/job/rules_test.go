package job

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// faults checks a document and returns its errors, one a line.
func faults(t *testing.T, yaml string) string {
	t.Helper()
	d, err := Parse([]byte(yaml), filepath.Join(t.TempDir(), "f.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range d.Check().Errors() {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

func TestRulesOfSweeps(t *testing.T) {
	const head = "$schema: sweepJob.schema.json\ntrial: {command: 'a ${{search_space.x}} ${{inputs.i}}', environment: 'azureml:e:1'}\ninputs: {i: 1}\nobjective: {goal: maximize, primary_metric: m}\n"
	for _, c := range []struct{ rest, want string }{
		{"sampling_algorithm: random\nsearch_space: {x: {type: uniform, min_value: 0, max_value: 1}}", ""},
		{"sampling_algorithm: {type: random, rule: sobol, seed: 3}\nsearch_space: {x: {type: choice, values: [1, {a: 2}]}}\nearly_termination: {type: median_stopping}", ""},
		{"sampling_algorithm: grid\nsearch_space: {x: {type: uniform, min_value: 0, max_value: 1}}", "line 6: search_space.x.type: grid sampling knows only choice; write choice, or another sampling_algorithm"},
		{"sampling_algorithm: lucky\nsearch_space: {x: {type: choice, values: [1]}}", `line 5: sampling_algorithm: "lucky" is not known here; write one of random, grid, bayesian, sobol`},
		{"sampling_algorithm: random\nsearch_space: {y: {type: choice, values: [1]}}", "line 2: trial.command: ${{search_space.x}} names nothing in the search space; add `x:` under `search_space:`"},
		{"sampling_algorithm: random\nsearch_space: {x: {type: uniform, min_value: 2, max_value: 1}}", "line 6: search_space.x.min_value: 2 is not below max_value, 1; write a min_value below max_value"},
		{"sampling_algorithm: random\nsearch_space: {x: {type: uniform, min_value: 2}}", "line 6: search_space.x.max_value: the required field is missing; add `max_value:`"},
		{"sampling_algorithm: random\nsearch_space: {x: {type: choice, values: [1]}}\nearly_termination: {type: bandit, evaluation_interval: 1}", "line 7: early_termination: a bandit policy wants exactly one slack; write slack_factor or slack_amount, not both"},
		{"sampling_algorithm: random\nsearch_space: {x: {type: choice, values: [1]}}\nlimits: {max_total_trials: 2, max_concurrent_trials: 3}", "line 7: limits.max_concurrent_trials: 3 is more than max_total_trials, 2; write at most max_total_trials"},
	} {
		if got := faults(t, head+c.rest); got != c.want {
			t.Errorf("%s:\n%s\nwant %s", c.rest, got, c.want)
		}
	}
}

func TestRulesOfPipelines(t *testing.T) {
	const head = "type: pipeline\ninputs: {data: 1}\noutputs: {o: }\njobs:\n"
	for _, c := range []struct{ jobs, want string }{
		{"  a: {command: 'x ${{inputs.i}}', environment: 'azureml:e:1', inputs: {i: '${{parent.inputs.data}}'}, outputs: {o: '${{parent.outputs.o}}'}}\n  b: {command: y, environment: 'azureml:e:1', inputs: {i: '${{parent.jobs.a.outputs.o}}'}}", ""},
		{"  a: {command: x, inputs: {i: '${{parent.inputs.dat}}'}}", "line 5: jobs.a.inputs.i: ${{parent.inputs.dat}} names no input of the pipeline; add `dat:` under the pipeline's `inputs:`"},
		{"  a: {command: x, inputs: {i: '${{parent.jobs.c.outputs.o}}'}}", "line 5: jobs.a.inputs.i: ${{parent.jobs.c.outputs.o}}: there is no step c; write one of a"},
		{"  a: {command: x}\n  b: {command: x, inputs: {i: '${{parent.jobs.a.outputs.o}}'}}", "line 6: jobs.b.inputs.i: ${{parent.jobs.a.outputs.o}}: step a has no such output; add `o:` under `outputs:` of that step"},
		{"  a: {component: 'azureml:c:1', inputs: {i: '${{parent.jobs.b.outputs.o}}'}}\n  b: {component: 'azureml:c:1', inputs: {i: '${{parent.jobs.a.outputs.o}}'}}", "line 5: jobs.a: the steps wait for each other: a → b → a; remove one of the references"},
		{"  a: {type: command}", "line 5: jobs.a.command: the step says nothing to run; add `component:` or `command:`"},
		{"  a: {type: dance}", `line 5: jobs.a.type: "dance" is not known here; write one of automl, command, data_transfer, do_while, if_else, import, parallel, parallel_for, pipeline, spark, sweep`},
		{"  a: {type: pipeline, jobs: {s: {command: x, inputs: {i: '${{parent.inputs.data}}'}}}}", "line 5: jobs.a.jobs.s.inputs.i: ${{parent.inputs.data}} names no input of the pipeline; add `data:` under the pipeline's `inputs:`"},
	} {
		if got := faults(t, head+c.jobs); got != c.want {
			t.Errorf("%s:\n%s\nwant %s", c.jobs, got, c.want)
		}
	}
}

func TestRulesOfOtherKinds(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"$schema: managedOnlineEndpoint.json\nname: my-endpoint\nauth_mode: key\ntraffic: {blue: 90, green: 10}\nmirror_traffic: {green: 10}", ""},
		{"$schema: managedOnlineEndpoint.json\nname: 1x", `line 2: name: "1x" cannot name an endpoint or deployment; use 3 to 32 letters, digits and ` + "`-`" + `, a letter first`},
		{"$schema: managedOnlineEndpoint.json\nname: abc\ntraffic: {blue: 90, green: 20}", "line 3: traffic: the shares sum to 110; let the shares sum to 100 (or 0)"},
		{"$schema: managedOnlineEndpoint.json\nname: abc\nmirror_traffic: {blue: 60}", "line 3: mirror_traffic.blue: mirror traffic of 60 percent; write at most 50"},
		{"$schema: amlCompute.json\nname: c\ntype: amlcompute\nmin_instances: 3\nmax_instances: 2", "line 5: max_instances: 2 is less than min_instances, 3; write at least min_instances"},
		{"$schema: schedule.json\nname: s\ntrigger: {type: cron, expression: '61 * * * *'}\ncreate_job: azureml:j", "line 3: trigger.expression: minute \"61\": \"61\" is not a number from 0 to 59; write minute hour day month weekday, for instance `15 10 * * 1`"},
		{"$schema: schedule.json\nname: s\ntrigger: {type: recurrence, frequency: day, interval: 1, time_zone: Mars}\ncreate_job: azureml:j", `line 3: trigger.time_zone: "Mars" is no time zone; write UTC, Europe/Berlin or Pacific Standard Time`},
		{"$schema: schedule.json\nname: s\ntrigger: {type: recurrence, frequency: week, interval: 1, schedule: {hours: [24], week_days: [moonday]}}\ncreate_job: azureml:j", "line 3: trigger.schedule.hours: 24 is out of range; write numbers from 0 to 23\nline 3: trigger.schedule.week_days: \"moonday\" is no day of the week; write monday to sunday"},
		{"$schema: schedule.json\nname: s\ntrigger: {type: cron, expression: '* * * * *'}", "line 1: the schedule has 0 actions; write exactly one of create_job, create_monitor and import_data"},
		{"$schema: commandComponent.json\nname: c\ncommand: a\ninputs: {x: {type: integer, default: 1.5}, y: {type: number, min: 2, max: 1}, z: {type: string, enum: [a], default: b}}", "line 4: inputs.x.default: \"1.5\" is no integer; write a default of type integer\nline 4: inputs.y.min: min 2 is greater than max 1; exchange them\nline 4: inputs.z.default: the default \"b\" is not in enum; write one of a"},
		{"$schema: environment.json\nname: e\nimage: a\nbuild: {path: .}", "line 4: build: an environment has an image or a build, not both; keep one of them"},
		{"$schema: azureBlob.json\nname: d\ntype: azure_blob\naccount_name: a", "line 1: container_name: the required field is missing; add `container_name:`"},
		{"what: 1", "line 1: the kind of the document cannot be told from $schema, type or fields; add a `$schema:` line, for instance https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"},
	} {
		if got := faults(t, c.yaml); got != c.want {
			t.Errorf("%s:\n%s\nwant %s", c.yaml, got, c.want)
		}
	}
}

// TestCorpus reads Azure's own examples: all parse, and at least 95 % are valid.
func TestCorpus(t *testing.T) {
	root := os.Getenv("DRIVE_DATA")
	if root == "" {
		t.Skip("DRIVE_DATA does not name the folder of test data")
	}
	start, files, valid := time.Now(), 0, 0
	err := filepath.WalkDir(filepath.Join(root, "azureml-yaml"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".yaml") {
			return err
		}
		files++
		v := Validate(path)
		if v.Valid {
			valid++
		}
		if v.Kind == KindUnknown {
			t.Errorf("%s: unknown kind: %v", path, v.Errors)
		}
		said := map[Problem]bool{}
		for _, p := range append(v.Errors, v.Warnings...) {
			if said[p] {
				t.Errorf("%s: a problem is told twice: %+v", path, p)
			}
			said[p] = true
			if p.Line == 0 || p.Message == "" || p.Mend == "" {
				t.Errorf("%s: a problem without line, message or mend: %+v", path, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d files are valid, in %s", valid, files, time.Since(start))
	if files == 0 || valid*100 < files*95 {
		t.Errorf("only %d of %d files are valid", valid, files)
	}
}

// TestJSONSchemas checks that every kind has a schema whose references lead
// somewhere.
func TestJSONSchemas(t *testing.T) {
	for _, k := range Kinds() {
		s, err := JSONSchema(k)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		defs, _ := s["$defs"].(map[string]any)
		for part := range strings.SplitSeq(string(text), `"#/$defs/`) {
			name, _, _ := strings.Cut(part, `"`)
			if strings.HasPrefix(part, "{") {
				continue // before the first reference
			}
			if defs[name] == nil {
				t.Errorf("%s: nothing at #/$defs/%s", k, name)
			}
		}
		if k == KindCommand && !strings.Contains(string(text), `"required":["command"]`) {
			t.Errorf("%s does not require a command: %s", k, text)
		}
	}
}
