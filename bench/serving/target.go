package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// target is a scoring server that can be started.
type target struct {
	name string
	kind kind
	args func(host, port string) []string
	path string // put before PATH
	made string // folder to remove at the end
	talk talk
}

// talk is how a server is asked for its predictions.
type talk struct {
	path      string
	one, many string // bodies of one row and of batchRows rows, in JSON
	want      string // is in every answer
	csv       bool   // the server takes CSV too
}

// invocations is MLflow's protocol.
func invocations() talk { return talk{"/invocations", oneRow, rowsJSON(), "predictions", true} }

type kind int

const (
	ours kind = iota
	limit
	peer
)

func own(name string, args ...string) target {
	return target{name: name, talk: invocations(), args: func(host, port string) []string {
		return append(args, "--host", host, "--port", port)
	}}
}

func emptyHandler() target {
	return target{name: "empty handler", kind: limit, talk: invocations(), args: func(host, port string) []string {
		self, err := os.Executable()
		if err != nil {
			self = os.Args[0]
		}
		return []string{self, "-empty", net.JoinHostPort(host, port)}
	}}
}

func mlflowServe(ctx context.Context, python, table string) (target, error) {
	dir, err := os.MkdirTemp("", "serving")
	if err != nil {
		return target{}, err
	}
	t := target{kind: peer, path: filepath.Dir(python), made: dir, talk: invocations()}
	if out, err := exec.CommandContext(ctx, python, "bench/serving/forest.py", table, filepath.Join(dir, "model")).CombinedOutput(); err != nil {
		return t, fmt.Errorf("forest.py: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, python, "-c", "import mlflow; print(mlflow.__version__)").Output()
	t.name = "mlflow " + strings.TrimSpace(string(out))
	t.args = func(host, port string) []string {
		return []string{python, "-m", "mlflow", "models", "serve", "-m", filepath.Join(dir, "model"), "--env-manager", "local", "--host", host, "--port", port}
	}
	return t, err
}

// running is a started server.
type running struct {
	addr  string
	cmd   *exec.Cmd
	ready time.Duration // to the first answer
}

// start starts the server and waits until it has scored a row.
func (t target) start(ctx context.Context) (*running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	args := t.args(host, port)
	r := &running{addr: net.JoinHostPort(host, port), cmd: exec.Command(args[0], args[1:]...)}
	r.cmd.Env = append(os.Environ(), "PATH="+t.path+string(os.PathListSeparator)+os.Getenv("PATH"), "MLFLOW_DISABLE_TELEMETRY=true")
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil && time.Since(begin) < time.Minute {
		resp, err := http.Post("http://"+r.addr+t.talk.path, "application/json", strings.NewReader(t.talk.one))
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK && strings.Contains(string(body), t.talk.want) {
				r.ready = time.Since(begin)
				return r, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	r.stop()
	return nil, fmt.Errorf("no answer within a minute")
}

func (r *running) stop() {
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	r.cmd.Wait()
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
}
