package azureml

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

func parseIn(dir, text string) (*job.Document, error) {
	return job.Parse([]byte(text), filepath.Join(dir, "job.yml"))
}

func body(t *testing.T, text string, set ...string) (Body, error) {
	t.Helper()
	d, err := parseIn(t.TempDir(), text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range set {
		if err := d.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	b, _, err := Job(d)
	return b, err
}

// testdata/bodies.json holds what azure-ai-ml 1.35.2 makes of the files beside it.
func TestBodiesEqualTheSDKs(t *testing.T) {
	text, err := os.ReadFile("testdata/bodies.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files, %d bodies, %v", len(files), len(want), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			d, err := job.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := Job(d)
			if err != nil {
				t.Fatal(err)
			}
			text, err := b.JSON()
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Properties map[string]any }
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Properties, want[filepath.Base(path)]) {
				t.Errorf("got  %v\nwant %v", got.Properties, want[filepath.Base(path)])
			}
		})
	}
}

// testdata/pipelines/bodies.json holds what azure-ai-ml 1.35.2 makes of the files
// beside it, with {{dir}} for their folder.
func TestPipelineBodiesEqualTheSDKs(t *testing.T) {
	folder, err := filepath.Abs("testdata/pipelines")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "bodies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "{{dir}}", filepath.ToSlash(folder))), &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 20 {
		t.Fatalf("%d bodies", len(want))
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			d, err := job.Open(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := Job(d)
			if err != nil {
				t.Fatal(err)
			}
			text, err := b.JSON()
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Properties map[string]any }
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Properties, w) {
				t.Errorf("got  %v\nwant %v", got.Properties, w)
			}
		})
	}
}

func TestDeclaredInputTakesItsDefaultOrWhatSetGives(t *testing.T) {
	const text = "command: python m.py ${{inputs.iteration}}\nenvironment: azureml:e:1\ninputs: {iteration: {type: integer, default: 1}}\n"
	for want, set := range map[string][]string{"1": nil, "2": {"inputs.iteration=2"}} {
		b, err := body(t, text, set...)
		if err != nil {
			t.Fatal(err)
		}
		in := mapOf(mapOf(b.Properties["inputs"])["iteration"])
		if in["jobInputType"] != "literal" || in["value"] != want {
			t.Errorf("--set %v: %v, want %s", set, in, want)
		}
	}
}

func TestOlderExpressionsAreRewritten(t *testing.T) {
	for from, want := range map[string]string{
		"a {inputs.x} b":                       "a ${{inputs.x}} b",
		"{inputs.x}{outputs.y}":                "${{inputs.x}}${{outputs.y}}",
		"{inputs.x} {search_space.z}":          "${{inputs.x}} ${{search_space.z}}",
		"${{inputs.x}} {{inputs.k}} {other.q}": "${{inputs.x}} {{inputs.k}} {other.q}",
	} {
		if got := expressions(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	for text, kind := range map[string]errs.Kind{
		"command: x\nenvironment: azureml:e:1\nlimits: {timeout: soon}\n":                                                      errs.Invalid,
		"command: x\nenvironment: azureml:e:1\ninputs: {n: {type: integer}}\n":                                                 errs.Invalid,
		"type: pipeline\njobs: {a: {type: import, source: {type: database}}}\n":                                                errs.Unsupported,
		"type: pipeline\njobs: {a: {type: pipeline, inputs: {x: 1}, jobs: {b: {command: x, environment: \"azureml:e:1\"}}}}\n": errs.Invalid,
		"type: pipeline\njobs: {a: {component: absent.yml}}\n":                                                                 errs.NotFound,
		"command: x\nenvironment: file:absent.yml\n":                                                                           errs.NotFound,
		"$schema: https://azuremlschemas.azureedge.net/latest/amlCompute.schema.json\nname: c\ntype: amlcompute\nsize: D2\n":   errs.Unsupported,
	} {
		if _, err := body(t, text); !errs.Is(err, kind) {
			t.Errorf("%q: %v, want kind %v", text, err, kind)
		}
	}
}
