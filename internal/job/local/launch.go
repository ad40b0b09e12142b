package local

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// launch is one process to be.
type launch struct {
	line   string   // command line for the system's shell
	dir    string   // working directory
	env    []string // whole environment
	log    string   // file that its output is appended to
	exit   string   // file that its exit code is left in
	mark   string   // value of markVariable, by which strays are known
	limits NodeLimits
}

// markVariable is set for every process of an attempt and inherited by its
// children.
const markVariable = "DRIVECAST_ATTEMPT"

// started is a process behind its gate, or one past it.
type started struct {
	job.Process
	gate io.WriteCloser
	cmd  *exec.Cmd
	done chan struct{} // closed once the process is gone
	tree tree
}

// start makes the process; its command waits until open is called.
func start(l launch) (*started, error) {
	if err := os.MkdirAll(filepath.Dir(l.log), 0o755); err != nil {
		return nil, errs.Wrap(err, "make the log's folder")
	}
	out, err := os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, errs.Wrap(err, "open the log")
	}
	defer out.Close()
	cmd, err := shell(l)
	if err != nil {
		return nil, err
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.dir, append(l.env, markVariable+"="+l.mark), out, out
	gate, err := cmd.StdinPipe()
	if err != nil {
		return nil, errs.Wrap(err, "make the gate")
	}
	if err := cmd.Start(); err != nil {
		return nil, errs.Wrap(err, "start the process in %s", l.dir)
	}
	s := &started{gate: gate, cmd: cmd, done: make(chan struct{})}
	s.PID = cmd.Process.Pid
	s.Started, _ = startTime(s.PID) // "" if it is gone already: then its exit code is in the file
	s.tree = holdTree(cmd.Process)
	go func() {
		_ = cmd.Wait() // the exit code is read from the file: a signal leaves none
		close(s.done)
	}()
	return s, nil
}

// open lets the command start.
func (s *started) open() error {
	_, err := io.WriteString(s.gate, "go\n")
	return errs.Wrap(errors.Join(err, s.gate.Close()), "start the command")
}

// adopt watches a process that an earlier runner started.
func adopt(p job.Process, exit string) *started {
	s := &started{Process: p, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for alive(p) {
			if _, ok := exitCode(exit); ok {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return s
}

// alive reports whether the very process still runs.
func alive(p job.Process) bool {
	at, ok := startTime(p.PID)
	return ok && p.PID > 0 && (p.Started == "" || at == p.Started)
}

// exitCode reads the code that a finished command left. A file without its last
// newline is being written.
func exitCode(path string) (int, bool) {
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(b), "\n") {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, err == nil
}

// kill ends the process with everything it started: politely, then after grace
// by force. It returns when they are gone.
func (s *started) kill(mark string, grace time.Duration) {
	if s.PID <= 0 || s.cmd == nil && !alive(s.Process) && !groupAlive(s.PID) {
		return
	}
	signalTree(s.PID, s.tree, mark, false)
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s.gone() && !groupAlive(s.PID) {
			break
		}
	}
	signalTree(s.PID, s.tree, mark, true)
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !s.gone(); time.Sleep(5 * time.Millisecond) {
	}
}

// sweepUp ends what a finished command left running in the background.
func (s *started) sweepUp() {
	if groupAlive(s.PID) {
		signalTree(s.PID, s.tree, "", true)
	}
	s.tree.release()
}

func (s *started) gone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
