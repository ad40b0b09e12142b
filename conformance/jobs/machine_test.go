//go:build conformance && linux

// Package jobs kills the programs that run jobs, and looks what is left.
package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/sqlstore"
)

// machine is a data folder with a tracking server and a runner, as services that
// are started again when they end.
type machine struct {
	t              *testing.T
	bin, dir, data string // program, scratch folder, data folder
	url, ends      string // tracking server; file to which every command that ends adds its job
	store          *sqlstore.Jobs

	mu             sync.Mutex
	server, runner *exec.Cmd
	over           bool

	acknowledged  []string
	createsKilled int
	lost          map[string]bool
}

func start(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, bin: os.Getenv("DRIVECAST_BIN"), dir: t.TempDir(), lost: map[string]bool{}}
	if m.bin == "" {
		t.Fatal("DRIVECAST_BIN names no drivecast to test; run `make conformance`, or build one and set it")
	}
	m.data, m.ends = filepath.Join(m.dir, "data"), filepath.Join(m.dir, "ends")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	m.url = "http://" + address.String()
	if err := os.MkdirAll(m.data, 0o755); err != nil {
		t.Fatal(err)
	}
	backend := "sqlite:///" + filepath.Join(m.data, "drivecast.db")
	t.Cleanup(m.stop)
	m.keep(&m.server, "server", "--backend-store-uri", backend, "--artifacts-destination", filepath.Join(m.data, "artifacts"), "--port", fmt.Sprint(address.Port))
	m.await(20*time.Second, "the server", m.healthy)
	if m.store, err = sqlstore.OpenJobs(t.Context(), filepath.Join(m.data, "drivecast.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.store.Close() })
	m.keep(&m.runner, "compute", "run", "--name", "cpu", "--dir", m.data, "--max-instances", "4", "--tracking-uri", m.url)
	return m
}

// keep starts a program and starts it again whenever it ends.
func (m *machine) keep(at **exec.Cmd, args ...string) {
	begin := func() *exec.Cmd {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.over {
			return nil
		}
		c := m.command(args...)
		log, err := os.OpenFile(filepath.Join(m.dir, args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			defer log.Close()
			c.Stdout, c.Stderr = log, log
			err = c.Start()
		}
		if err != nil {
			m.t.Error(err)
			return nil
		}
		*at = c
		return c
	}
	c := begin()
	go func() {
		for ; c != nil; c = begin() {
			_ = c.Wait() // killed, or another runner has the work
			time.Sleep(20 * time.Millisecond)
		}
	}()
}

// stop ends what is left, the runner that `job create` may have started, too.
func (m *machine) stop() {
	m.mu.Lock()
	m.over = true
	for _, c := range []*exec.Cmd{m.server, m.runner} {
		if c != nil {
			_ = c.Process.Kill() // it may have ended
		}
	}
	m.mu.Unlock()
	m.killRunner()
	if m.t.Failed() {
		for _, name := range []string{"compute.log", "server.log", "data/work/compute/cpu.log"} {
			text, _ := os.ReadFile(filepath.Join(m.dir, name)) // there is none when nothing was said
			m.t.Logf("%s:\n%s", name, text[max(0, len(text)-6000):])
		}
	}
}

func (m *machine) killServer() {
	m.mu.Lock()
	c := m.server
	m.mu.Unlock()
	_ = c.Process.Kill() // it may just be starting again
}

// killRunner kills the runner that has the cluster's lock, whoever started it.
func (m *machine) killRunner() bool {
	text, err := os.ReadFile(filepath.Join(m.work(), "compute", "cpu.lock"))
	var lock struct{ PID int }
	if err != nil || json.Unmarshal(text, &lock) != nil || !m.runs(lock.PID, "compute\x00run") {
		return false
	}
	return syscall.Kill(lock.PID, syscall.SIGKILL) == nil
}

// runs reports whether the command line of a process has the text in it.
func (m *machine) runs(pid int, text string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), text)
}

func (m *machine) work() string { return filepath.Join(m.data, "work") }

func (m *machine) command(args ...string) *exec.Cmd {
	c := exec.Command(m.bin, args...)
	c.Dir, c.Stderr = m.dir, &bytes.Buffer{}
	return c
}

func (m *machine) must(args ...string) {
	m.t.Helper()
	c := m.command(args...)
	if err := c.Run(); err != nil {
		m.t.Fatalf("drivecast %s: %v\n%s", strings.Join(args, " "), err, c.Stderr)
	}
}

func (m *machine) write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Error(err)
	}
}

func (m *machine) healthy() bool {
	resp, err := http.Get(m.url + "/health")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (m *machine) await(within time.Duration, what string, so func() bool) {
	m.t.Helper()
	for end := time.Now().Add(within); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("waited %s for %s", within, what)
		}
	}
}
