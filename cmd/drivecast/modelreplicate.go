package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/replicate"
)

// replication are the flags of models replicate.
type replication struct {
	from, to           string
	fromToken, toToken string // files
	follow             bool
	every              time.Duration
	o                  replicate.Options
	out                output
}

func (a *app) modelsReplicate(tracking *string) *cobra.Command {
	var r replication
	c := &cobra.Command{Use: "replicate --to URL [MODEL...]", Short: "Keep the register of another server as this one's",
		Long: `Bring models, versions under their numbers, files, tags, descriptions, stages and aliases from
one MLflow server to another: all models, or those that are named. What is there, by
SHA-256, is not sent again, so that a replication that was broken off goes on where it stopped.

A number with other content at the target is never overwritten: it is reported, and the
exit code is 1. An alias that was moved at the target stays. Deletions are followed with --prune.`,
		Example: `  drivecast models replicate --from http://eu:5000 --to http://us:5000
  drivecast models replicate --from http://eu:5000 --to http://us:5000 hdd --follow`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "to"); err != nil {
				return err
			}
			if r.every <= 0 {
				return errs.New(errs.Usage, "--every is %s; a time above 0 is wanted", r.every)
			}
			r.o.Models = args
			r.from = cmp.Or(r.from, a.env().TrackingURI(*tracking))
			return a.replicate(c.Context(), &r)
		}}
	f := c.Flags()
	f.StringVar(&r.from, "from", "", "server to bring models from (default: --tracking-uri)")
	f.StringVar(&r.to, "to", "", "server to bring models to (required)")
	f.StringVar(&r.fromToken, "from-token-file", "", "file with the token for --from (default: $MLFLOW_TRACKING_TOKEN)")
	f.StringVar(&r.toToken, "to-token-file", "", "file with the token for --to (default: $MLFLOW_TRACKING_TOKEN)")
	f.BoolVar(&r.follow, "follow", false, "go on until interrupted")
	f.DurationVar(&r.every, "every", 10*time.Second, "how long --follow waits between passes")
	f.BoolVar(&r.o.Prune, "prune", false, "delete at the target what replication brought and the source has no longer")
	f.BoolVar(&r.o.Verify, "verify", false, "read the files of known versions again on both sides, and mend the target's")
	f.BoolVar(&r.o.TakeAliases, "take-aliases", false, "move aliases that were moved at the target, too")
	r.out.addTo(c)
	return c
}

func (a *app) replicate(ctx context.Context, r *replication) error {
	from, err := a.side(r.from, r.fromToken)
	if err != nil {
		return err
	}
	to, err := a.side(r.to, r.toToken, client.Acting(cmp.Or(a.getenv("USER"), a.getenv("LOGNAME")), "replicated from "+r.from))
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if r.follow {
		level = slog.LevelInfo
	}
	r.o.Logger = a.logger(level)
	work, err := replicate.New(from, to, r.o)
	if err != nil {
		return err
	}
	if !r.follow {
		report, err := work.Once(ctx)
		if err != nil {
			return errs.Wrap(err, "broken off after %d versions; run it again to go on", report.Versions)
		}
		if err := a.printReplicated(r.out, &report); err != nil {
			return err
		}
		return report.Err()
	}
	last := ""
	return work.Follow(ctx, r.every, func(report replicate.Report) {
		text, err := json.Marshal(report)
		if err != nil || report.Quiet() && string(text) == last {
			return
		}
		last = string(text)
		if r.out == "json" {
			fmt.Fprintf(a.stdout, "%s\n", text)
		} else {
			_ = a.printReplicated(r.out, &report)
		}
	})
}

// side returns a client of one of the two servers; tokenFile may name a token of its own.
func (a *app) side(uri, tokenFile string, opts ...client.Option) (*client.Client, error) {
	getenv := a.getenv
	if tokenFile != "" {
		text, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, errs.Wrap(err, "read the token for %s", uri)
		}
		token := strings.TrimSpace(string(text))
		if token == "" || strings.ContainsAny(token, "\r\n") {
			return nil, &errs.Input{File: tokenFile, Problem: "this is not one token", Mend: "write the token, and nothing else, on one line"}
		}
		getenv = func(name string) string {
			if name == "MLFLOW_TRACKING_TOKEN" {
				return token
			}
			return a.getenv(name)
		}
	}
	return client.New(uri, getenv, opts...)
}

func (a *app) printReplicated(out output, r *replicate.Report) error {
	if out == "json" {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.stdout, "%d models and %d versions made, %d versions known, %d adopted, %d mended; %d files with %d bytes sent, %d were there; %d aliases moved, %d changes, %d deleted\n",
		r.Models, r.Versions, r.Known, r.Adopted, r.Mended, r.Files, r.Bytes, r.FilesHere, r.Aliases, r.Changed, r.Deleted)
	for _, n := range r.Kept {
		fmt.Fprintf(a.stdout, "kept: alias %s of %s: %s\n", n.Alias, n.Model, n.Why)
	}
	for _, n := range r.Conflicts {
		fmt.Fprintf(a.stdout, "conflict: version %s of %s: %s\n", orDash(n.Version), n.Model, n.Why)
	}
	return nil
}
