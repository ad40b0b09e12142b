package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/azure/azurefake"
)

// lines is what a server prints, read while it runs.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startFake serves azure-fake and returns the variables that it prints, and what
// stops it.
func startFake(t *testing.T, dir string) (env map[string]string, stop func()) {
	t.Helper()
	return startFakeOf(t, azurefake.Options{Dir: dir, Step: 10 * time.Millisecond})
}

func startFakeOf(t *testing.T, o azurefake.Options) (env map[string]string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var out, errors lines
	ctx, cancel := context.WithCancel(context.Background())
	a := &app{stdout: &out, stderr: &errors, getenv: os.Getenv}
	done := make(chan error, 1)
	go func() {
		done <- a.serveAzureFake(ctx, l, o)
	}()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("azure-fake: %v\n%s", err, errors.String())
		}
	}
	env = map[string]string{}
	for end := time.Now().Add(10 * time.Second); len(env) < 5; {
		if time.Now().After(end) {
			t.Fatalf("azure-fake printed %q, %q", out.String(), errors.String())
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if name, v, ok := strings.Cut(strings.TrimPrefix(line, "export "), "="); ok && v != "" {
				env[name] = v
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return env, stop
}

// against runs a command line for the workspace of a fake.
func against(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, errors lines
	a := &app{stdout: &out, stderr: &errors, getenv: func(k string) string { return env[k] }}
	code = a.run(ctx, append(args, "--target", "azureml", "--subscription", "S", "-g", "G", "-w", "W"))
	return code, out.String(), errors.String()
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSeedJobsRunAgainstTheFake(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{
		"job.yaml":     strings.Replace(seedJob, "python src/model.py --iteration", "sh src/model.sh", 1),
		"src/model.sh": "echo iteration $1 of $AZUREML_RUN_ID\nmkdir outputs\necho model-$1 > outputs/model.txt\n",
		".amlignore":   "secret.txt\n", "secret.txt": "x",
	})
	for _, iteration := range []string{"1", "2"} {
		name := "seed" + iteration
		code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "job.yaml"), "--set", "inputs.iteration="+iteration, "--name", name, "--stream")
		if code != 0 || !strings.Contains(out, "iteration "+iteration+" of "+name) {
			t.Fatalf("exit %d, %q, %s", code, out, message)
		}
		if code, out, message := against(t, env, "job", "show", "-n", name, "-o", "json"); code != 0 || !strings.Contains(out, `"status": "Completed"`) || !strings.Contains(out, `/codes/`) {
			t.Fatalf("exit %d, %s, %s", code, out, message)
		}
		to := t.TempDir()
		if code, _, message := against(t, env, "job", "download", "-n", name, "-p", to); code != 0 {
			t.Fatalf("download: exit %d, %s", code, message)
		}
		if text, err := os.ReadFile(filepath.Join(to, "outputs", "model.txt")); err != nil || string(text) != "model-"+iteration+"\n" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(to, "user_logs", "std_log.txt")); err != nil {
			t.Error(err)
		}
	}
	if code, out, _ := against(t, env, "job", "list"); code != 0 || strings.Index(out, "seed2") > strings.Index(out, "seed1") || !strings.Contains(out, "seed1") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, _, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "job.yaml"), "--name", "seed1"); code != 1 || !strings.Contains(message, "409") {
		t.Errorf("the same name again: exit %d, %s", code, message)
	}
}

func TestJobsOfTheFakeFailEndAndOutliveIt(t *testing.T) {
	state := t.TempDir()
	env, stop := startFake(t, state)
	dir := writeFiles(t, map[string]string{
		"fail.yml": "command: echo no; exit 3\nenvironment: azureml:e:1\ncompute: azureml:c\n",
		"long.yml": "command: echo begun; sleep 60\nenvironment: azureml:e:1\n",
	})
	if code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "fail.yml"), "--name", "f", "--stream"); code != 1 || !strings.Contains(out, "no\n") || !strings.Contains(message, "Failed") {
		t.Errorf("exit %d, %s, %s", code, out, message)
	}
	if code, _, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "long.yml"), "--name", "l"); code != 0 {
		t.Fatal(message)
	}
	if code, _, message := against(t, env, "job", "cancel", "-n", "l"); code != 0 {
		t.Fatalf("cancel: exit %d, %s", code, message)
	}
	if code, _, message := against(t, env, "job", "stream", "-n", "l"); code != 1 || !strings.Contains(message, "Canceled") {
		t.Errorf("exit %d, %s", code, message)
	}
	stop()
	env, stop = startFake(t, state)
	defer stop()
	if code, out, message := against(t, env, "job", "show", "-n", "f"); code != 0 || !strings.Contains(out, "Failed") {
		t.Errorf("after a restart: exit %d, %s, %s", code, out, message)
	}
	if code, _, message := against(t, env, "job", "show", "-n", "absent"); code != 1 || !strings.Contains(message, "404") {
		t.Errorf("exit %d, %s", code, message)
	}
	env["AZURE_CLIENT_SECRET"] = "wrong"
	if code, _, message := against(t, env, "job", "list"); code != 1 || !strings.Contains(message, "the secret is not the application's") {
		t.Errorf("a wrong secret: exit %d, %s", code, message)
	}
}
