package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/ci"
)

func (a *app) ciLintCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "lint [PATH...]", Short: "Find what is wrong or unsafe in GitHub workflows and actions",
		Long: `Find what is wrong or unsafe in GitHub workflows and composite actions.

PATH is a file or a folder, by default this one: of a folder its .github/workflows and
action.yml, or when it has neither, those of its own YAML files that are one. Syntax is checked by actionlint;
beyond that, actions and images that are not pinned, tokens that may do too much,
expressions in scripts, credentials that stay behind, and strangers' commits beside
secrets are found.

Exit codes: 0 nothing found, 1 something is, 2 the command line is wrong.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return a.ciLint(args, asJSON)
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "print what is found as JSON")
	return c
}

func (a *app) ciLint(paths []string, asJSON bool) error {
	files, err := ci.Workflows(paths)
	if err != nil {
		return err
	}
	flaws := []ci.Flaw{}
	for _, f := range files {
		found, err := ci.LintFile(f)
		if err != nil {
			return err
		}
		flaws = append(flaws, found...)
	}
	if asJSON {
		if err := a.printJSON(flaws); err != nil {
			return err
		}
	} else {
		for _, f := range flaws {
			fmt.Fprintf(a.stdout, "%s:%d:%d: %s: %s\n", f.File, f.Line, f.Column, f.Rule, f.Says)
			if f.Mend != "" {
				fmt.Fprintf(a.stdout, "    mend: %s\n", f.Mend)
			}
		}
	}
	if len(flaws) > 0 {
		return errs.New(errs.Invalid, "%s in %s", count(len(flaws), "flaw"), count(len(files), "file"))
	}
	if !asJSON {
		fmt.Fprintf(a.stdout, "%s: nothing found\n", count(len(files), "file"))
	}
	return nil
}
