//go:build !unix

package pod

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

// signalGroup ends the command; pods run on Unix.
func signalGroup(cmd *exec.Cmd, force bool) {
	if force {
		_ = cmd.Process.Kill() // gone already is what is wanted
	}
}

func exitCode(s *os.ProcessState) int { return s.ExitCode() }
