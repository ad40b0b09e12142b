package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
)

// app is what every command works with. Tests make their own.
type app struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

func newApp() *app { return &app{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv} }

// run executes one command line and returns its exit code, as drivecast does:
// 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.
func (a *app) run(ctx context.Context, args []string) int {
	err := a.execute(ctx, args)
	if err == nil {
		return 0
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", " ")
	fmt.Fprintln(a.stderr, "drivecast: "+text)
	switch {
	case errs.Is(err, errs.Usage):
		return 2
	case errs.Is(err, errs.Canceled) && ctx.Err() != nil:
		return 130
	}
	return 1
}

func (a *app) execute(ctx context.Context, args []string) error {
	t, err := targetOf(args)
	if err != nil {
		return err
	}
	root := a.rootCommand(t)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// rootCommand has the commands of one target; without a target, it only tells
// which there are.
func (a *app) rootCommand(t *target) *cobra.Command {
	root := &cobra.Command{
		Use:   "drivecast",
		Short: "Jobs, computes and schedules on Azure ML and Kubernetes",
		Long: "drivecast-cloud takes the commands of drivecast with --target " + strings.Join(targetNames(), " or ") + `.

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       cli.ReadBuild(version).Version,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && t == nil:
				return errs.New(errs.Usage, "drivecast-cloud needs --target; write %s", strings.Join(targetNames(), " or "))
			case len(args) > 0:
				return errs.New(errs.Usage, "--target %s has no command %q", t.name, args[0])
			}
			return c.Help()
		},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return errs.New(errs.Usage, "%w; see %s --help", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().String("target", "", "where to run: "+strings.Join(targetNames(), " or "))
	if t != nil {
		root.AddCommand(t.commands(a)...)
	}
	return root
}

// group is the action of a command that only has commands below it.
func group(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errs.New(errs.Usage, "%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return c.Help()
}

// noArgs refuses arguments of a command that takes only flags.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errs.New(errs.Usage, "%s takes no argument, got %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

// required makes missing flags a fault of the command line that names them.
func required(c *cobra.Command, names ...string) error {
	for _, n := range names {
		if c.Flags().Lookup(n).Value.String() == "" {
			return errs.New(errs.Usage, "%s needs --%s; see %s --help", c.CommandPath(), n, c.CommandPath())
		}
	}
	return nil
}
