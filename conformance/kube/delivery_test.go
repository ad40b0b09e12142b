//go:build services && linux

package kube

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const page = "../../docs/delivery.md"

// commands are the blocks of a page that a shell runs, one after the other. A block
// that the reader would take for commands and that is not among them is a fault.
func commands(t *testing.T, text string) string {
	t.Helper()
	var script strings.Builder
	fence, at := "", 0
	for i, line := range strings.Split(text, "\n") {
		switch mark, is := strings.CutPrefix(line, "```"); {
		case is && fence == "":
			fence, at = mark, i+1
			if !slices.Contains([]string{"sh", "yaml", "json"}, mark) {
				t.Errorf("line %d: a block of %q: commands are in blocks of sh, which are run", i+1, mark)
			}
			if fence == "sh" {
				fmt.Fprintf(&script, "echo 'block of line %d' >&2\n", at)
			}
		case is:
			fence = ""
		case fence == "sh":
			for _, word := range strings.Fields(line) {
				if slices.Contains([]string{"if", "||", "&&", "exit", "case", "while", "function"}, word) {
					t.Errorf("line %d: what follows %q may not be run", i+1, word)
				}
			}
			script.WriteString(line + "\n")
		case fence == "" && strings.HasPrefix(line, "    "):
			t.Errorf("line %d is an indented block: commands are in blocks of sh, which are run", i+1)
		}
	}
	return script.String()
}

var inline = regexp.MustCompile("`((?:drivecast|git|kubectl|helm|curl|az|docker) [^`]*)`")

// inlined fails for a command in a sentence whose verbs and flags no block runs.
func inlined(t *testing.T, text, script string) {
	t.Helper()
	var lines [][]string
	for line := range strings.Lines(script) {
		lines = append(lines, strings.Fields(line))
	}
	for _, m := range inline.FindAllStringSubmatch(text, -1) {
		var verbs []string
		for _, w := range strings.Fields(m[1]) {
			if verb := w == strings.ToLower(w) && !strings.ContainsAny(w, "./=:"); verb || strings.HasPrefix(w, "--") {
				verbs = append(verbs, w)
			}
		}
		if !slices.ContainsFunc(lines, func(line []string) bool {
			return !slices.ContainsFunc(verbs, func(w string) bool { return !slices.Contains(line, w) })
		}) {
			t.Errorf("`%s` is in the page, and no block runs it", m[1])
		}
	}
}

// TestThePageOfDelivery runs every command of docs/delivery.md, in its order: the fork
// is a bare repository of this tree, the registry a process on loopback, the cluster a
// real control plane, its node processes, Azure the fake, Helm its library.
func TestThePageOfDelivery(t *testing.T) {
	text := read(t, page)
	script := commands(t, text)
	inlined(t, text, script)
	if t.Failed() {
		return
	}
	dir := t.TempDir()
	for _, bare := range []string{"fork.git", "drives.git"} {
		gitIn(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", bare)
	}
	fork(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "data", "train.csv"), rows(600, 1))
	write(t, filepath.Join(dir, "data", "heldout.csv"), rows(800, 2))
	images := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	node(t, puller(t))
	t.Cleanup(func() { kubectl(t, "", 0, "delete", "namespace", "drives", "--ignore-not-found", "--wait=false") })
	endpoint := (&release{T: t, space: "drives"}).service("fleet-scorer")
	bin := filepath.Join(dir, "tools")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	buildHelm(t, bin)
	if err := os.Symlink(os.Getenv("DRIVECAST_TEST_KUBECTL"), filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	script = strings.NewReplacer("5000", freePort(t), "5001", freePort(t), "5002", freePort(t), "8443", freePort(t)).Replace(script) // others may have the page's
	out := runScript(t, dir, script, map[string]string{
		"FORK": filepath.Join(dir, "fork.git"), "REPOSITORY": filepath.Join(dir, "drives.git"), "DATA": filepath.Join(dir, "data"),
		"REGISTRY": strings.TrimPrefix(images.URL, "http://") + "/team", "ENDPOINT": endpoint.url, "KUBECONFIG": shared.kubeconfig,
		"PATH": bin + ":" + os.Getenv("PATH"), "HOME": os.Getenv("HOME"),
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
	})
	for _, want := range []string{"accepted", "version 1 of hdd_failure_predictor is champion", "Deployment fleet-scorer is up", `"predictions"`, "canary: Deployment fleet-scorer-canary", "version 2 of hdd_failure_predictor is champion"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page's commands did not print %q:\n%s", want, out)
		}
	}
}

// runScript runs a script until its end or its first command that fails. What it left
// running is ended.
func runScript(t *testing.T, dir, script string, vars map[string]string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 12*time.Minute)
	defer stop()
	said := filepath.Join(dir, "said")
	log, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := exec.CommandContext(ctx, "bash", "-c", "set -euo pipefail\n"+script+"echo all of it was run\n")
	c.Dir, c.Stdout, c.Stderr = dir, log, log // a file: what stays in the background is not waited for
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "GO") || k == "TMPDIR" || strings.HasPrefix(k, "XDG_") {
			c.Env = append(c.Env, kv)
		}
	}
	for k, v := range vars {
		c.Env = append(c.Env, k+"="+v)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	err = c.Run()
	if c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM) // servers; none may be left
		for end := time.Now().Add(30 * time.Second); syscall.Kill(-c.Process.Pid, 0) == nil; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
				break
			}
		}
	}
	out := read(t, said)
	if err != nil || !strings.Contains(out, "all of it was run") {
		t.Fatalf("the page's commands: %v\n%s", err, out)
	}
	return out
}

// fork commits what this tree has, and what is new in it, to a bare repository.
func fork(t *testing.T, dir string) {
	t.Helper()
	work := filepath.Join(dir, "fork")
	gitIn(t, dir, "clone", "--quiet", "fork.git", "fork")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	copyAll := exec.Command("bash", "-c", `set -euo pipefail; git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d "" f; do if [ -e "$f" ]; then printf "%s\\0" "$f"; fi; done | xargs -0 cp --parents -t "$0"`, work)
	copyAll.Dir = root
	if out, err := copyAll.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	gitIn(t, work, "add", "--all")
	gitIn(t, work, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "a fork")
	gitIn(t, work, "push", "--quiet", "origin", "HEAD:main")
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// puller unpacks images of registries, each once.
func puller(t *testing.T) func(string) (string, error) {
	dir := t.TempDir()
	var mu sync.Mutex
	return func(image string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		ref, err := name.ParseReference(image)
		if err != nil {
			return "", err
		}
		root := filepath.Join(dir, regexp.MustCompile("[^a-z0-9]").ReplaceAllString(image, "_"))
		if _, err := os.Stat(root); err == nil {
			return root, nil
		}
		img, err := remote.Image(ref)
		if err != nil {
			return "", err
		}
		if err := os.Mkdir(root+".part", 0o755); err != nil {
			return "", err
		}
		unpack := exec.Command("tar", "-x", "-C", root+".part")
		unpack.Stdin = mutate.Extract(img)
		if out, err := unpack.CombinedOutput(); err != nil {
			return "", fmt.Errorf("unpack %s: %w %s", image, err, out)
		}
		return root, os.Rename(root+".part", root)
	}
}

// rows are drives whose failures show in hours and errors.
func rows(n int, seed uint64) string {
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

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
