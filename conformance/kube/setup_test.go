//go:build services && unix

package kube

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetupGivesJustTheRightsItNeeds applies the manifests and runs a job as a user
// who has nothing but their role, in a namespace with the restricted standard.
func TestSetupGivesJustTheRightsItNeeds(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	out, err := exec.Command(filepath.Join(shared.bin, "drivecast-cloud"), "kube", "manifests", "--namespace", "drives", "--user", "ada", "--tracking-uri", shared.tracking).Output()
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, string(out), 0, "apply", "--server-side", "-f", "-")
	own := filepath.Join(dir, "kubeconfig")
	write(t, own, strings.ReplaceAll(read(t, shared.kubeconfig), "{token:", "{as: ada, token:"))
	write(t, filepath.Join(dir, "job.yml"), "command: echo as $AZUREML_JOB_NAME\n")
	where := []string{"--target", "kube", "--namespace", "drives", "--kubeconfig", own}
	if got := must(t, dir, append([]string{"job", "create", "-f", "job.yml", "-n", "by_ada", "--stream", "--service-account", "drivecast-job"}, where...)...); got != "as by_ada\n" {
		t.Errorf("the job printed %q", got)
	}
	if got := must(t, dir, append([]string{"job", "list"}, where...)...); !strings.Contains(got, "by_ada") {
		t.Errorf("the list has no such job:\n%s", got)
	}
	kubectl(t, "", 1, "--kubeconfig", own, "-n", "drives", "get", "secrets")
	code, _, message := drivecast(t, dir, "job", "list", "--target", "kube", "--namespace", "default", "--kubeconfig", own)
	if code != 1 || !strings.Contains(message, "forbidden") {
		t.Errorf("another namespace: exit %d, %q", code, message)
	}
	// What a dry run prints, the cluster takes.
	for _, shape := range [][]string{nil, {"--shards", "4"}, {"--queue", "team"}} {
		args := append([]string{"job", "create", "-f", "job.yml", "-n", "dry", "--target", "kube", "--dry-run", "-o", "yaml"}, shape...)
		kubectl(t, must(t, dir, args...), 0, "-n", "default", "apply", "--server-side", "--dry-run=server", "-f", "-")
	}
}

func kubectl(t *testing.T, stdin string, want int, args ...string) {
	t.Helper()
	c := exec.Command(os.Getenv("DRIVECAST_TEST_KUBECTL"), args...)
	var out bytes.Buffer
	c.Env = append(os.Environ(), "KUBECONFIG="+shared.kubeconfig)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &out
	_ = c.Run() // judged by its exit code
	if c.ProcessState == nil || c.ProcessState.ExitCode() != want {
		t.Fatalf("kubectl %s: %v, want exit code %d\n%s", strings.Join(args, " "), c.ProcessState, want, out.String())
	}
}
