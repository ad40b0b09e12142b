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

// travelling are the commands that may run elsewhere. In the others, --target
// means a column.
func travelling() []string {
	return []string{"job", "compute", "schedule", "component", "data", "environment", "model"}
}

// targetOf returns where a command line is to run: the value of --target of a
// command that may run elsewhere, or what a command without that flag is about;
// "" for this machine.
func targetOf(args []string) string {
	switch {
	case len(args) == 0:
		return ""
	case args[0] == "azure-fake", len(args) > 1 && (args[0] == "doctor" && args[1] == "azure" || args[0] == "job" && args[1] == "export" || args[0] == "deploy" && args[1] == "azureml"),
		args[0] == "doctor" && slices.ContainsFunc(args, func(a string) bool { return a == "--live" || strings.HasPrefix(a, "--live=") }):
		return "azureml"
	case args[0] == "deploy" && len(args) > 1 && args[1] == "kube":
		return "kube"
	case !slices.Contains(travelling(), args[0]):
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
