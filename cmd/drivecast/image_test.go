package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestImageServes walks from a model to answers: built, pushed to a registry,
// pulled, unpacked, started as a container would start it, probed and asked.
func TestImageServes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the image is for Linux")
	}
	dir := t.TempDir()
	scorer := filepath.Join(dir, "drivecast-score")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", scorer, "../drivecast-score")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the scorer: %v\n%s", err, out)
	}
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://") + "/team/scorer:v1"
	var first string
	for range 2 { // the same digest twice
		out := runApp(t, "image", "build", "-m", smallModel(t, dir), "--scorer", scorer, "-o", at, "--json")
		var got struct {
			Digest  string
			Size    int64
			Seconds float64
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if first != "" && got.Digest != first || got.Size > 12<<20 {
			t.Errorf("digest %s after %s, %d bytes", got.Digest, first, got.Size)
		}
		first = got.Digest
		t.Logf("%d bytes, built in %.3f s", got.Size, got.Seconds)
	}
	ref, err := name.ParseReference(at)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	askContainer(t, img)
}

func runApp(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, fault bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &fault, getenv: func(string) string { return "" }, now: time.Now}
	if code := a.run(t.Context(), args); code != 0 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, fault.String())
	}
	return out.Bytes()
}

func smallModel(t *testing.T, dir string) string {
	t.Helper()
	model := filepath.Join(dir, "model")
	if _, err := os.Stat(model); err == nil {
		return model
	}
	var csv strings.Builder
	csv.WriteString("a,b,failure\n")
	for i := range 200 {
		fmt.Fprintf(&csv, "%d,%d,%d\n", i, (i*7)%13, i/100)
	}
	data := filepath.Join(dir, "drives.csv")
	if err := os.WriteFile(data, []byte(csv.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	runApp(t, "train", "--data", data, "--target", "failure", "--features", "a,b", "--learner", "RandomForestClassifier", "--out", model)
	return model
}

// container is what an image says, started in an unpacked copy of it.
type container struct {
	url  string
	said *bytes.Buffer // read it once the container has stopped
	gone chan struct{} // closed once it has ended
	stop func()
	born time.Time // when it was started
}

func startContainer(t *testing.T, img v1.Image) (*container, error) {
	t.Helper()
	root := t.TempDir()
	unpack := exec.Command("tar", "-x", "-C", root)
	unpack.Stdin = mutate.Extract(img)
	if out, err := unpack.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("unpack: %w\n%s", err, out)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	host, port := freeAddress(t)
	args := strings.Fields(strings.NewReplacer("0.0.0.0", host, "8080", port, "/opt/", root+"/opt/").Replace(strings.Join(file.Config.Cmd, " ")))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, root+file.Config.Entrypoint[0], args...)
	cmd.Dir, cmd.Env = root, file.Config.Env
	c := &container{url: "http://" + host + ":" + port, said: &bytes.Buffer{}, gone: make(chan struct{})}
	cmd.Stderr, c.born = c.said, time.Now()
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(c.gone)
	}()
	c.stop = func() { cancel(); <-c.gone }
	t.Cleanup(c.stop)
	return c, nil
}

// ready waits until the container says so, or has ended.
func (c *container) ready() error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case <-c.gone:
			return fmt.Errorf("the container ended before it was ready:\n%s", c.said)
		default:
		}
		resp, err := http.Get(c.url + "/readyz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
	c.stop()
	return fmt.Errorf("the container was not ready in time:\n%s", c.said)
}

// ask posts to a route and fails unless the answer holds want.
func (c *container) ask(route, body, want string) error {
	resp, err := http.Post(c.url+route, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(strings.ReplaceAll(string(text), " ", ""), want) {
		return fmt.Errorf("%s: %s %s %w", route, resp.Status, text, err)
	}
	return nil
}

// probe asks the routes that the image declares healthy.
func (c *container) probe() error {
	for _, route := range []string{"/", "/livez", "/readyz", "/ping", "/health"} {
		resp, err := http.Get(c.url + route)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", route, resp.Status)
		}
	}
	return nil
}

// askContainer starts what the image says, probes and asks it.
func askContainer(t *testing.T, img v1.Image) {
	t.Helper()
	c, err := startContainer(t, img)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ready(); err != nil {
		t.Fatal(err)
	}
	t.Logf("ready %s after its start", time.Since(c.born).Round(time.Millisecond))
	if err := c.probe(); err != nil {
		t.Error(err)
	}
	for _, q := range [][3]string{
		{"/invocations", `{"dataframe_split": {"columns": ["a", "b"], "data": [[5, 1], [190, 1]]}}`, `[0,1]`},
		{"/score", `{"data": [[5, 1], [190, 1]]}`, `"prediction":1`},
	} {
		if err := c.ask(q[0], q[1], q[2]); err != nil {
			t.Error(err)
		}
	}
}
