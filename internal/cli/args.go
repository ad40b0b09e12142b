// Package cli holds what all commands of all programs share: how arguments are
// checked, how a failure is told, and how a server listens and stops.
package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// NoArgs refuses arguments of a command that takes only flags.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errs.New(errs.Usage, "%s takes no argument, got %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

// ExactArgs wants the named arguments, no fewer and no more.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > len(names) && len(names) == 1:
			return errs.New(errs.Usage, "%s takes one argument, %s, got %d; see %s --help", c.CommandPath(), names[0], len(args), c.CommandPath())
		case len(args) > len(names):
			return errs.New(errs.Usage, "%s takes %d arguments, %s, got %d; see %s --help", c.CommandPath(), len(names), strings.Join(names, " "), len(args), c.CommandPath())
		case len(args) < len(names):
			return errs.New(errs.Usage, "%s wants %s; see %s --help", c.CommandPath(), strings.Join(names, " "), c.CommandPath())
		}
		return nil
	}
}

// Required makes missing flags a fault of the command line that names them.
func Required(c *cobra.Command, names ...string) error {
	for _, n := range names {
		if f := c.Flags().Lookup(n); f.Value.String() == "" || f.Value.String() == "[]" {
			return errs.New(errs.Usage, "%s needs --%s; see %s --help", c.CommandPath(), n, c.CommandPath())
		}
	}
	return nil
}
