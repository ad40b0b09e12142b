package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/drivecast/drivecast/internal/azure/azurefake"
	"github.com/drivecast/drivecast/internal/image"
)

// TestRolloutOfAnImage pushes an image to a registry of this machine, rolls it out and
// asks it: what answers is the program in the image, with the model in the image.
func TestRolloutOfAnImage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are of Linux")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0") // in one of the cases it is listened on
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	dir := t.TempDir()
	serveModel(t, filepath.Join(dir, "model"), 1)
	built, err := image.Build(image.Options{Model: filepath.Join(dir, "model"), Scorer: scorer(t), OS: "linux", Arch: runtime.GOARCH, Port: port, Version: "test", Source: "model"})
	if err != nil {
		t.Fatal(err)
	}
	tag := strings.TrimPrefix(server.URL, "http://") + "/team/scorer:v1"
	place, err := image.ParsePlace(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := built.Write(t.Context(), place, authn.NewMultiKeychain()); err != nil {
		t.Fatal(err)
	}
	w := &walk{t: t}
	w.env, w.stop = startFakeOf(t, azurefake.Options{Dir: t.TempDir(), Step: 10 * time.Millisecond}) // without a scorer of its own
	defer func() { w.stop() }()
	of := func(image string) string {
		return strings.NewReplacer("model: {path: model}\n", "", "8080", fmt.Sprint(port)).Replace(deploymentFile(image, "/readyz", ""))
	}
	soon := "readiness_probe: {initial_delay: 0, period: 1, failure_threshold: 1}\n"
	w.dir = writeFiles(t, map[string]string{
		"endpoint.yml": endpointFile, "good.yml": of(tag), "absent.yml": of(tag + "0"),
		"port.yml":    strings.ReplaceAll(of(tag), fmt.Sprintf("port: %d", port), "port: 5001") + soon,
		"sample.json": `{"input_data":{"columns":["lifetime","capacity"],"data":[[0.5,4]]}}`,
	})
	sample := filepath.Join(w.dir, "sample.json")
	if code, r, said := w.deploy("blue", "good.yml", "--sample", sample); code != 0 || w.now() != "map[blue:100] [blue]" {
		t.Fatalf("exit %d, %+v, %s", code, r, said)
	}
	c := w.client()
	e, err := c.Endpoint(t.Context(), "drives")
	if err != nil {
		t.Fatal(err)
	}
	users, err := c.Scorer(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	a, err := users.Ask(t.Context(), "", []byte(`{"input_data":{"columns":["lifetime","capacity"],"data":[[0.5,4]]}}`))
	if err != nil || a.Status != 200 || !bytes.Contains(a.Body, []byte("1")) {
		t.Errorf("%d %s, %v", a.Status, a.Body, err)
	}
	if code, r, said := w.deploy("absent", "absent.yml", "--sample", sample); code != 1 || !strings.Contains(r.Reason, "Failed to pull image") || !strings.Contains(said, "acrPull") || w.now() != "map[blue:100] [blue]" {
		t.Errorf("an image that is not there: exit %d, %+v, %s", code, r, said)
	}
	if code, r, said := w.deploy("port", "port.yml", "--sample", sample); code != 1 || !strings.Contains(r.Reason, "connection refused") || !strings.Contains(said, "port that inference_config declares") {
		t.Errorf("a port that the image does not listen on: exit %d, %+v, %s", code, r, said)
	}
}

// TestTheExampleIsAnswered rolls out the deployment of examples/github and asks it what
// its workflow asks.
func TestTheExampleIsAnswered(t *testing.T) {
	w := newWalk(t, t.TempDir())
	defer func() { w.stop() }()
	serveModelOf(t, filepath.Join(w.dir, "example"), "hours", "errors", "temperature")
	if code, _, said := w.run("model", "create", "-n", "hdd_failure_predictor", "--version", "1", "--path", filepath.Join(w.dir, "example"), "--target", "azureml"); code != 0 {
		t.Fatal(said)
	}
	const example = "../../examples/github/"
	code, out, said := w.run("deploy", "azureml", "-f", filepath.Join(w.dir, "endpoint.yml"), "-f", example+"deployment.yml", "--sample", example+"request.json", "--pause", "0", "--max-latency", "30s")
	if code != 0 || !strings.Contains(out, "scorer serves https://") || w.now() != "map[scorer:100] [scorer]" {
		t.Errorf("exit %d, %s%s, %s", code, out, said, w.now())
	}
}
