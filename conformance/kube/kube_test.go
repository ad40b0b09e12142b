//go:build services && unix

// Package kube runs jobs on a real Kubernetes control plane, by the command line, with
// nodes whose containers are processes.
package kube

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/drivecast/drivecast/internal/job/kube/kubelettest"
)

// world is what the tests share: programs, a tracking server and the cluster.
type world struct {
	bin, tracking, kubeconfig string
	rest                      *rest.Config
}

var shared world

func TestMain(m *testing.M) {
	code, err := withWorld(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withWorld(run func() int) (code int, err error) {
	shared.kubeconfig = os.Getenv("DRIVECAST_TEST_KUBECONFIG")
	if shared.kubeconfig == "" {
		return 1, fmt.Errorf("DRIVECAST_TEST_KUBECONFIG is not set; run conformance/services.sh")
	}
	if shared.rest, err = clientcmd.BuildConfigFromFlags("", shared.kubeconfig); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "drivecast-kube-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	shared.bin = filepath.Join(dir, "bin")
	for _, name := range []string{"drivecast", "drivecast-cloud"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(shared.bin, name), "github.com/drivecast/drivecast/cmd/"+name).CombinedOutput()
		if err != nil {
			return 1, fmt.Errorf("build %s: %v\n%s", name, err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	server := exec.Command(filepath.Join(shared.bin, "drivecast"), "server", "--port", fmt.Sprint(port))
	server.Dir = dir
	if err := server.Start(); err != nil {
		return 1, err
	}
	defer server.Process.Kill()
	shared.tracking = fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 300 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return run(), nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return 1, fmt.Errorf("the tracking server did not start")
}

// nodes starts that many nodes for one test.
func nodes(t *testing.T, count int) []*kubelettest.Node {
	t.Helper()
	var out []*kubelettest.Node
	for i := range count {
		n, err := kubelettest.Start(context.Background(), shared.rest, kubelettest.Config{
			Name: fmt.Sprintf("%s-%d", strings.ToLower(t.Name()), i), Dir: filepath.Join(t.TempDir(), fmt.Sprint(i)), CPU: "8", Memory: "16Gi",
			Env: []string{"PATH=" + shared.bin + ":" + os.Getenv("PATH")}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Stop)
		out = append(out, n)
	}
	return out
}

// drivecast runs the program in dir and returns its exit code and what it printed.
func drivecast(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, filepath.Join(shared.bin, "drivecast"), args...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &errs
	c.Env = append(os.Environ(), "KUBECONFIG="+shared.kubeconfig, "MLFLOW_TRACKING_URI="+shared.tracking)
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// must is drivecast for what has to succeed.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	code, out, message := drivecast(t, dir, args...)
	if code != 0 {
		t.Fatalf("drivecast %s: exit %d\n%s%s", strings.Join(args, " "), code, out, message)
	}
	return out
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
