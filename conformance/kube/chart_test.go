//go:build services && linux

package kube

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// release is the chart in a namespace of its own.
type release struct {
	*testing.T
	dir, space, name string
	helm             string // renders the chart with Helm's library
	images           map[string]string
}

func newRelease(t *testing.T, name string) *release {
	t.Helper()
	r := &release{T: t, dir: t.TempDir(), name: name, space: "chart-" + name, images: map[string]string{}}
	r.helm = buildHelm(t, r.dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(r.dir, "drivecast-score"), "github.com/drivecast/drivecast/cmd/drivecast-score")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	r.run(build)
	kubectl(t, "", 0, "create", "namespace", r.space)
	t.Cleanup(func() { kubectl(t, "", 0, "delete", "namespace", r.space, "--wait=false") })
	return r
}

// buildHelm builds what stands in for Helm's client.
func buildHelm(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "helm")
	if out, err := exec.Command("go", "-C", "../helm", "build", "-o", program, "./template").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func (r *release) run(c *exec.Cmd) string {
	r.Helper()
	out, err := c.CombinedOutput()
	if err != nil {
		r.Fatalf("%s: %v\n%s", c, err, out)
	}
	return string(out)
}

// model trains on rows whose hours say what the label is, or the opposite.
func (r *release) model(name string, worn int) string {
	r.Helper()
	rows := "hours,errors,failure\n"
	for i := range 200 {
		label := 1 - worn
		if i >= 100 {
			label = worn
		}
		rows += fmt.Sprintf("%d,%d,%d\n", i*100, i*7%13, label)
	}
	write(r.T, filepath.Join(r.dir, name+".csv"), rows)
	must(r.T, r.dir, "train", "--data", name+".csv", "--target", "failure", "--features", "hours,errors", "--learner", "LogisticRegression", "--out", name)
	return filepath.Join(r.dir, name)
}

// image builds an image of a model, unpacks it where the node finds it, and returns
// its digest.
func (r *release) image(model string) string {
	r.Helper()
	at := model + ".image"
	must(r.T, r.dir, "image", "build", "-m", model, "--scorer", "drivecast-score", "-o", "oci:"+at)
	index, err := layout.ImageIndexFromPath(at)
	if err != nil {
		r.Fatal(err)
	}
	all, err := index.IndexManifest()
	if err != nil || len(all.Manifests) == 0 {
		r.Fatalf("the layout has no image: %v", err)
	}
	img, err := index.Image(all.Manifests[0].Digest)
	if err != nil {
		r.Fatal(err)
	}
	root := model + ".files"
	if err := os.Mkdir(root, 0o755); err != nil {
		r.Fatal(err)
	}
	unpack := exec.Command("tar", "-x", "-C", root)
	unpack.Stdin = mutate.Extract(img)
	r.run(unpack)
	digest := all.Manifests[0].Digest.String()
	r.images["registry.example.com/scorer@"+digest] = root
	return digest
}

// pull finds the images that were built.
func (r *release) pull(image string) (string, error) {
	if dir := r.images[image]; dir != "" {
		return dir, nil
	}
	return "", fmt.Errorf("there is no such image")
}

// server is an image of the server's program.
func (r *release) server() {
	r.Helper()
	bin := filepath.Join(r.dir, "server.files", "usr", "local", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(shared.bin, "drivecast"), filepath.Join(bin, "drivecast")); err != nil {
		r.Fatal(err)
	}
	r.images["registry.example.com/drivecast:1"] = filepath.Join(r.dir, "server.files")
}

// manifests renders the chart with values.
func (r *release) manifests(values string) string {
	r.Helper()
	c := exec.Command(r.helm, "template", r.name, "../../deploy/helm/drivecast", "--namespace", r.space, "--values", "-")
	c.Stdin = strings.NewReader(values)
	return r.run(c)
}

// apply is `helm template | kubectl apply --server-side`, waited for.
func (r *release) apply(values string) {
	r.Helper()
	kubectl(r.T, r.manifests(values), 0, "-n", r.space, "apply", "--server-side", "--validate=strict", "-f", "-")
	r.up("scorer")
}

// up waits until a part of the release is of its newest form and available.
func (r *release) up(part string) {
	r.Helper()
	kubectl(r.T, "", 0, "-n", r.space, "rollout", "status", "deployment/"+r.name+"-"+part, "--timeout=120s")
}

// deploy is `helm template | drivecast deploy kube`.
func (r *release) deploy(want int, values string, args ...string) (said string) {
	r.Helper()
	write(r.T, filepath.Join(r.dir, "m.yaml"), r.manifests(values))
	code, out, message := drivecast(r.T, r.dir, append([]string{"deploy", "kube", "-f", "m.yaml", "--namespace", r.space, "--timeout", "2m"}, args...)...)
	if code != want {
		r.Fatalf("exit %d, want %d\n%s%s", code, want, out, message)
	}
	return out + message
}

// scorer are values of a release whose scorer runs an image.
func scorer(digest string, replicas int, more string) string {
	return fmt.Sprintf(`
server: {image: {repository: registry.example.com/drivecast, tag: "1"}, auth: false, persistence: {size: 1Gi}}
scorer: {image: {repository: registry.example.com/scorer, digest: %q}, autoscaling: {enabled: false}, replicas: %d, drainSeconds: 3, name: drives%s}
`, digest, replicas, more)
}

// TestTheChartRollsScalesAndGoesBack applies the chart to a real API server. Its
// server and scorers run as processes, from unpacked images, until their probes pass;
// through every change somebody keeps asking, and is answered every time.
func TestTheChartRollsScalesAndGoesBack(t *testing.T) {
	r := newRelease(t, "fleet")
	first, second := r.image(r.model("first", 1)), r.image(r.model("second", 0))
	r.server()
	disk := t.TempDir()
	kubectl(t, fmt.Sprintf(`{apiVersion: v1, kind: PersistentVolume, metadata: {name: %s}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce],
  hostPath: {path: %q}, claimRef: {namespace: %s, name: fleet-server}}}`, r.space, disk, r.space), 0, "apply", "--server-side", "-f", "-")
	t.Cleanup(func() { kubectl(t, "", 0, "delete", "persistentvolume", r.space, "--wait=false") })
	node(t, r.pull)

	r.apply(scorer(first, 2, ""))
	r.up("server")
	server, models := r.service("fleet-server"), r.service("fleet-scorer")
	server.get("/health")
	models.get("/readyz")
	ask := models.keepAsking()
	ask.wants(1)

	r.apply(scorer(second, 2, "")) // a new image
	ask.wants(0)
	r.apply(scorer(second, 3, ""))
	if got := len(models.ready()); got != 3 {
		t.Errorf("%d scorers after scaling to 3", got)
	}
	kubectl(t, "", 0, "-n", r.space, "rollout", "undo", "deployment/fleet-scorer")
	r.up("scorer")
	ask.wants(1)
	if got := len(models.ready()); got != 3 {
		t.Errorf("%d scorers after going back", got)
	}

	// A new model: out of the registry of this release, which outlives its pod.
	c := exec.Command(filepath.Join(shared.bin, "drivecast"), "models", "register", "drives", filepath.Join(r.dir, "second"))
	c.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+server.url)
	r.run(c)
	kubectl(t, "", 0, "-n", r.space, "rollout", "restart", "deployment/fleet-server")
	r.up("server")
	if found, _ := filepath.Glob(filepath.Join(disk, "*.db")); len(found) != 1 {
		t.Errorf("the volume has the databases %v", found)
	}
	kubectl(t, r.manifests(scorer(first, 2, ", model: 'models:/drives/1', trackingUri: "+server.url)), 0, "-n", r.space, "apply", "--server-side", "--force-conflicts", "-f", "-")
	r.up("scorer")
	ask.wants(0)
	ask.stop()
}

// TestTheChartTurnsAndGoesBack sends the chart's scorer by `drivecast deploy kube`:
// blue and green, a canary, and one of which the image cannot be had.
func TestTheChartTurnsAndGoesBack(t *testing.T) {
	r := newRelease(t, "turn")
	first, second := r.image(r.model("first", 1)), r.image(r.model("second", 0))
	node(t, r.pull)
	alone := func(digest string, replicas int) string {
		return strings.Replace(scorer(digest, replicas, ""), "server: {", "server: {enabled: false, ", 1)
	}
	models := r.service("turn-scorer")
	test := []string{"--test-url", models.url + "/readyz"}
	blueGreen := append([]string{"--strategy", "blue-green"}, test...)
	r.deploy(0, alone(first, 1), blueGreen...)
	ask := models.keepAsking()
	ask.wants(1)
	r.deploy(0, alone(second, 1), blueGreen...)
	ask.wants(0)
	missing := "sha256:" + strings.Repeat("0", 64)
	if said := r.deploy(1, alone(missing, 1), append(blueGreen, "--timeout", "3s")...); !strings.Contains(said, "ImagePullBackOff") || !strings.Contains(said, "everything was put back") {
		t.Errorf("an image that is not there: %s", said)
	}
	ask.wants(0)
	ask.stop()

	r.name = "share"
	models = r.service("share-scorer")
	test[1] = models.url + "/readyz"
	r.deploy(0, alone(first, 1), test...)
	ask = models.keepAsking()
	ask.wants(1)
	canary := append([]string{"--strategy", "canary", "--steps", "50"}, test...)
	r.deploy(1, alone(missing, 1), append(canary, "--timeout", "3s")...)
	ask.wants(1)
	if said := r.deploy(0, alone(second, 1), canary...); !strings.Contains(said, "canary: Deployment share-scorer-canary") {
		t.Errorf("the canary: %s", said)
	}
	ask.wants(0)
	ask.stop()
}
