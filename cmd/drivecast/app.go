package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
	"github.com/drivecast/drivecast/internal/progress"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/table"
)

// app is what every command works with: where it reads and writes, and what
// time it is. Tests make their own.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	live           bool // stderr is a terminal
	width          int  // its columns
}

func newApp() *app {
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}
	if fd := int(os.Stderr.Fd()); term.IsTerminal(fd) {
		a.live = true
		a.width, _, _ = term.GetSize(fd)
	}
	return a
}

// run executes one command line and returns its exit code. Every failure is one
// line on stderr.
func (a *app) run(ctx context.Context, args []string) int {
	done, code, err := a.elsewhere(ctx, args)
	if !done {
		root := a.rootCommand()
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	} else if err == nil {
		return code
	}
	var told exitCode
	if errors.As(err, &told) {
		return int(told)
	}
	code = cli.Exit(ctx, "drivecast", a.stderr, err)
	if errs.Is(err, errs.Unavailable) && a.getenv(pod.EnvSpec) != "" {
		return pod.ExitTryAgain // another pod may find the server, or the other processes of a fit
	}
	return code
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "drivecast",
		Short: "Predict hard-drive failures, and run the whole loop around the prediction",
		Long: `drivecast turns drive telemetry into one answer: which drives to replace first, and why.

Start with "drivecast up": it makes a fleet, trains two models, registers them and
serves the better one. Each of those steps is a command of its own.

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       readBuild().Version,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errs.New(errs.Usage, "there is no command %q; see drivecast --help", args[0])
			}
			return c.Help()
		},
	}
	root.SetVersionTemplate(versionLine("drivecast", readBuild()))
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return errs.New(errs.Usage, "%w; see %s --help", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.upCommand(), a.serverCommand(), a.importCommand(), a.exportCommand(), a.simulateCommand(), a.readCommand(), a.auditCommand(), a.doctorCommand(),
		a.trainCommand(), a.tuneCommand(), a.predictCommand(), a.explainCommand(), a.imageCommand(),
		a.env().Command("serve"), a.routesCommand(), a.modelsCommand(), a.ciCommand(), a.deployCommand(), a.versionCommand())
	root.AddCommand(a.workCommands()...)
	return root
}

// progress returns a reporter on stderr: bars on a terminal, lines elsewhere.
func (a *app) progress() *progress.Reporter {
	return progress.New(a.stderr, a.live, a.width, a.now)
}

// logger writes structured lines to stderr from level on.
func (a *app) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// env is where the commands run that other programs have too.
func (a *app) env() serving.Env {
	return serving.Env{Stderr: a.stderr, Getenv: a.getenv, Version: readBuild().Version, Parquet: table.WithParquet()}
}

// output is the -o flag: how a command's result is printed.
type output string

func (o *output) addTo(c *cobra.Command) {
	*o = "table"
	c.Flags().VarP(o, "output", "o", "how to print the result: table or json")
}

// String returns the chosen form.
func (o *output) String() string { return string(*o) }

// Type names the flag's value in help texts.
func (o *output) Type() string { return "form" }

// Set accepts table and json.
func (o *output) Set(s string) error {
	if s != "table" && s != "json" {
		return fmt.Errorf("%q is neither table nor json", s)
	}
	*o = output(s)
	return nil
}

// printJSON writes v as indented JSON to stdout.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
