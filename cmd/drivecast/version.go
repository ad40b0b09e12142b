package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/cli"
)

// version is set by the linker for a release.
var version = ""

func readBuild() cli.Build { return cli.ReadBuild(version) }

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
			fmt.Fprintf(a.stdout, "drivecast %s (%s, %s)\n", b.Version, b.Go, b.System)
			return nil
		},
	}
	out.addTo(c)
	return c
}
