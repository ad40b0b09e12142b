package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/azure/azurefake"
	"github.com/drivecast/drivecast/internal/azure/rollout"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

// containerEnv says in a process of this test that it is a container, and how it
// behaves: its number of good answers, -1 for any; then it answers 500.
const containerEnv = "DRIVECAST_TEST_CONTAINER"

func TestMain(m *testing.M) {
	if how := os.Getenv(containerEnv); how != "" {
		container(how)
		return
	}
	code := m.Run()
	if scorerPath != "" {
		os.RemoveAll(filepath.Dir(scorerPath))
	}
	os.Exit(code)
}

// container is a server that stands for an image.
func container(how string) {
	if how == "crash" {
		fmt.Println("Traceback (most recent call last):\nModuleNotFoundError: No module named 'azureml_inference_server_http'")
		os.Exit(3)
	}
	var asked atomic.Int64
	n, err := strconv.ParseInt(how, 10, 64)
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/score", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if asked.Add(1) > n && n >= 0 {
			http.Error(w, `{"error":"the model is tired"}`, http.StatusInternalServerError)
			return
		}
		io.WriteString(w, `[1]`)
	})
	http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

var scorerOnce sync.Once
var scorerPath string

// scorer builds drivecast-score.
func scorer(t *testing.T) string {
	t.Helper()
	scorerOnce.Do(func() {
		dir, err := os.MkdirTemp("", "drivecast-scorer-")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "drivecast-score")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../drivecast-score")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		scorerPath = path
	})
	if scorerPath == "" {
		t.Fatal("drivecast-score was not built")
	}
	return scorerPath
}

// serveModel writes a model folder with an input example; coef tells models apart.
func serveModel(t *testing.T, dir string, coef float64) {
	t.Helper()
	saveModel(t, dir, coef, []string{"capacity", "lifetime"})
}

// serveModelOf writes a model folder of these columns.
func serveModelOf(t *testing.T, dir string, names ...string) {
	t.Helper()
	saveModel(t, dir, 1, names)
}

func saveModel(t *testing.T, dir string, coef float64, names []string) {
	t.Helper()
	columns, weights := []*table.Column{}, []float64{}
	for i, name := range names {
		columns = append(columns, &table.Column{Name: name, Floats: []float64{.5, float64(i)}})
		weights = append(weights, coef)
	}
	tab, err := table.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := model.Infer(tab, names, mlfolder.Long)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{
		Estimator: &linear.Logistic{Coef: [][]float64{weights}, Intercept: []float64{-1}, Labels: []float64{0, 1}},
		Names:     names, Signature: sig, LabelType: mlfolder.Long, Risk: model.Risk{Medium: .1, High: .2}, Meta: &mlfolder.MLmodel{},
	}
	if err := model.Save(dir, m, model.SaveOptions{Example: tab}); err != nil {
		t.Fatal(err)
	}
}

const routes = `  inference_config:
    liveness_route: {path: /livez, port: 8080}
    readiness_route: {path: %s, port: 8080}
    scoring_route: {path: /score, port: 8080}
`

// deploymentFile is a deployment of a container, with probes that give up soon when
// they are named.
func deploymentFile(image, ready, probes string) string {
	return "$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json\nname: blue\nendpoint_name: drives\nmodel: {path: model}\n" +
		"environment:\n  image: " + image + "\n" + fmt.Sprintf(routes, ready) + "instance_type: Standard_DS2_v2\ninstance_count: 1\n" +
		"request_settings: {max_concurrent_requests_per_instance: 8}\n" + probes
}

const endpointFile = "$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json\nname: drives\nauth_mode: key\n"

// walk is a fake with files to deploy.
type walk struct {
	t    *testing.T
	dir  string
	env  map[string]string
	stop func()
}

func newWalk(t *testing.T, state string) *walk {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{t: t}
	w.env, w.stop = startFakeOf(t, azurefake.Options{Dir: state, Step: 10 * time.Millisecond, Scorer: scorer(t), Environ: os.Environ(), Containers: map[string]string{
		"bad/errors:1": containerEnv + "=0 " + self, "bad/tired:1": containerEnv + "=45 " + self, "bad/crash:1": containerEnv + "=crash " + self,
		"good/container:1": containerEnv + "=-1 " + self,
	}})
	soon := "readiness_probe: {initial_delay: 0, period: 1, failure_threshold: 1, timeout: 1}\n"
	w.dir = writeFiles(t, map[string]string{
		"endpoint.yml": endpointFile,
		"blue.yml":     deploymentFile("acr.azurecr.io/score:1", "/readyz", ""), "green/green.yml": deploymentFile("acr.azurecr.io/score:2", "/readyz", ""),
		"unready.yml": deploymentFile("acr.azurecr.io/score:3", "/never", soon), "crash.yml": deploymentFile("bad/crash:1", "/ready", ""),
		"never.yml":  deploymentFile("acr.azurecr.io/score:4", "/never", ""),
		"errors.yml": strings.Replace(deploymentFile("bad/errors:1", "/ready", ""), "/livez", "/ready", 1),
		"tired.yml":  strings.Replace(deploymentFile("bad/tired:1", "/ready", ""), "/livez", "/ready", 1),
	})
	serveModel(t, filepath.Join(w.dir, "model"), 1)
	serveModel(t, filepath.Join(w.dir, "green", "model"), 3)
	return w
}

func (w *walk) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out, errors lines
	a := &app{stdout: &out, stderr: &errors, getenv: func(k string) string { return w.env[k] }}
	code = a.run(ctx, append(args, "--subscription", "S", "-g", "G", "-w", "W"))
	return code, out.String(), errors.String()
}

// deploy rolls out a deployment's file under a name.
func (w *walk) deploy(name, file string, more ...string) (code int, r rollout.Result, stderr string) {
	w.t.Helper()
	args := append([]string{"deploy", "azureml", "-f", filepath.Join(w.dir, "endpoint.yml"), "-f", filepath.Join(w.dir, file), "--name", name, "--pause", "0", "--max-latency", "30s", "-o", "json"}, more...)
	code, out, stderr := w.run(args...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
	}
	return code, r, stderr
}

func (w *walk) client() *azure.Client {
	w.t.Helper()
	a := &app{getenv: func(k string) string { return w.env[k] }}
	c, err := a.client(workspace{"S", "G", "W"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// now is what the endpoint has: its traffic and its deployments.
func (w *walk) now() string {
	w.t.Helper()
	c := w.client()
	e, err := c.Endpoint(w.t.Context(), "drives")
	if err != nil {
		return err.Error()
	}
	all, err := c.Deployments(w.t.Context(), "drives")
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprint(e.Traffic, " ", sorted(all))
}

func TestRolloutToAManagedEndpoint(t *testing.T) {
	w := newWalk(t, t.TempDir())
	defer func() { w.stop() }()
	code, r, said := w.deploy("blue", "blue.yml")
	if code != 0 || w.now() != "map[blue:100] [blue]" || r.State != "deployed" || len(r.Checks) != 3 || r.Checks[0].Errors != 0 {
		t.Fatalf("exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	code, r, said = w.deploy("green", "green/green.yml", "--autoscale", "1:5")
	if code != 0 || w.now() != "map[green:100] [green]" || len(r.Deleted) != 1 || r.Deleted[0] != "blue" {
		t.Fatalf("exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	if !strings.Contains(said, "mirroring 10 %") || !strings.Contains(said, "traffic: blue=90 green=10") || !strings.Contains(said, "cost: 5 × Standard_DS2_v2") {
		t.Errorf("%s", said)
	}
	for _, c := range r.Checks {
		if c.Step == "traffic 10 %, live" && (c.Answers["blue"] != 18 || c.Answers["green"] != 2) {
			t.Errorf("at 10 %%: %v", c.Answers)
		}
	}
	c := w.client()
	if text, err := c.Autoscale(t.Context(), rollout.ScaleName("drives", "green")); err != nil || !strings.Contains(string(text), `"maximum":"5"`) {
		t.Errorf("%s, %v", text, err)
	}
	e, err := c.Endpoint(t.Context(), "drives")
	if err != nil {
		t.Fatal(err)
	}
	users, err := c.Scorer(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	a, err := users.Ask(t.Context(), "", []byte(`{"input_data":{"columns":["lifetime","capacity"],"data":[[0.5,4]]}}`))
	if err != nil || a.Status != 200 || a.Deployment != "green" || !bytes.Contains(a.Body, []byte("1")) {
		t.Errorf("%d %s %s, %v", a.Status, a.Deployment, a.Body, err)
	}
	if code, _, said := w.run("model", "create", "-n", "drives", "--version", "7", "--path", filepath.Join(w.dir, "model"), "--type", "mlflow_model", "--target", "azureml"); code != 0 {
		t.Fatal(said)
	}
	if code, r, said := w.deploy("named", "green/green.yml", "--set", "model=azureml:drives@latest", "--step", "30", "--mirror", "0"); code != 0 || w.now() != "map[green:70 named:30] [green named]" || len(r.Checks) != 3 {
		t.Errorf("a registered model, to stay at 30 %%: exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	if code, r, said := w.deploy("named", "green/green.yml", "--set", "model=azureml:drives:7"); code != 0 || w.now() != "map[named:100] [named]" || !strings.Contains(said, "going on from there") {
		t.Errorf("and on to 100 %%: exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	if code, _, said := w.deploy("green", "green/green.yml", "--mirror", "0", "--requests", "0"); code != 0 {
		t.Fatal(said)
	}
	if code, r, said := w.deploy("green", "green/green.yml"); code != 0 || r.State != "unchanged" || w.now() != "map[green:100] [green]" {
		t.Errorf("once more: exit %d, %+v, %s", code, r, said)
	}
	if code, _, said := w.deploy("green", "blue.yml"); code != 1 || !strings.Contains(said, "--name") {
		t.Errorf("another under the name of what serves: exit %d, %s", code, said)
	}
}

func TestRolloutsThatFailAreTornDown(t *testing.T) {
	state := t.TempDir()
	w := newWalk(t, state)
	defer func() { w.stop() }()
	if code, _, said := w.deploy("first", "unready.yml"); code != 1 || !strings.Contains(w.now(), "404") || !strings.Contains(said, "nothing is left") {
		t.Fatalf("a first one that fails: exit %d, %s, %s", code, said, w.now())
	}
	if code, _, said := w.deploy("blue", "blue.yml"); code != 0 {
		t.Fatal(said)
	}
	for _, c := range []struct{ name, file, reason, log string }{
		{"unready", "unready.yml", "Readiness probe failed: HTTP probe failed with statuscode: 404", "probes: \n"},
		{"crash", "crash.yml", "CrashLoopBackOff", "no-inference-server\n    azureml_inference_server_http is not installed"},
		{"errors", "errors.yml", "test by header: 20 of 20 requests failed, the first with status 424 (the container answered 500", "the model is tired"},
		{"tired", "tired.yml", "test traffic 10 %", "traffic back to blue=100"},
	} {
		code, r, said := w.deploy(c.name, c.file)
		if code != 1 || r.State != "torn-down" || !strings.Contains(r.Reason, c.reason) || !strings.Contains(said, "traffic is where it was: blue=100\n") {
			t.Errorf("%s: exit %d, %+v, %s", c.name, code, r, said)
		}
		if c.name != "unready" && !strings.Contains(said, c.log) {
			t.Errorf("%s: %s", c.name, said)
		}
		if got := w.now(); got != "map[blue:100] [blue]" {
			t.Errorf("%s left %s", c.name, got)
		}
	}
	if code, r, said := w.deploy("never", "never.yml", "--timeout", "1s"); code != 1 || !strings.Contains(r.Reason, "not up after 1s (--timeout)") || w.now() != "map[blue:100] [blue]" {
		t.Errorf("a readiness that never comes: exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	if code, r, said := w.deploy("slow", "green/green.yml", "--max-latency", "1ns"); code != 1 || !strings.Contains(r.Reason, "95 % of the requests took up to") || w.now() != "map[blue:100] [blue]" {
		t.Errorf("answers that come too late: exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	if code, r, said := w.deploy("crash", "crash.yml", "--keep-failed"); code != 1 || r.State != "kept" || w.now() != "map[blue:100] [blue crash]" {
		t.Fatalf("exit %d, %+v, %s, %s", code, r, said, w.now())
	}
	w.stop()
	w.env, w.stop = newEnv(t, state)
	if code, out, said := w.run("doctor", "--live", "drives/crash", "-o", "json"); code != 1 || !strings.Contains(out, `"state":"Failed"`) || !strings.Contains(out, `"cause":"no-inference-server"`) {
		t.Errorf("exit %d, %s, %s", code, out, said)
	}
	code, out, said := w.run("doctor", "--live", "drives/crash")
	if code != 1 || !strings.Contains(out, "drives/crash is Failed") || !strings.Contains(out, "no-inference-server") || !strings.Contains(out, "mend: add azureml-inference-server-http") {
		t.Errorf("exit %d, %s, %s", code, out, said)
	}
	if code, _, said := w.deploy("crash", "blue.yml"); code != 0 || w.now() != "map[crash:100] [crash]" {
		t.Errorf("over one that failed, after a restart: exit %d, %s, %s", code, said, w.now())
	}
	if code, out, said := w.run("doctor", "--live", "drives"); code != 0 || !strings.Contains(out, "drives/crash is Succeeded") {
		t.Errorf("exit %d, %s, %s", code, out, said)
	}
}

// newEnv starts a fake on a state that is there.
func newEnv(t *testing.T, state string) (map[string]string, func()) {
	t.Helper()
	return startFakeOf(t, azurefake.Options{Dir: state, Step: 10 * time.Millisecond, Scorer: scorer(t), Environ: os.Environ()})
}

func TestRolloutToAKubernetesEndpoint(t *testing.T) {
	w := newWalk(t, t.TempDir())
	defer func() { w.stop() }()
	kube := func(s string) string { return strings.ReplaceAll(s, "managedOnline", "kubernetesOnline") }
	files := writeFiles(t, map[string]string{
		"endpoint.yml": kube(endpointFile) + "compute: azureml:cluster\n",
		"blue.yml":     kube(deploymentFile("good/container:1", "/ready", "")) + "scale_settings: {type: target_utilization, min_instances: 1, max_instances: 3}\n",
		"sample.json":  `{"data": [[1]]}`,
	})
	text, err := os.ReadFile(filepath.Join(files, "blue.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, "blue.yml"), []byte(strings.NewReplacer("/livez", "/ready", "model: {path: model}\n", "").Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	w.dir = files
	sample := filepath.Join(files, "sample.json")
	for _, name := range []string{"blue", "green"} {
		code, r, said := w.deploy(name, "blue.yml", "--sample", sample, "--max-latency", "0")
		if code != 0 || w.now() != fmt.Sprintf("map[%s:100] [%s]", name, name) {
			t.Fatalf("exit %d, %+v, %s, %s", code, r, said, w.now())
		}
		if name == "green" && (!strings.Contains(said, "Kubernetes endpoints mirror nothing") || strings.Contains(said, "cost:")) {
			t.Errorf("%s", said)
		}
	}
}
