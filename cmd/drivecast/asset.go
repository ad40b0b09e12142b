package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

// assetCommand is the group for one sort of document that jobs refer to by
// azureml:NAME:VERSION.
func (a *app) assetCommand(use, short string, kinds ...job.Kind) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, RunE: group}
	c.AddCommand(a.assetCreate(use, kinds), a.assetList(use, kinds), a.assetDelete(use, kinds))
	return c
}

func (a *app) assetCreate(what string, kinds []job.Kind) *cobra.Command {
	f, out, file, sets := jobFolder{a: a}, output(""), "", []string{}
	c := &cobra.Command{
		Use: "create -f FILE", Short: "Register " + withArticle(what), Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "file"); err != nil {
				return err
			}
			d, err := openWith(file, sets)
			if err != nil {
				return err
			}
			if !hasKind(kinds, d.Kind) {
				return errs.New(errs.Invalid, "%s: this is a %s, not a %s", file, d.Kind, what)
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			made, err := local.Register(c.Context(), f.store, d, a.now())
			if err != nil {
				return err
			}
			return a.printAssets([]job.Asset{made}, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&file, "file", "f", "", "YAML file")
	c.Flags().StringArrayVar(&sets, "set", nil, "replace a field, path=value; may be repeated")
	return c
}

func hasKind(kinds []job.Kind, k job.Kind) bool {
	for _, x := range kinds {
		if x == k {
			return true
		}
	}
	return false
}

func (a *app) printAssets(list []job.Asset, out output) error {
	if out == "json" {
		shown := []any{}
		for _, x := range list {
			var spec any
			if err := json.Unmarshal(x.Spec, &spec); err != nil {
				return errs.Wrap(err, "read %s", x.Name)
			}
			shown = append(shown, map[string]any{"kind": x.Kind, "name": x.Name, "version": x.Version, "created": x.Created, "spec": spec})
		}
		return a.printJSON(shown)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tKIND\tCREATED")
	for _, x := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Name, x.Version, x.Kind, stamp(x.Created))
	}
	return w.Flush()
}

func (a *app) assetList(what string, kinds []job.Kind) *cobra.Command {
	f, out, name := jobFolder{a: a}, output(""), ""
	c := &cobra.Command{
		Use: "list", Short: "List what is registered", Aliases: []string{"show"}, Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			var found []job.Asset
			for _, k := range kinds {
				list, err := f.store.Assets(c.Context(), k)
				if err != nil {
					return err
				}
				for _, x := range list {
					if name == "" || name == x.Name {
						found = append(found, x)
					}
				}
			}
			if name != "" && len(found) == 0 {
				return errs.New(errs.NotFound, "no %s is named %s", what, name)
			}
			return a.printAssets(found, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&name, "name", "n", "", "only this name")
	return c
}

func (a *app) assetDelete(what string, kinds []job.Kind) *cobra.Command {
	n := named{jobFolder: jobFolder{a: a}}
	c := &cobra.Command{
		Use: "delete -n NAME", Short: "Forget every version of a name", Aliases: []string{"archive"},
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			for _, k := range kinds {
				if err := n.store.Drop(c.Context(), k, n.name); !errs.Is(err, errs.NotFound) {
					return err
				}
			}
			return errs.New(errs.NotFound, "no %s is named %s", what, n.name)
		},
	}
	n.addTo(c)
	return c
}

// withArticle puts the fitting article before the name of a kind.
func withArticle(what string) string {
	switch {
	case what == "data":
		return what
	case strings.ContainsRune("aeiou", rune(what[0])):
		return "an " + what
	}
	return "a " + what
}

// count says how many there are of what: "1 flaw", "2 flaws".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
