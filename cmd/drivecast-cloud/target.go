package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// target is a place where jobs run: its name in --target, and its commands.
type target struct {
	name     string
	commands func(*app) []*cobra.Command
}

// targets lists the places. The commands of each are in files that begin with
// its name.
func targets() []target {
	return []target{
		{"azureml", (*app).azuremlCommands},
		{"kube", (*app).kubeCommands},
	}
}

func targetNames() []string {
	var out []string
	for _, t := range targets() {
		out = append(out, t.name)
	}
	return out
}

// about is the target of the commands that are about one only, and so need no
// --target.
func about(args []string) (name string, ok bool) {
	switch line := strings.Join(args, " ") + " "; {
	case strings.HasPrefix(line, "azure-fake "), strings.HasPrefix(line, "doctor azure "), strings.HasPrefix(line, "job export "), strings.HasPrefix(line, "deploy azureml "),
		strings.HasPrefix(line, "doctor ") && live(args):
		return "azureml", true
	case strings.HasPrefix(line, "kube "), strings.HasPrefix(line, "deploy kube "):
		return "kube", true
	}
	return "", false
}

// live reports whether a doctor is to look at what is deployed.
func live(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--live" || strings.HasPrefix(a, "--live=") })
}

// targetOf finds the target that a command line names; nil when it names none.
// A target that is not there is of kind Unsupported.
func targetOf(args []string) (*target, error) {
	name, named := about(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if v, ok := strings.CutPrefix(arg, "--target="); ok {
			name, named = v, true
		} else if arg == "--target" && i+1 < len(args) {
			name, named = args[i+1], true
		}
	}
	if !named {
		return nil, nil
	}
	for _, t := range targets() {
		if t.name == name {
			return &t, nil
		}
	}
	return nil, errs.New(errs.Unsupported, "--target %s: this drivecast-cloud has %s", name, strings.Join(targetNames(), " and "))
}
