//go:build unix

package local

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// wrapper waits at the gate, runs the command by a shell of its own, so that
// nothing the command does to its shell hides the exit code, and leaves the
// code in a file. A polite signal to the group is left to the command.
const wrapper = `trap : TERM INT HUP
read -r go || exit 125
exec </dev/null
/bin/sh -c "$1"
code=$?
echo $code >"$2"
exit $code`

func shell(l launch) (*exec.Cmd, error) {
	script := wrapper
	if l.limits.Memory > 0 {
		script = "ulimit -v " + strconv.FormatInt(max(1, l.limits.Memory/1024), 10) + "\n" + script
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", l.line, l.exit)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

// tree is what is needed to end a process with its children: its group, here.
type tree struct{}

func holdTree(*os.Process) tree { return tree{} }

func (tree) release() {}

// groupAlive reports whether any process is left in the group of a leader.
func groupAlive(pid int) bool { return pid > 0 && syscall.Kill(-pid, 0) == nil }

// signalTree signals the group, and the strays that left it but carry the mark.
func signalTree(pid int, _ tree, mark string, force bool) {
	sig := syscall.SIGTERM
	if force {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(-pid, sig) // gone already is what is wanted
	if mark == "" {
		return
	}
	for _, stray := range marked(markVariable + "=" + mark) {
		_ = syscall.Kill(stray, sig)
	}
}

// detached makes a command outlive this process and its terminal.
func detached(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
