//go:build services && unix

package kube

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pipelineFile has code, data, a step in a pipeline of its own, files and folders handed
// on, two steps that run beside each other, and an output with a place.
const pipelineFile = `
type: pipeline
experiment_name: kube-pipeline
inputs: {words: {type: uri_file, path: ./words.txt}, times: 3}
outputs: {all: {type: uri_folder, path: ./result}}
jobs:
  join:
    command: cat ${{inputs.a}} ${{inputs.b}}/sorted > ${{outputs.o}}/joined; echo joined by $AZUREML_ROOT_RUN_ID
    inputs: {a: {type: uri_file, path: "${{parent.jobs.repeat.outputs.o}}"}, b: "${{parent.jobs.inner.outputs.folder}}"}
    outputs: {o: "${{parent.outputs.all}}"}
    environment: azureml:e:1
  repeat:
    command: for i in $(seq ${{inputs.n}}); do sh say.sh ${{inputs.w}}; done > ${{outputs.o}}; echo repeated
    code: ./src
    inputs: {n: "${{parent.inputs.times}}", w: "${{parent.inputs.words}}"}
    outputs: {o: {type: uri_file}}
    environment: azureml:e:1
  inner:
    type: pipeline
    component: ./inner.yml
    inputs: {text: "${{parent.inputs.words}}"}
`

const innerFile = `
type: pipeline
inputs: {text: {type: uri_file}}
outputs: {folder: {type: uri_folder}}
jobs:
  copy:
    command: cp ${{inputs.t}} ${{outputs.o}}/f
    inputs: {t: "${{parent.inputs.text}}"}
    outputs: {o: {type: uri_folder}}
    environment: azureml:e:1
  sort:
    command: sort ${{inputs.t}}/f > ${{outputs.o}}/sorted
    inputs: {t: "${{parent.jobs.copy.outputs.o}}"}
    outputs: {o: "${{parent.outputs.folder}}"}
    environment: azureml:e:1
`

func pipelineFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"pipe.yml": pipelineFile, "inner.yml": innerFile, "words.txt": "b\na\n", "src/say.sh": "tr -d '\\n' < $1; echo\n"} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	return dir
}

// TestPipeline runs one pipeline here and on Kubernetes: the same files come out.
func TestPipeline(t *testing.T) {
	nodes(t, 2)
	dir := pipelineFiles(t)
	const want = "ba\nba\nba\na\nb\n"
	for _, target := range []string{"local", "kube"} {
		out := must(t, dir, "job", "create", "-f", "pipe.yml", "--stream", "-n", "piped_"+target, "--target", target)
		if got := read(t, filepath.Join(dir, "result", "joined")); got != want {
			t.Errorf("%s made %q, want %q", target, got, want)
		}
		if err := os.RemoveAll(filepath.Join(dir, "result")); err != nil {
			t.Fatal(err)
		}
		if target == "kube" && (!strings.Contains(out, "[join] joined by piped_kube\n") || !strings.Contains(out, "[repeat] repeated\n")) {
			t.Errorf("the steps printed:\n%s", out)
		}
	}
	must(t, dir, "job", "download", "-n", "piped_kube", "--target", "kube", "-p", "got")
	if got := read(t, filepath.Join(dir, "got", "named-outputs", "all", "joined")); got != want {
		t.Errorf("downloaded %q", got)
	}
	list := must(t, dir, "job", "list", "-p", "piped_kube", "--target", "kube")
	for _, step := range []string{"join", "repeat", "inner"} {
		if !strings.Contains(list, "piped_kube_"+step) {
			t.Errorf("the steps are\n%s", list)
		}
	}
	if list := must(t, dir, "job", "list", "--target", "kube"); strings.Contains(list, "piped_kube_") {
		t.Errorf("steps are among the jobs:\n%s", list)
	}
	kubectl(t, must(t, dir, "job", "create", "-f", "pipe.yml", "-n", "dry_pipe", "--target", "kube", "--dry-run", "-o", "yaml"), 0, "-n", "default", "apply", "--server-side", "--dry-run=server", "-f", "-")
}

// TestParallelStepOfRegisteredData counts words of files that are registered, in batches,
// here and on Kubernetes.
func TestParallelStepOfRegisteredData(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	for _, name := range []string{"src", "files"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"files/a.txt": "one two", "files/b.txt": "three", "files/c.txt": "four five six",
		"src/count.py": "def run(batch):\n    return [len(open(str(f)).read().split()) for f in batch]\n",
		"data.yml":     "name: words\nversion: 1\ntype: uri_folder\npath: ./files\n",
		"pipe.yml": `
type: pipeline
inputs: {words: {type: uri_folder, path: "azureml:words@latest"}}
outputs: {counts: {type: uri_folder, path: ./result}}
jobs:
  count:
    type: parallel
    mini_batch_size: "1"
    input_data: ${{inputs.files}}
    max_concurrency_per_instance: 2
    resources: {instance_count: 2}
    inputs: {files: "${{parent.inputs.words}}"}
    outputs: {out: "${{parent.outputs.counts}}"}
    task: {type: run_function, code: ./src, entry_script: count.py, environment: "azureml:e:1", append_row_to: "${{outputs.out}}/counts"}
`,
	} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	must(t, dir, "data", "create", "-f", "data.yml")
	must(t, dir, "compute", "create", "-n", "training-cluster", "--max-instances", "2")
	for _, target := range []string{"local", "kube"} {
		must(t, dir, "job", "create", "-f", "pipe.yml", "--stream", "-n", "counted_"+target, "--target", target)
		rows := strings.Fields(read(t, filepath.Join(dir, "result", "counts")))
		slices.Sort(rows)
		if got := strings.Join(rows, " "); got != "1 2 3" {
			t.Errorf("%s counted %q", target, got)
		}
		if err := os.RemoveAll(filepath.Join(dir, "result")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPipelineOutlivesItsConductor kills who starts the steps; another takes over, and
// nothing runs twice.
func TestPipelineOutlivesItsConductor(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	acts := filepath.Join(dir, "acts")
	say := func(s, more string) string {
		return "  " + s + ": {command: 'sleep 1; echo " + s + " >> " + acts + "', environment: 'azureml:e:1', outputs: {o: {type: uri_folder}}" + more + "}\n"
	}
	write(t, filepath.Join(dir, "pipe.yml"), "type: pipeline\njobs:\n"+say("a", "")+say("b", ", inputs: {i: '${{parent.jobs.a.outputs.o}}'}")+say("c", ", inputs: {i: '${{parent.jobs.b.outputs.o}}'}"))
	c := exec.Command(filepath.Join(shared.bin, "drivecast-cloud"), "job", "create", "-f", "pipe.yml", "-n", "orphaned", "--stream", "--target", "kube")
	c.Dir, c.Env = dir, append(os.Environ(), "KUBECONFIG="+shared.kubeconfig, "MLFLOW_TRACKING_URI="+shared.tracking)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "the first step", func() bool { text, err := os.ReadFile(acts); return err == nil && len(text) > 0 })
	_ = c.Process.Kill() // it may not have ended: two steps are left
	_ = c.Wait()
	must(t, dir, "job", "stream", "-n", "orphaned", "--target", "kube")
	if got := read(t, acts); got != "a\nb\nc\n" {
		t.Errorf("the steps ran as %q", got)
	}
}

// TestPipelineFailsAndIsCanceled looks at the two other ends.
func TestPipelineFailsAndIsCanceled(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fail.yml"), `
type: pipeline
jobs:
  bad: {command: 'exit 3', environment: 'azureml:e:1', outputs: {o: {type: uri_folder}}}
  after: {command: 'echo no', environment: 'azureml:e:1', inputs: {i: '${{parent.jobs.bad.outputs.o}}'}}
`)
	code, _, message := drivecast(t, dir, "job", "create", "-f", "fail.yml", "-n", "failed_pipe", "--stream", "--target", "kube")
	if code != 1 || !strings.Contains(message, "failed: bad; not run: after") {
		t.Errorf("exit %d, %s", code, message)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	begun := filepath.Join(dir, "begun")
	write(t, filepath.Join(dir, "long.yml"), "type: pipeline\njobs:\n  long: {command: 'touch "+begun+"; sleep 600', environment: 'azureml:e:1'}\n")
	must(t, dir, "job", "create", "-f", "long.yml", "-n", "long_pipe", "--target", "kube") // goes on in the background
	await(t, 30*time.Second, "the step to start", func() bool { _, err := os.Stat(begun); return err == nil })
	must(t, dir, "job", "cancel", "-n", "long_pipe", "--target", "kube")
	await(t, 30*time.Second, "the pipeline's end", func() bool {
		return strings.TrimSpace(must(t, dir, "job", "show", "-n", "long_pipe", "--target", "kube", "--query", "status", "-o", "tsv")) == "Canceled"
	})
	await(t, 30*time.Second, "the step's end", func() bool {
		return strings.TrimSpace(must(t, dir, "job", "show", "-n", "long_pipe_long", "--target", "kube", "--query", "status", "-o", "tsv")) == "Canceled"
	})
}
