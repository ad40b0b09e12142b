package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// azureDoctor is the command doctor azure.
func (a *app) azureDoctor() *cobra.Command {
	w, form, what := workspace{}, "", ""
	doctor := &cobra.Command{
		Use: "doctor", Short: "Examine what jobs need, or why a deployment does not serve", Args: noArgs,
		Long: `doctor azure examines what jobs need. doctor --live ENDPOINT/DEPLOYMENT reads the state and
the logs of a deployment to an online endpoint, and names why it does not serve, with the
mend; --live ENDPOINT looks at all of its deployments.`,
		RunE: func(c *cobra.Command, args []string) error {
			if what == "" {
				return group(c, args)
			}
			if err := required(c, "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			return a.live(c.Context(), w, what, form)
		},
	}
	w.addTo(doctor)
	doctor.Flags().StringVar(&what, "live", "", "ENDPOINT/DEPLOYMENT, or ENDPOINT, to examine")
	doctor.Flags().StringVarP(&form, "output", "o", "text", "how to print: text, or json, one deployment a line")
	c := &cobra.Command{
		Use: "azure", Short: "Examine login, subscription, group, workspace, quota and rights", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			client, err := a.client(w)
			if err != nil {
				return err
			}
			bad := 0
			for _, f := range client.Examine(c.Context()) {
				if !f.OK {
					bad++
				}
				if form == "json" {
					if err := json.NewEncoder(a.stdout).Encode(f); err != nil {
						return errs.Wrap(err, "print")
					}
					continue
				}
				mark, mend := "ok  ", ""
				if !f.OK {
					mark, mend = "BAD ", "; "+f.Mend
				}
				fmt.Fprintf(a.stdout, "%s %s: %s%s\n", mark, f.Check, f.Detail, mend)
			}
			if bad > 0 {
				return errs.New(errs.State, "doctor azure: %d of the checks failed", bad)
			}
			return nil
		},
	}
	w.addTo(c)
	c.Flags().StringVarP(&form, "output", "o", "table", "how to print: table or json, one finding a line")
	doctor.AddCommand(c)
	return doctor
}
