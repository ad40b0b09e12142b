package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mostBytes is how large the stripped program may be.
const mostBytes = 20_000_000

// build makes the program as a release is made.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drivecast-score")
	c := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=v1.2.3", "-o", path, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestNothingButTheScorer looks for what a scorer has no use for.
func TestNothingButTheScorer(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, banned := range []string{"internal/sqlstore", "internal/tracking", "internal/registry", "internal/job", "internal/train", "internal/auth",
		"modernc.org/sqlite", "jackc/pgx", "k8s.io/", "Azure/azure-sdk-for-go", "minio-go"} {
		for p := range strings.Lines(string(out)) {
			if strings.Contains(p, banned) {
				t.Errorf("%s is linked in", strings.TrimSpace(p))
			}
		}
	}
}

// stump is a LightGBM model of one split: at most .5 of the first column is a
// probability of expit(-1), more is expit(1).
const stump = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=errors age
feature_infos=[0:1] [0:1]
tree_sizes=300

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=1
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1
leaf_weight=1 1
leaf_count=1 1
internal_value=0
internal_weight=0
internal_count=2
is_linear=0
shrinkage=1


end of trees
`

// TestServes starts the program as an online endpoint does, asks it and stops it.
func TestServes(t *testing.T) {
	program := build(t)
	if st, err := os.Stat(program); err != nil || st.Size() > mostBytes {
		t.Errorf("the program has %d bytes, more than %d (%v)", st.Size(), mostBytes, err)
	}
	if out, err := exec.Command(program, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "drivecast-score v1.2.3 (go") {
		t.Errorf("--version prints %q, %v", out, err)
	}
	mount := t.TempDir()
	deep := filepath.Join(mount, "disks", "3")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(deep, "model.txt"), []byte(stump), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, "--port", "0")
	c.Env = append(os.Environ(), "AZUREML_MODEL_DIR="+mount)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4096)
	n, err := stderr.Read(line)
	at := regexp.MustCompile(`http://[0-9.:]+/invocations`).Find(line[:n])
	if err != nil || at == nil {
		t.Fatalf("it printed %q, %v", line[:n], err)
	}
	resp, err := http.Post(string(at), "application/json", strings.NewReader(`{"dataframe_split":{"columns":["age","errors"],"data":[[1,0],[0,9]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !bytes.Contains(body, []byte("0.268941421")) || !bytes.Contains(body, []byte("0.731058578")) {
		t.Errorf("answered %d %s, %v", resp.StatusCode, body, err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// TestUsage starts it with a command line that is wrong.
func TestUsage(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--no-such-flag"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "see drivecast-score --help") {
		t.Errorf("got %v", err)
	}
}
