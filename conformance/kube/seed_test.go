//go:build services && unix

package kube

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pairJob has the shape of the job file that az ml users of the seed project have;
// where DRIVE_DATA names the data, theirs is used.
const pairJob = `$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
command: >-
  python src/model.py --iteration ${{inputs.iteration}}
inputs:
  iteration: {type: integer, default: 1}
code: .
compute: training-cluster
experiment_name: hdd_failure_prediction
environment: {image: "mcr.microsoft.com/azureml/curated/sklearn:latest"}
`

// modelScript fits a line to a made-up fleet by as many steps as the iteration says,
// keeps it, and tells the tracking server, if there is one, how well it does.
const modelScript = `import argparse, json, math, os, random, urllib.request
parser = argparse.ArgumentParser()
parser.add_argument("--iteration", type=int, required=True)
iteration = parser.parse_args().iteration
r = random.Random(7)
rows = [(a, b, 1 if a + 2 * b + r.gauss(0, 1) > 1 else 0) for a, b in ((r.gauss(0, 1), r.gauss(0, 1)) for _ in range(400))]
w = [0.0, 0.0, 0.0]
for _ in range(iteration):
    for a, b, y in rows:
        p = 1 / (1 + math.exp(-(w[0] + w[1] * a + w[2] * b)))
        w = [v + 0.05 * (y - p) * x for v, x in zip(w, (1, a, b))]
accuracy = sum((w[0] + w[1] * a + w[2] * b > 0) == (y == 1) for a, b, y in rows) / len(rows)
os.makedirs("outputs", exist_ok=True)
json.dump(w, open("outputs/model.json", "w"))
server = os.environ.get("MLFLOW_TRACKING_URI", "")
if server.startswith("http://"):
    body = json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], "key": "accuracy", "value": accuracy, "timestamp": 1, "step": iteration})
    urllib.request.urlopen(urllib.request.Request(server + "/api/2.0/mlflow/runs/log-metric", body.encode(), {"Content-Type": "application/json"})).read()
print("iteration", iteration, "accuracy", accuracy, "weights", w)
`

// TestSeedPairOnEveryTarget runs the pair of jobs by one command but for --target:
// here, on Kubernetes, and on a local control plane of Azure ML.
func TestSeedPairOnEveryTarget(t *testing.T) {
	withPython(t)
	nodes(t, 1)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "job.yaml"), seedFile(t))
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "src", "model.py"), modelScript)
	write(t, filepath.Join(dir, ".amlignore"), "drivecast-data\ngot\n")
	azureFake(t)
	for _, iteration := range []string{"1", "2"} {
		said, kept := map[string]string{}, map[string]string{}
		for _, target := range []string{"local", "kube", "azureml"} {
			name := "pair_" + target + "_" + iteration
			where := []string{"--subscription", "S", "-g", "G", "-w", "W", "--target", target}
			said[target] = must(t, dir, append([]string{"job", "create", "-f", "job.yaml", "--set", "inputs.iteration=" + iteration, "-n", name, "--stream"}, where...)...)
			got := filepath.Join("got", name)
			must(t, dir, append([]string{"job", "download", "-n", name, "-p", got}, where...)...)
			kept[target] = found(t, filepath.Join(dir, got), "model.json")
		}
		if !regexp.MustCompile(`^iteration ` + iteration + ` accuracy 0\.[89]`).MatchString(said["local"]) {
			t.Errorf("here, iteration %s printed %q", iteration, said["local"])
		}
		for _, target := range []string{"kube", "azureml"} {
			if said[target] != said["local"] || kept[target] != kept["local"] || kept[target] == "" {
				t.Errorf("iteration %s: %s printed %q and kept %q, this machine %q and %q", iteration, target, said[target], kept[target], said["local"], kept["local"])
			}
		}
	}
}

// seedFile is the seed's own job file where the data is, or else one of its shape.
func seedFile(t *testing.T) string {
	t.Helper()
	data := os.Getenv("DRIVE_DATA")
	if data == "" {
		return pairJob
	}
	return read(t, filepath.Join(data, "seed", "job.yaml"))
}

// withPython sees to it that jobs find a program named python.
func withPython(t *testing.T) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("the job's script needs python3: ", err)
	}
	dir := t.TempDir()
	if err := os.Symlink(python, filepath.Join(dir, "python")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// azureFake serves a local control plane of Azure ML and puts what reaches it into the
// environment.
func azureFake(t *testing.T) {
	t.Helper()
	c := exec.Command(filepath.Join(shared.bin, "drivecast"), "azure-fake", "--dir", t.TempDir())
	file := filepath.Join(t.TempDir(), "env")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var message bytes.Buffer
	c.Stdout, c.Stderr = out, &message
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // it may have ended
		_ = c.Wait()
	})
	variables := map[string]string{}
	await(t, 20*time.Second, "azure-fake", func() bool {
		for line := range strings.Lines(read(t, file)) {
			if k, v, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok && strings.HasSuffix(line, "\n") {
				variables[k] = strings.Trim(v, `'"`)
			}
		}
		return len(variables) >= 5
	})
	for k, v := range variables {
		t.Setenv(k, v)
	}
}

// found is the text of the only file of a name below dir.
func found(t *testing.T, dir, name string) (text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == name {
			text = read(t, p)
			var w []float64
			err = json.Unmarshal([]byte(text), &w)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
