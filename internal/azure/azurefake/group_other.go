//go:build !unix

package azurefake

import "os/exec"

// inGroup does nothing here: the context ends the process itself.
func inGroup(*exec.Cmd) {}
