//go:build conformance

// Package score holds a check of the scoring server against MLflow's own scoring
// code: a real `drivecast serve`, real requests, every input form, every refusal.
package score

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const interpreter = "DRIVECAST_PY_MLFLOW_3_17_2"

func TestScoringServerAnswersAsMLflow(t *testing.T) {
	py := os.Getenv(interpreter)
	if py == "" {
		t.Fatalf("%s does not name a Python with mlflow 3.17.2", interpreter)
	}
	dir := t.TempDir()
	if out, err := exec.Command(py, "client.py", "save", dir).CombinedOutput(); err != nil {
		t.Fatalf("save: %v\n%s", err, out)
	}
	program := filepath.Join(t.TempDir(), "drivecast")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/drivecast/drivecast/cmd/drivecast").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	args := []string{"client.py", "ask", dir}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no models were saved: %v", err)
	}
	for _, e := range entries {
		args = append(args, e.Name()+"="+serve(t, program, filepath.Join(dir, e.Name())))
	}
	out, err := exec.Command(py, args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("answers differ: %v", err)
	}
}

var address = regexp.MustCompile(`http://[0-9.]+:[0-9]+`)

// serve starts `drivecast serve` on a free port and returns its URL.
func serve(t *testing.T, program, model string) string {
	t.Helper()
	return start(t, exec.Command(program, "serve", "-m", model, "--port", "0"))
}

// start starts a server and returns the first URL that it says.
func start(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(stderr)
	var said strings.Builder
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if url := address.FindString(line); url != "" {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return url
		}
		if err != nil {
			t.Fatalf("drivecast serve said no address: %s", said.String())
		}
	}
}
