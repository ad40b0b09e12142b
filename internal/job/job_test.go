package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

const seedJob = `$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
command: >-
  python src/model.py --iteration ${{inputs.iteration}}
inputs:
  iteration:
    type: integer
    default: 1
code: .
compute: training-cluster
experiment_name: hdd_failure_prediction
environment:
  image: mcr.microsoft.com/azureml/curated/sklearn:latest
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadTypesTheJob(t *testing.T) {
	path := write(t, seedJob)
	j, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if j.Kind != KindCommand || j.Compute != "training-cluster" || j.Experiment != "hdd_failure_prediction" || j.Command.Code != filepath.Dir(path) {
		t.Errorf("job = %+v", j)
	}
	if in := j.Inputs["iteration"]; in.Value != "1" || in.Type != "integer" {
		t.Errorf("a declared default: %+v", in)
	}
	if len(j.Warnings) != 1 || j.Warnings[0].Line != 5 && j.Warnings[0].Line != 7 || j.Warnings[0].Field != "inputs.iteration.default" {
		t.Errorf("warnings = %+v", j.Warnings)
	}
	if j, err = Load(path, "inputs.iteration=2", "limits.timeout=90", "compute=azureml:other"); err != nil {
		t.Fatal(err)
	}
	if in := j.Inputs["iteration"]; in.Value != "2" || in.Type != "string" || len(j.Warnings) != 0 {
		t.Errorf("a default replaced by --set: %+v, %v", in, j.Warnings)
	}
	if j.Limits.Timeout != 90*time.Second || j.Compute != "other" {
		t.Errorf("limits %+v, compute %q", j.Limits, j.Compute)
	}
}

func TestCheckPointsAtLineAndField(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"$schema: commandJob.json", `line 1: command: the required field is missing; add ` + "`command:`"},
		{"command: a\nlimits: {timeout: soon}", `line 2: limits.timeout: "soon" is not an integer of at least 1; write an integer of at least 1`},
		{"command: a\nlimits: {timeout: 0}", `line 2: limits.timeout: 0 is out of range; write an integer of at least 1`},
		{"command: a ${{inputs.n}}\ninputs:\n  m: 1", "line 1: command: ${{inputs.n}} names no input of this job; add `n:` under `inputs:`"},
		{"command: a ${{inputs.n", "line 1: command: `${{` has no `}}`; write ${{inputs.name}} or ${{outputs.name}}"},
		{"command: a\ninputs:\n  m: {type: integr, value: 1}", `line 3: inputs.m.type: "integr" is not known here; write one of integer, number, string, boolean, uri_file, uri_folder, mltable, mlflow_model, custom_model, triton_model`},
		{"command: [a]", "line 1: command: a list stands where text is expected; write text"},
		{"command: a\ncommand: b", "line 2: command: the field is written twice, first on line 1; remove one of them"},
		{"command: a\ndistribution: {type: gloo}", `line 2: distribution.type: "gloo" is not known here; write one of mpi, pytorch, ray, tensorflow`},
	} {
		d, err := Parse([]byte(c.yaml), "job.yml")
		if err != nil {
			t.Fatal(err)
		}
		got := d.Check().Errors()
		if len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%q: %v\nwant %s", c.yaml, got, c.want)
		}
		if _, err := d.Job(nil); !errs.Is(err, errs.Invalid) || !strings.HasPrefix(err.Error(), "job.yml: "+c.want) {
			t.Errorf("%q: Job: %v", c.yaml, err)
		}
	}
}

func TestUnknownFieldIsAWarning(t *testing.T) {
	d, err := Parse([]byte("command: a\nenviroment: b\nstatus: Failed"), "job.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := d.Check()
	if p.Err() != nil || len(p.List) != 1 || p.List[0].Mend != "did you mean `environment`?" || p.List[0].Line != 2 {
		t.Errorf("problems = %+v", p.List)
	}
}

func TestParseRefusesRubbish(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		prev := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + strings.Repeat(prev+",*", 9) + prev + "]\n"
	}
	for _, c := range []struct {
		yaml string
		kind errs.Kind
		says string
	}{
		{"", errs.Invalid, "holds no YAML"},
		{"- a\n- b", errs.Invalid, "line 1: the file is a list"},
		{"a: [b", errs.Invalid, "line 1: did not find expected"},
		{"a: b\n---\nc: d", errs.Invalid, "line 3: a second YAML document"},
		{"\x00\x01\x02", errs.Invalid, "control characters"},
		{bomb, errs.TooLarge, "aliases"},
	} {
		if _, err := Parse([]byte(c.yaml), "f.yml"); !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "f.yml: ") {
			t.Errorf("%.40q: %v", c.yaml, err)
		}
	}
}

func TestAliasesAndMergeKeys(t *testing.T) {
	d, err := Parse([]byte("base: &b {A: 1, B: 2}\ncommand: x\nenvironment_variables:\n  <<: *b\n  B: 3\n"), "f.yml")
	if err != nil {
		t.Fatal(err)
	}
	j, err := d.Job(nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := j.Command.Variables; len(v) != 2 || v["A"] != "1" || v["B"] != "3" {
		t.Errorf("variables = %v", v)
	}
}

func TestSet(t *testing.T) {
	const yaml = "command: a\ninputs:\n  x: {type: uri_file, path: old}\n  r: azureml:data:1\ntags: [a, b]\n"
	for _, c := range []struct{ set, path, want string }{
		{"command=b=c", "command", "b=c"},
		{"inputs.x.path=new", "inputs.x.path", "new"},
		{"inputs.x=5", "inputs.x", "5"},
		{"a.b[1].c=v", "a.b[1].c", "v"},
		{"tags[1]=z", "tags[1]", "z"},
		{"tags.0=y", "tags[0]", "y"},
		{`a\.b.c=v`, `a\.b.c`, "v"},
		{"inputs.empty=", "inputs.empty", ""},
	} {
		d, err := Parse([]byte(yaml), "f.yml")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Set(c.set); err != nil {
			t.Errorf("%s: %v", c.set, err)
			continue
		}
		steps, err := splitPath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		n := d.root
		for _, s := range steps {
			if s.key != "" {
				n = child(n, s.key)
			} else {
				n = n.Content[s.index]
			}
		}
		if n == nil || n.Value != c.want || len(n.Content) > 0 {
			t.Errorf("%s: %+v at %s, want %q", c.set, n, c.path, c.want)
		}
	}
	for _, bad := range []string{"command", "=x", "inputs.r.path=x", "command.x=1", "a[x]=1", "a[1=2", "a..b=1", "tags.x=1", "a[99999]=1", "inputs[0]=1"} {
		d, err := Parse([]byte(yaml), "f.yml")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Set(bad); !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, want kind usage", bad, err)
		}
	}
}

func TestExpand(t *testing.T) {
	look := func(path []string) (string, bool, bool) {
		switch strings.Join(path, ".") {
		case "inputs.a":
			return "1", true, true
		case "inputs.none":
			return "", false, true
		}
		return "", false, false
	}
	for _, c := range []struct{ in, want string }{
		{"x", "x"}, {"", ""}, {"a ${{inputs.a}}b${{ inputs.a }}", "a 1b1"}, {"$[[--a ${{inputs.a}}]] z", "--a 1 z"},
		{"y $[[--n ${{inputs.none}}]]z", "y z"}, {"$[[--a ${{inputs.a}} --n ${{inputs.none}}]]", ""}, {"$HOME ${X} $((1+1)) {{a}}", "$HOME ${X} $((1+1)) {{a}}"},
	} {
		if got, err := Expand(c.in, look); err != nil || got != c.want {
			t.Errorf("Expand(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"${{inputs.none}}", "${{inputs.b}}", "${{inputs.a", "$[[x", "${{}}", "${{a b}}", "${{a..b}}"} {
		if got, err := Expand(bad, look); !errs.Is(err, errs.Invalid) {
			t.Errorf("Expand(%q) = %q, %v, want kind invalid", bad, got, err)
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add(seedJob, "inputs.iteration=2")
	f.Add("a: &a [1]\nb: *a\n<<: {c: d}", "a[3].b=c")
	f.Add("command: $[[ ${{inputs.x}} ]]\ninputs: {x: null}", "x")
	f.Fuzz(func(t *testing.T, text, set string) {
		d, err := Parse([]byte(text), "f.yml")
		if err != nil {
			return
		}
		_ = d.Set(set)
		bad := d.Check().Err()
		j, err := d.Job(nil)
		if bad != nil && err == nil {
			t.Error("a document with faults became a job")
		}
		if err == nil && j.Command != nil {
			_, _ = Expand(j.Command.Line, Inner(j.Inputs, nil, nil))
		}
	})
}
