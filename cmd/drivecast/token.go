package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/cli"
)

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Make, list and revoke tokens for programs", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		Long: `Make, list and revoke tokens for programs. MLflow's clients send one when MLFLOW_TRACKING_TOKEN holds it.

A scope is a level (read, use, edit, manage), the word admin, and what the token is about:
  --scope read                              look at everything that its owner may
  --scope edit,experiment:7                 write to one experiment
  --scope manage,registered_model:disks     promote versions of one model`,
	}
	backend := backendFlag(c)
	var user, name, scope string
	var days int
	create := &cobra.Command{Use: "create", Short: "Make a token and print it, once", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if err := cli.Required(c, "user", "name"); err != nil {
			return err
		}
		parsed, err := auth.ParseScope(scope)
		if err != nil {
			return err
		}
		return a.withUsers(c.Context(), *backend, "token create", fmt.Sprintf("username=%s name=%s scope=%s", user, name, parsed), func(s *auth.Service) error {
			text, _, err := s.NewToken(c.Context(), user, name, parsed, time.Duration(days)*24*time.Hour)
			if err == nil {
				_, err = fmt.Fprintln(a.stdout, text)
			}
			return err
		})
	}}
	create.Flags().StringVar(&user, "user", "", "whose token it is (required)")
	create.Flags().StringVar(&name, "name", "", "what it is for (required)")
	create.Flags().StringVar(&scope, "scope", "edit", "the most that it allows")
	create.Flags().IntVar(&days, "days", 90, "how long it is valid")
	revoke := &cobra.Command{Use: "revoke ID", Short: "Revoke a token", Args: cli.ExactArgs("ID"), RunE: func(c *cobra.Command, args []string) error {
		return a.withUsers(c.Context(), *backend, "token revoke", "token_id="+args[0], func(s *auth.Service) error {
			return s.Store().DeleteToken(c.Context(), args[0])
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List tokens; the secrets are not kept", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return a.withUsers(c.Context(), *backend, "", "", func(s *auth.Service) error { return a.listTokens(c.Context(), s) })
	}}
	c.AddCommand(create, revoke, list)
	return c
}

func (a *app) listTokens(ctx context.Context, s *auth.Service) error {
	list, err := s.Store().Tokens(ctx, "")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUSER\tNAME\tSCOPE\tEXPIRES\tLAST USED")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.User, t.Name, t.Scope, utc(t.Expires), utc(t.Used))
	}
	return w.Flush()
}

// auditQuery are the flags of `drivecast server audit`. That it is about the log
// of the server, not of data, is what its parent says.
type auditQuery struct {
	backend, since, until string
	q                     auth.EventQuery
	form                  output
}

func (a *app) auditLogCommand() *cobra.Command {
	var o auditQuery
	c := &cobra.Command{Use: "audit", Short: "Show who changed what, when, from where, and what was refused", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		for text, to := range map[*string]*int64{&o.since: &o.q.Since, &o.until: &o.q.Until} {
			if err := parseTime(*text, to); err != nil {
				return err
			}
		}
		if err := mustExist(o.backend); err != nil {
			return err
		}
		return a.withUsers(c.Context(), o.backend, "", "", func(s *auth.Service) error { return a.printEvents(c.Context(), s, &o) })
	}}
	f := c.Flags()
	f.StringVar(&o.backend, "backend-store-uri", defaultBackend(), "where the server keeps its records")
	f.StringVar(&o.q.User, "user", "", "only what this user did")
	f.StringVar(&o.q.Action, "action", "", "only what has this in its method and path")
	f.StringVar(&o.q.Target, "target", "", "only what has this in its target, for example name=disks")
	f.StringVar(&o.since, "since", "", "only from this time on: 2026-03-01 or 2026-03-01T12:00:00Z")
	f.StringVar(&o.until, "until", "", "only before this time")
	f.BoolVar(&o.q.Refused, "refused", false, "only what was refused")
	f.IntVar(&o.q.Limit, "limit", 100, "how many, the newest first")
	o.form.addTo(c)
	return c
}

func parseTime(text string, to *int64) error {
	if text == "" {
		return nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly, "2006-01-02 15:04:05"} {
		if t, err := time.Parse(form, text); err == nil {
			*to = t.UnixMilli()
			return nil
		}
	}
	return errs.New(errs.Usage, "%q is no time; write 2026-03-01 or 2026-03-01T12:00:00Z", text)
}

func (a *app) printEvents(ctx context.Context, s *auth.Service, o *auditQuery) error {
	list, err := s.Store().Events(ctx, o.q)
	if err != nil {
		return err
	}
	if o.form == "json" {
		if list == nil {
			list = []auth.Event{}
		}
		return a.printJSON(list)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME (UTC)\tUSER\tVIA\tFROM\tSTATUS\tACTION\tTARGET")
	for _, e := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", utc(e.Time), e.User, e.Via, e.From, e.Status, e.Action, e.Target)
	}
	return w.Flush()
}
