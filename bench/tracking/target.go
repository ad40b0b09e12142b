package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// target is a server that can be started.
type target struct {
	name string
	args func(dir, port string) []string
	path string // put before PATH
}

// own is the name of our server in the table.
const own = "drivecast"

func drivecast(bin string) target {
	return target{name: own, args: func(dir, port string) []string {
		return []string{bin, "server", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "store.db"),
			"--artifacts-destination", filepath.Join(dir, "artifacts"), "--host", "127.0.0.1", "--port", port}
	}}
}

func mlflowServer(python string) target {
	name := "mlflow"
	if out, err := exec.Command(python, "-c", "import mlflow; print(mlflow.__version__)").Output(); err == nil {
		name += " " + strings.TrimSpace(string(out))
	}
	return target{name: name, path: filepath.Dir(python), args: func(dir, port string) []string {
		return []string{python, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "store.db"),
			"--artifacts-destination", filepath.Join(dir, "artifacts"), "--host", "127.0.0.1", "--port", port}
	}}
}

// running is a started server.
type running struct {
	url   string
	cmd   *exec.Cmd
	ready time.Duration
}

func (t target) start(ctx context.Context, dir string) (*running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	args := t.args(dir, port)
	r := &running{url: "http://127.0.0.1:" + port, cmd: exec.Command(args[0], args[1:]...)}
	r.cmd.Env = append(os.Environ(), "PATH="+t.path+string(os.PathListSeparator)+os.Getenv("PATH"), "MLFLOW_DISABLE_TELEMETRY=true")
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil && time.Since(begin) < 2*time.Minute {
		if resp, err := http.Get(r.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				r.ready = time.Since(begin)
				return r, nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.stop()
	return nil, fmt.Errorf("%s did not answer within two minutes", t.name)
}

func (r *running) stop() {
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	r.cmd.Wait()
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
}
