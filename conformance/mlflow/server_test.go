//go:build conformance

package mlflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is one drivecast server under test.
type server struct {
	url string
	dir string // its database and artifacts; nothing outside may change
	cmd *exec.Cmd
	log *bytes.Buffer
}

func binary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("DRIVECAST_BIN")
	if bin == "" {
		t.Fatal("DRIVECAST_BIN names no drivecast to test; run `make conformance`, or build one and set it")
	}
	return bin
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a server on dir until the test ends.
func start(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	port := freePort(t)
	args := append([]string{
		"server", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "store.db"),
		"--artifacts-destination", filepath.Join(dir, "artifacts"), "--host", "127.0.0.1", "--port", fmt.Sprint(port),
	}, flags...)
	s := &server{url: fmt.Sprintf("http://127.0.0.1:%d", port), dir: dir, log: &bytes.Buffer{}}
	s.cmd = exec.Command(binary(t), args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(s.url + "/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(deadline) {
			s.kill()
			t.Fatalf("the server did not answer /health within 20 s; it said:\n%s", s.log)
		}
	}
}

// stop ends the server as Ctrl-C does.
func (s *server) stop(t *testing.T) {
	if s.cmd.ProcessState != nil {
		return
	}
	s.cmd.Process.Signal(os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		s.kill()
		t.Errorf("the server did not end within 15 s of an interrupt; it said:\n%s", s.log)
	}
	if t.Failed() {
		t.Logf("the server said:\n%s", tail(s.log.String(), 4000))
	}
}

// kill ends the server at once, as kill -9 does.
func (s *server) kill() {
	s.cmd.Process.Signal(syscall.SIGKILL)
	s.cmd.Wait()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// answer is what the server said to one request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, tail(string(a.body), 400)) }

// code returns the error_code of a refusal, or "".
func (a answer) code() string {
	var e struct {
		Code string `json:"error_code"`
	}
	json.Unmarshal(a.body, &e)
	return e.Code
}

// get walks the answer's JSON: get("run", "info", "run_id").
func (a answer) get(t *testing.T, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok || m[p] == nil {
			t.Fatalf("there is no %s in %s", strings.Join(path, "."), a)
		}
		v = m[p]
	}
	return fmt.Sprint(v)
}

// post sends JSON and wants it accepted.
func (s *server) post(t *testing.T, path, body string) answer {
	t.Helper()
	a := s.do(t, http.MethodPost, path, body)
	if a.status != http.StatusOK {
		t.Fatalf("POST %s %s was answered %s", path, tail(body, 300), a)
	}
	return a
}

// do sends one request, with JSON's Content-Type when there is a body.
func (s *server) do(t *testing.T, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

const api = "/api/2.0/mlflow/"

// run makes an experiment and a run in it.
func (s *server) run(t *testing.T, name string) (experiment, run, artifactURI string) {
	t.Helper()
	experiment = s.post(t, api+"experiments/create", fmt.Sprintf(`{"name":%q}`, name)).get(t, "experiment_id")
	a := s.post(t, api+"runs/create", fmt.Sprintf(`{"experiment_id":%q,"start_time":1}`, experiment))
	return experiment, a.get(t, "run", "info", "run_id"), a.get(t, "run", "info", "artifact_uri")
}
