package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// targetOf returns the value of --target in the command line of a command that
// may run elsewhere, or "". Elsewhere the flag means a column.
func targetOf(args []string) string {
	if len(args) == 0 || !slices.Contains([]string{"job", "compute", "schedule"}, args[0]) {
		return ""
	}
	for i, arg := range args {
		switch value, ok := strings.CutPrefix(arg, "--target="); {
		case arg == "--":
			return ""
		case ok:
			return value
		case arg == "--target" && i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}

// elsewhere hands a command line whose target is not this machine to
// drivecast-cloud, unchanged, and returns its exit code. It reports whether it
// did.
func (a *app) elsewhere(ctx context.Context, args []string) (done bool, code int, err error) {
	switch t := targetOf(args); t {
	case "", "local":
		return false, 0, nil
	case "kube", "azureml":
	default:
		return true, 0, errs.New(errs.Usage, "--target %s: write local, kube or azureml", t)
	}
	program, err := cloudProgram()
	if err != nil {
		return true, 0, err
	}
	cloud := exec.CommandContext(ctx, program, args...)
	cloud.Stdin, cloud.Stdout, cloud.Stderr = a.stdin, a.stdout, a.stderr
	err = cloud.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return true, exit.ExitCode(), nil // it has said why
	}
	return true, 0, errs.Wrap(err, "run %s", program)
}

// cloudProgram finds drivecast-cloud beside this program, or on the PATH.
func cloudProgram() (string, error) {
	name := "drivecast-cloud"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errs.New(errs.Unsupported, "the cloud targets are in drivecast-cloud, which is neither beside this program nor on the PATH; put it there (go build ./cmd/drivecast-cloud)")
	}
	return path, nil
}
