// Command drivecast-score serves a model over HTTP, and does nothing else: the
// scorer of drivecast for images and small devices.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the image has no time zones but these

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/serving"
)

// version is set by the linker for a release.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	os.Exit(cli.Exit(ctx, "drivecast-score", os.Stderr, err))
}

func command() *cobra.Command {
	build := cli.ReadBuild(version)
	c := serving.Env{Stderr: os.Stderr, Getenv: os.Getenv, Version: build.Version}.Command("drivecast-score")
	c.Version = build.Version
	c.SetVersionTemplate(fmt.Sprintf("drivecast-score %s (%s, %s)\n", build.Version, build.Go, build.System))
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return errs.New(errs.Usage, "%w; see %s --help", err, c.CommandPath())
	})
	return c
}
