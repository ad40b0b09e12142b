//go:build services && unix

package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// manifests are a Deployment and its Service; the shell runs what is given.
func manifests(name, version, run string, replicas int) string {
	ready := 1
	if run != forever {
		ready = 10 // a slow machine sees late that a pod has died
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[4]d
  minReadySeconds: %[5]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: scorer, image: none, command: [sh, -c, %[3]q], env: [{name: VERSION, value: %[2]q}]}]
`, name, version, run, replicas, ready)
}

const forever = "exec sleep 1000"

// ask is what kubectl prints of an object; "" when it is not there.
func ask(t *testing.T, what, path string) string {
	t.Helper()
	c := exec.Command(os.Getenv("DRIVECAST_TEST_KUBECTL"), "get", what, "--ignore-not-found", "-n", "default", "-o", "jsonpath="+path)
	c.Env = append(os.Environ(), "KUBECONFIG="+shared.kubeconfig)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

const version = "{.spec.template.spec.containers[0].env[0].value}"

func TestDeployRollsScalesAndGoesBack(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	var healthy atomic.Bool
	healthy.Store(true)
	probe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !healthy.Load() {
			http.Error(w, "no model", http.StatusServiceUnavailable)
		}
	}))
	defer probe.Close()
	roll := func(want int, text string, args ...string) (string, string) {
		t.Helper()
		write(t, filepath.Join(dir, "m.yaml"), text)
		code, out, message := drivecast(t, dir, append([]string{"deploy", "kube", "-f", "m.yaml", "--namespace", "default", "--timeout", "20s", "--test-url", probe.URL}, args...)...)
		if code != want {
			t.Fatalf("exit %d, want %d\n%s%s", code, want, out, message)
		}
		return out, message
	}
	roll(0, manifests("roll", "1", forever, 2))
	roll(0, manifests("roll", "2", forever, 4))
	if got := ask(t, "deployment/roll", version+" {.status.availableReplicas}"); got != "2 4" {
		t.Errorf("after scaling: version and pods %q, want 2 and 4", got)
	}
	if _, message := roll(1, manifests("roll", "3", "echo broken; exit 3", 4)); !strings.Contains(message, "exit code 3") || !strings.Contains(message, "everything was put back") {
		t.Errorf("a deployment that does not come up: %s", message)
	}
	healthy.Store(false)
	if _, message := roll(1, manifests("roll", "4", forever, 1)); !strings.Contains(message, "no model") {
		t.Errorf("a test that fails: %s", message)
	}
	healthy.Store(true)
	deaf := strings.Replace(manifests("roll", "5", forever, 4), "image: none", "image: none, readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 1}", 1)
	if _, message := roll(1, deaf, "--timeout", "3s"); !strings.Contains(message, "none says why; their readiness probes may not pass") || !strings.Contains(message, "everything was put back") {
		t.Errorf("a readiness that never comes: %s", message)
	}
	if got := ask(t, "deployment/roll", version+" {.spec.replicas} {.status.availableReplicas}"); got != "2 4 4" {
		t.Errorf("after going back three times: %q", got)
	}
	roll(0, manifests("roll", "5", forever, 2)) // what was put back can be changed
	if _, message := roll(1, manifests("fresh", "1", "exit 1", 1), "--timeout", "3s"); ask(t, "deployment/fresh", "{.metadata.name}") != "" {
		t.Errorf("a new one that failed is still there: %s", message)
	}
}

func TestDeployBlueGreenAndCanary(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	roll := func(want int, text string, args ...string) (string, string) {
		t.Helper()
		write(t, filepath.Join(dir, "m.yaml"), text)
		code, out, message := drivecast(t, dir, append([]string{"deploy", "kube", "-f", "m.yaml", "--namespace", "default", "--timeout", "20s"}, args...)...)
		if code != want {
			t.Fatalf("exit %d, want %d\n%s%s", code, want, out, message)
		}
		return out, message
	}
	serves := `{.spec.selector.drivecast\.dev/colour}`
	for i, want := range []string{"blue", "green", "blue"} {
		roll(0, manifests("bg", fmt.Sprint(i), forever, 1), "--strategy", "blue-green")
		if got := ask(t, "service/bg", serves); got != want {
			t.Fatalf("rollout %d: the Service selects %q, want %q", i, got, want)
		}
		if left := ask(t, "deployments", "{.items[*].metadata.name}"); strings.Count(left, "bg-") != 1 || !strings.Contains(left, "bg-"+want) {
			t.Errorf("rollout %d left %s", i, left)
		}
	}
	roll(1, manifests("bg", "bad", "exit 1", 1), "--strategy", "blue-green", "--timeout", "3s")
	if got := ask(t, "service/bg", serves) + ask(t, "deployment/bg-green", "{.metadata.name}"); got != "blue" {
		t.Errorf("a failed green left %q", got)
	}
	roll(0, manifests("can", "1", forever, 4))
	if out, _ := roll(0, manifests("can", "2", forever, 4), "--strategy", "canary", "--steps", "20,50"); strings.Count(out, "canary: Deployment can-canary") != 2 {
		t.Errorf("the steps of a canary were\n%s", out)
	}
	roll(1, manifests("can", "3", "exit 1", 4), "--strategy", "canary", "--timeout", "3s")
	if got := ask(t, "deployment/can", version+" {.status.availableReplicas}") + ask(t, "deployment/can-canary", "{.metadata.name}"); got != "2 4" {
		t.Errorf("after a failed canary: %q", got)
	}
	for _, args := range [][]string{{"--strategy", "sideways"}, {"--strategy", "canary", "--steps", "50,10"}} {
		roll(2, manifests("can", "2", forever, 4), args...)
	}
	roll(1, "kind: Deployment\n")
}
