// Command template is `helm template` for machines without Helm's client: the same
// library and the flags that are used here.
//
//	template template RELEASE CHART [--namespace NAME] [--values FILE] [--set PATH=VALUE]...
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	helm "github.com/drivecast/drivecast/conformance/helm"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "template:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	var names, sets []string
	space, values := "default", map[string]any{}
	for ; len(args) > 0; args = args[1:] {
		if args[0] == "" || args[0][0] != '-' {
			names = append(names, args[0])
			continue
		}
		if len(args) < 2 {
			return fmt.Errorf("%s needs a value", args[0])
		}
		switch flag, value := args[0], args[1]; flag {
		case "--namespace", "-n":
			space = value
		case "--set":
			sets = append(sets, value)
		case "--values", "-f":
			if err := read(value, in, &values); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is not known here", flag)
		}
		args = args[1:]
	}
	if len(names) != 3 || names[0] != "template" {
		return errors.New("write template RELEASE CHART")
	}
	for _, s := range sets {
		if err := strvals.ParseInto(s, values); err != nil {
			return err
		}
	}
	given, err := yaml.Marshal(values)
	if err != nil {
		return err
	}
	text, err := helm.Render(names[2], names[1], space, given)
	if err == nil {
		_, err = io.WriteString(out, text)
	}
	return err
}

func read(file string, in io.Reader, into any) error {
	text, err := []byte(nil), error(nil)
	if file == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}
