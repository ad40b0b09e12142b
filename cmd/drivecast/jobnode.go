package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

// exitCode is a failure that has been told, and the program's exit code for it.
type exitCode int

// Error names the code; nobody reads it.
func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// jobNode is what a job's pods run, see package pod. Its exit code is that of the
// job's command.
func (a *app) jobNode() *cobra.Command {
	c := &cobra.Command{
		Use: "node fetch|run", Short: "Do the work of a Kubernetes pod", Hidden: true,
		ValidArgs: []string{"fetch", "run"},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "fetch" && args[0] != "run" {
				return errs.New(errs.Usage, "%s wants fetch or run", c.CommandPath())
			}
			n, err := pod.FromEnvironment(os.Environ(), a.stdout, a.now)
			if err != nil {
				return err
			}
			code := 0
			if args[0] == "run" {
				code, err = n.Run(c.Context())
			} else if err = n.Fetch(c.Context()); err != nil {
				code = pod.ExitCode(err)
			}
			if err != nil {
				fmt.Fprintln(a.stderr, "drivecast:", err)
			}
			if code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
	return c
}
