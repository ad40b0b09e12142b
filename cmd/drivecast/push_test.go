package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

const hookName = "hdd_failure_predictor"

// site is everything that a push walks through: a Git server's repository with a
// hook, a tracking server that takes the hook's word, a registry of images, and a
// machine that runs them.
type site struct {
	*testing.T
	dir, work, bare string
	program         string
	server          string // URL
	images          string // host:port/name
	deployer        *deployer
}

// TestAPushBecomesAnEndpoint walks from a push to an answer, offline: a good model is
// deployed, a worse one is refused, a broken one is rolled back.
func TestAPushBecomesAnEndpoint(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the image is for Linux, and the walk takes most of a minute")
	}
	for _, tool := range []string{"git", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the hook of the Git server needs %s", tool)
		}
	}
	s := newSite(t)
	began := time.Now()
	s.push("a model")
	s.await("Completed")
	t.Logf("from the push to a deployed endpoint: %s", time.Since(began).Round(10*time.Millisecond))
	s.champion("1")
	if err := s.deployer.ask(); err != nil || s.deployer.image != "v1" {
		t.Fatalf("%s does not answer: %v", s.deployer.image, err)
	}

	s.edit("train.yml", "hours,errors,temperature", "temperature")
	s.push("a worse model")
	s.await("Failed")
	s.champion("1")
	if got := s.log(); !strings.Contains(got, "is refused: ") {
		t.Errorf("the log of the release says\n%s", got)
	}
	if err := s.deployer.ask(); err != nil || s.deployer.image != "v1" {
		t.Errorf("after the worse model: %s, %v", s.deployer.image, err)
	}

	s.edit("train.yml", "--features temperature", "--features hours,errors,temperature")
	s.edit("release/release.sh", "drivecast image build --model", "drivecast image build --scorer \"$DRIVECAST\" --model")
	s.push("a release whose container ends at once")
	s.await("Failed")
	s.champion("1")
	if got := s.log(); !strings.Contains(got, "version 2 of "+hookName) || !strings.Contains(got, "not ready") {
		t.Errorf("the log of the release says\n%s", got)
	}
	if history := s.run("models", "history", hookName, "--alias", "champion"); strings.Count(history, "champion") < 3 || !strings.Contains(history, "the deployment of version 2 failed") {
		t.Errorf("the record says\n%s", history)
	}
	if err := s.deployer.ask(); err != nil || s.deployer.image != "v1" {
		t.Errorf("after the broken one: %s, %v", s.deployer.image, err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{T: t, dir: dir, work: filepath.Join(dir, "work"), bare: filepath.Join(dir, "drives.git"), program: filepath.Join(dir, "bin", "drivecast")}
	cmd := exec.Command("go", "build", "-o", filepath.Dir(s.program)+"/", ".", "../drivecast-score")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	s.must(cmd)
	images := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	s.images = strings.TrimPrefix(images.URL, "http://") + "/team/scorer"
	s.deployer = &deployer{t: t}
	deploy := httptest.NewServer(s.deployer)
	t.Cleanup(deploy.Close)
	host, port := freeAddress(t)
	s.server = "http://" + net.JoinHostPort(host, port)
	s.repository(deploy.URL)
	data := filepath.Join(dir, "data")
	s.must(exec.Command(s.program, "compute", "create", "--dir", data, "-n", job.DefaultCluster, "--max-instances", "2", "--idle-time-before-scale-down", "1"))
	s.Cleanup(func() { // the runner in the background ends before its folder goes
		for end := time.Now().Add(20 * time.Second); local.Wake(context.Background(), filepath.Join(data, "work"), job.DefaultCluster) == nil && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
		}
	})
	s.serve(host, port)
	return s
}

func (s *site) must(cmd *exec.Cmd) string {
	s.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func (s *site) git(args ...string) {
	s.Helper()
	s.must(exec.Command("git", args...))
}

func (s *site) write(file, text string) {
	s.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		s.Fatal(err)
	}
}

// repository makes the Git server's repository, with the hook of the example, and a
// clone of it with the files of the example.
func (s *site) repository(deployURL string) {
	s.Helper()
	const example = "../../examples/webhook"
	s.git("init", "-q", "--bare", "-b", "main", s.bare)
	hookText, err := os.ReadFile(filepath.Join(example, "post-receive"))
	if err != nil {
		s.Fatal(err)
	}
	s.write(filepath.Join(s.bare, "hooks", "post-receive"), string(hookText))
	s.write(filepath.Join(s.dir, "webhook.secret"), "a secret of this test\n")
	for k, v := range map[string]string{"url": s.server + "/webhooks/github", "repository": "team/drives", "secretfile": filepath.Join(s.dir, "webhook.secret")} {
		s.git("-C", s.bare, "config", "drivecast."+k, v)
	}
	s.git("init", "-q", "-b", "main", s.work)
	if err := os.CopyFS(s.work, os.DirFS(example)); err != nil {
		s.Fatal(err)
	}
	s.write(filepath.Join(s.work, "release", "deploy.sh"), "curl --silent --show-error --fail-with-body --data \"$1\" "+deployURL+"\n")
	s.write(filepath.Join(s.work, "data", "train.csv"), drives(600, 1))
	s.write(filepath.Join(s.work, "data", "heldout.csv"), drives(800, 2))
	s.git("-C", s.work, "remote", "add", "origin", s.bare)
}

// drives makes rows whose failures show in hours and errors, and not in temperature.
func drives(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	var b strings.Builder
	b.WriteString("serial_number,hours,errors,temperature,failure\n")
	for i := range n {
		f := 0.0
		if r.Float64() < .3 {
			f = 1
		}
		fmt.Fprintf(&b, "S%d-%d,%d,%d,%d,%d\n", seed, i, int(20000+9000*r.Float64()+4000*f), int(40*r.Float64()*r.Float64()+25*f*r.Float64()+3*f), int(25+20*r.Float64()), int(f))
	}
	return b.String()
}

func (s *site) serve(host, port string) {
	s.Helper()
	settings := filepath.Join(s.dir, "webhook.yml")
	s.write(settings, "repository: team/drives\nclone: ./drives.git\ndir: ./data\nsecret_files: [webhook.secret]\njobs:\n- {file: pipeline.yml, set: [inputs.image="+s.images+"]}\n")
	cmd := exec.CommandContext(s.Context(), s.program, "server", "--host", host, "--port", port, "--backend-store-uri", "sqlite:///"+filepath.Join(s.dir, "records.db"),
		"--artifacts-destination", filepath.Join(s.dir, "artifacts"), "--webhook-github", settings, "--verbose")
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if s.Failed() {
			s.Logf("the server said\n%s", said.Bytes())
		}
	})
	if err := waitFor(s.server+"/health", 20*time.Second); err != nil {
		s.Fatal(err)
	}
}

func (s *site) run(args ...string) string {
	s.Helper()
	cmd := exec.Command(s.program, args...)
	cmd.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+s.server)
	return s.must(cmd)
}

func (s *site) edit(file, from, to string) {
	s.Helper()
	at := filepath.Join(s.work, file)
	text, err := os.ReadFile(at)
	if err != nil || !strings.Contains(string(text), from) {
		s.Fatalf("%s has no %q (%v)", file, from, err)
	}
	s.write(at, strings.Replace(string(text), from, to, 1))
}

func (s *site) push(message string) {
	s.Helper()
	s.git("-C", s.work, "add", "--all")
	s.git("-C", s.work, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", message)
	s.git("-C", s.work, "push", "-q", "origin", "main")
}

type listedJob struct{ Name, Status string }

// await waits until the newest job has ended, and fails unless it ended so.
func (s *site) await(state string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	head := strings.TrimSpace(s.must(exec.Command("git", "-C", s.work, "rev-parse", "HEAD")))
	var last listedJob
	for ctx.Err() == nil {
		var list []listedJob
		text := s.run("job", "list", "--dir", filepath.Join(s.dir, "data"), "-o", "json")
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			s.Fatalf("%v: %s", err, text)
		}
		if len(list) > 0 && strings.HasPrefix(list[0].Name, "push-"+head[:10]) {
			if last = list[0]; last.Status == state {
				return
			}
			if last.Status == "Completed" || last.Status == "Failed" {
				break
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Fatalf("job %+v, want %s; the release says\n%s", last, state, s.log())
}

// log is what the release of the newest push said.
func (s *site) log() string {
	head := strings.TrimSpace(s.must(exec.Command("git", "-C", s.work, "rev-parse", "HEAD")))
	found, _ := filepath.Glob(filepath.Join(s.dir, "data", "work", "jobs", "push-"+head[:10]+"*", "user_logs", "std_log.txt"))
	var b strings.Builder
	for _, f := range found {
		text, _ := os.ReadFile(f)
		fmt.Fprintf(&b, "%s:\n%s\n", f, text)
	}
	return b.String()
}

func (s *site) champion(version string) {
	s.Helper()
	if got := s.run("models", "list"); !strings.Contains(got, "champion="+version) {
		s.Errorf("want champion=%s:\n%s", version, got)
	}
}

// deployer runs one image: a new one takes over once it is ready, or not at all.
type deployer struct {
	t     *testing.T
	mu    sync.Mutex
	now   *container
	image string // its tag
}

// ServeHTTP deploys the image that the body names.
func (d *deployer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = d.deploy(string(text))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (d *deployer) deploy(image string) error {
	ref, err := name.ParseReference(image)
	if err != nil {
		return err
	}
	img, err := remote.Image(ref)
	if err != nil {
		return err
	}
	c, err := startContainer(d.t, img)
	if err != nil {
		return err
	}
	if err := c.ready(); err != nil {
		return fmt.Errorf("%s is not ready: %w", image, err)
	}
	if err := c.probe(); err != nil {
		c.stop()
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now != nil {
		d.now.stop()
	}
	d.now, d.image = c, ref.Identifier()
	return nil
}

// ask scores a worn drive and a good one.
func (d *deployer) ask() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == nil {
		return fmt.Errorf("nothing is deployed")
	}
	if err := d.now.probe(); err != nil {
		return err
	}
	const rows = `{"dataframe_split": {"columns": ["hours", "errors", "temperature"], "data": [[21000, 1, 30], [33000, 40, 30]]}}`
	return d.now.ask("/invocations", rows, `[0,1]`)
}
