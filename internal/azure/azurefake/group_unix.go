//go:build unix

package azurefake

import (
	"os/exec"
	"syscall"
)

// inGroup gives the process a group of its own, and ends all of it when the
// context ends.
func inGroup(p *exec.Cmd) {
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) }
}
