package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/cli"
)

// version is set by the linker for a release.
var version = ""

func readBuild() cli.Build { return cli.ReadBuild(version) }

func versionLine(program string, b cli.Build) string {
	return fmt.Sprintf("%s %s (%s, %s)\n", program, b.Version, b.Go, b.System)
}

func (a *app) versionCommand() *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if out == "json" {
				return a.printJSON(b)
			}
			_, err := fmt.Fprint(a.stdout, versionLine("drivecast", b))
			return err
		},
	}
	out.addTo(c)
	return c
}
