package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/ci"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/serving"
)

// acting opens a client that says who changes the registry and why.
type acting func(why string) (*client.Client, error)

func (a *app) modelMoves(tracking *string) []*cobra.Command {
	open := func(why string) (*client.Client, error) {
		who := cmp.Or(a.getenv("MLFLOW_TRACKING_USERNAME"), a.getenv("USER"), a.getenv("LOGNAME"), a.getenv("USERNAME"))
		return client.New(a.env().TrackingURI(*tracking), a.getenv, client.Acting(who, why))
	}
	return []*cobra.Command{a.modelsHistory(open), a.modelsPromote(open), a.modelsRollback(open)}
}

func (a *app) modelsHistory(open acting) *cobra.Command {
	var out output
	var alias, at string
	c := &cobra.Command{Use: "history NAME", Short: "Show who moved which version, alias or stage, when and why",
		Example: "  drivecast models history hdd\n  drivecast models history hdd --alias champion --at 2026-03-03",
		Args:    cli.ExactArgs("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			server, err := open("")
			if err != nil {
				return err
			}
			if at != "" {
				return a.aliasAt(c.Context(), server, args[0], alias, at, out)
			}
			t, err := server.History(c.Context(), args[0], alias)
			if err != nil {
				return err
			}
			if !t.Intact {
				fmt.Fprintln(a.stderr, "warning: the record was changed by hand: its digests do not follow from each other")
			}
			if out == "json" {
				return a.printJSON(t)
			}
			return a.printMoves(t.Moves)
		}}
	c.Flags().StringVar(&alias, "alias", "", "only this alias")
	c.Flags().StringVar(&at, "at", "", "which version --alias named at the end of this day (2026-03-03, UTC) or at this moment (2026-03-03T14:00:00Z)")
	out.addTo(c)
	return c
}

func (a *app) printMoves(moves []client.Move) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tWHAT\tVERSION\tFROM\tTO\tWHO\tWHY")
	for _, m := range moves {
		what, version, who := m.What, "", m.Who
		if m.Key != "" {
			what += " " + m.Key
		}
		if m.Version != 0 {
			version = strconv.FormatInt(m.Version, 10)
		}
		if who != "" && !m.Verified {
			who += " (unverified)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", shortTime(m.Time), what, version, orDash(m.From), orDash(m.To), orDash(who), m.Why)
	}
	return w.Flush()
}

func orDash(s string) string { return cmp.Or(s, "-") }

func shortTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateTime) }

// moment reads a day, of which it takes the end, or a moment.
func moment(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Millisecond), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errs.New(errs.Usage, "--at %q is neither a day like 2026-03-03 nor a moment like 2026-03-03T14:00:00Z", text)
	}
	return at, nil
}

func (a *app) aliasAt(ctx context.Context, server *client.Client, name, alias, at string, out output) error {
	when, err := moment(at)
	if err != nil {
		return err
	}
	if alias == "" {
		return errs.New(errs.Usage, "--at asks which version an alias named; say which with --alias")
	}
	found, err := server.AliasAt(ctx, name, alias, when.UnixMilli())
	if err != nil {
		return err
	}
	if out == "json" {
		return a.printJSON(found)
	}
	since := "since before the record begins"
	if m := found.Since; m != nil {
		since = fmt.Sprintf("since %s by %s: %s", shortTime(m.Time), orDash(m.Who), orDash(m.Why))
	}
	_, err = fmt.Fprintf(a.stdout, "version %s of %s was %s at %s, %s\n", found.Version, name, alias, when.UTC().Format(time.RFC3339), since)
	return err
}

func (a *app) modelsPromote(open acting) *cobra.Command {
	var alias, why, gate string
	var force bool
	c := &cobra.Command{Use: "promote NAME VERSION --why TEXT", Short: "Give a version an alias, and record why",
		Long: `Give a version an alias, champion unless another is named, and record why. A version
that was judged on the same rows as the one that has the alias must not be worse by
roc_auc; --force overrides that, and the record says so. The outcome is kept as the tag
drivecast.gate.ALIAS of the version. With --gate the decision of "ci gate" must be a pass
of the very model that the version holds.`,
		Args: cli.ExactArgs("NAME", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "why"); err != nil {
				return err
			}
			if n, err := strconv.ParseUint(args[1], 10, 31); err != nil || n == 0 {
				return errs.New(errs.Usage, "VERSION %q is no number; \"drivecast models show %s\" lists the versions", args[1], args[0])
			}
			server, err := open(why)
			if err != nil {
				return err
			}
			if gate != "" {
				if err := admitted(c.Context(), server, args[0], args[1], gate); err != nil {
					return err
				}
			}
			return a.promote(c.Context(), server, args[0], args[1], alias, force)
		}}
	c.Flags().StringVar(&alias, "alias", "champion", "the alias")
	c.Flags().StringVar(&why, "why", "", "the reason, for the record (required)")
	c.Flags().StringVar(&gate, "gate", "", "decision of \"drivecast ci gate\" about this version's model")
	c.Flags().BoolVar(&force, "force", false, "promote even a version that is worse")
	return c
}

// admitted fails unless a gate let in the model that a version holds.
func admitted(ctx context.Context, server *client.Client, name, version, gate string) error {
	d, err := ci.ReadDecision(gate)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "drivecast-model-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := serving.Fetch(ctx, server, "models:/"+name+"/"+version, dir); err != nil {
		return err
	}
	return errs.Wrap(d.Admits(dir), "version %s of %s", version, name)
}

func (a *app) promote(ctx context.Context, server *client.Client, name, version, alias string, force bool) error {
	next, err := server.Resolve(ctx, "models:/"+name+"/"+version)
	if err != nil {
		return err
	}
	gate, passed := "not compared: nothing was "+alias, true
	current, err := server.ByAlias(ctx, name, alias)
	switch {
	case err == nil && current.Version == next.Version:
		_, err := fmt.Fprintf(a.stdout, "version %s of %s is %s already\n", version, name, alias)
		return err
	case err == nil:
		gate, passed = gateOf(next, current)
	case !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.NotFound):
		return err
	}
	if !passed && !force {
		return errs.New(errs.State, "version %s of %s does not become %s: %s; --force overrides that", version, name, alias, gate)
	}
	if !passed {
		gate = "forced: " + gate
	}
	if err := server.SetVersionTag(ctx, name, next.Version, client.Tag{Key: "drivecast.gate." + alias, Value: gate}); err != nil {
		return err
	}
	if err := server.SetAlias(ctx, name, alias, next.Version); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "version %s of %s is %s (%s)\n", next.Version, name, alias, gate)
	return err
}

// gateOf compares two versions that were judged on the same rows.
func gateOf(next, current *client.Version) (text string, passed bool) {
	split := tagOf(*next, tagSplit)
	if split == "" || tagOf(*current, tagSplit) == "" {
		return "not compared: it is not recorded on which rows version " + next.Version + " or " + current.Version + " was judged", true
	}
	if split != tagOf(*current, tagSplit) {
		return "not compared: it was judged on other rows than version " + current.Version, true
	}
	a, errA := strconv.ParseFloat(tagOf(*next, tagMetric+"roc_auc"), 64)
	b, errB := strconv.ParseFloat(tagOf(*current, tagMetric+"roc_auc"), 64)
	if errA != nil || errB != nil {
		return "not compared: roc_auc of version " + next.Version + " or " + current.Version + " is not known", true
	}
	text = fmt.Sprintf("roc_auc %.4f against %.4f of version %s on the same rows", a, b, current.Version)
	if a < b {
		return "failed: " + text, false
	}
	return "passed: " + text, true
}

func (a *app) modelsRollback(open acting) *cobra.Command {
	var alias, why string
	c := &cobra.Command{Use: "rollback NAME --why TEXT", Short: "Give an alias back to the version that had it before",
		Args: cli.ExactArgs("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "why"); err != nil {
				return err
			}
			server, err := open(why)
			if err != nil {
				return err
			}
			return a.rollback(c.Context(), server, args[0], alias)
		}}
	c.Flags().StringVar(&alias, "alias", "champion", "the alias")
	c.Flags().StringVar(&why, "why", "", "the reason, for the record (required)")
	return c
}

func (a *app) rollback(ctx context.Context, server *client.Client, name, alias string) error {
	t, err := server.History(ctx, name, alias)
	if err != nil {
		return err
	}
	current, err := server.ByAlias(ctx, name, alias)
	if err != nil {
		return err
	}
	back := previous(t.Moves, current.Version)
	if back == "" {
		return errs.New(errs.State, "version %s was the first %s of %s; there is none to go back to", current.Version, alias, name)
	}
	if err := server.SetAlias(ctx, name, alias, back); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "version %s of %s is %s again, instead of version %s\n", back, name, alias, current.Version)
	return err
}

// previous returns the version that had an alias before current got it first, so
// that going back twice goes back twice.
func previous(moves []client.Move, current string) string {
	for _, m := range moves {
		if m.To == current {
			return m.From
		}
	}
	return ""
}
