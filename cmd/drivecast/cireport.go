package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/ci"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/serving"
)

// reportOptions are the flags of `drivecast ci report`.
type reportOptions struct {
	comment bool
	pull    int
	key     string

	experiment, metric, tracking string
}

func (a *app) ciReportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{Use: "report GATE.json", Short: "Write what a gate decided where a pull request shows it",
		Long: `Write what a gate decided where a pull request shows it.

GATE.json is what "ci gate --out" wrote. The report is appended to the file that
$GITHUB_STEP_SUMMARY names, or printed when that is not set. --comment also puts it
into one comment of the pull request, which later runs update in place; it takes
$GITHUB_TOKEN, $GITHUB_REPOSITORY, $GITHUB_API_URL, and the number from $GITHUB_REF or
the event of $GITHUB_EVENT_PATH.

Exit codes: 0 reported, whatever was decided, 1 failed, 2 the command line is wrong.`,
		Args: cli.ExactArgs("GATE.json"),
		RunE: func(c *cobra.Command, args []string) error { return a.ciReport(c.Context(), args[0], &o) }}
	c.Flags().BoolVar(&o.comment, "comment", false, "also comment on the pull request; without one, say so and go on")
	c.Flags().IntVar(&o.pull, "pr", 0, "number of the pull request (default: from the environment of the workflow)")
	c.Flags().StringVar(&o.key, "key", "gate", "which of several reports on one pull request this is")
	c.Flags().StringVar(&o.experiment, "experiment", "", "also show the best runs of this experiment of the tracking server")
	c.Flags().StringVar(&o.metric, "metric", "roc_auc", "metric that ranks the runs")
	c.Flags().StringVar(&o.tracking, "tracking-uri", "", "server of --experiment (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	return c
}

// mostRuns bounds what a report reads of an experiment.
const mostRuns = 50_000

// ciRuns reads the finished runs of an experiment.
func (a *app) ciRuns(ctx context.Context, o *reportOptions) (*ci.Runs, error) {
	server, err := client.New(a.env().TrackingURI(o.tracking), a.getenv)
	if err != nil {
		return nil, err
	}
	e, err := server.FindExperiment(ctx, o.experiment)
	if err != nil {
		return nil, err
	}
	out := &ci.Runs{Experiment: o.experiment, Metric: o.metric}
	s := client.Search{ExperimentIDs: []string{e.ID}, Filter: "attributes.status = 'FINISHED'", Max: 1000}
	for {
		page, next, err := server.SearchRuns(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			value, _ := r.Metric(o.metric)
			out.All = append(out.All, ci.Run{ID: r.Info.ID, Name: r.Info.Name, Value: value, Start: time.UnixMilli(int64(r.Info.Start))})
		}
		if next == "" {
			return out, nil
		}
		if len(out.All) >= mostRuns {
			return nil, errs.New(errs.TooLarge, "the experiment %s has more than %d finished runs", o.experiment, mostRuns)
		}
		s.PageToken = next
	}
}

func (a *app) ciReport(ctx context.Context, path string, o *reportOptions) error {
	d, err := ci.ReadDecision(path)
	if err != nil {
		return err
	}
	if o.experiment != "" {
		if d.Runs, err = a.ciRuns(ctx, o); err != nil {
			return err
		}
	}
	if err := a.ciSummary(d); err != nil || !o.comment {
		return err
	}
	pull, ok, err := ci.PullOf(a.getenv, o.pull)
	if err != nil {
		return err
	}
	if !ok {
		fmt.Fprintln(a.stderr, "no comment: this run is about no pull request")
		return nil
	}
	at, err := pull.Comment(ctx, o.key, d.Markdown(ci.CommentLimit-len(ci.Marker(o.key))))
	if err == nil {
		fmt.Fprintln(a.stderr, "comment:", at)
	}
	return err
}

// ciSummary appends to what the step has written already, within what is left.
func (a *app) ciSummary(d *ci.Decision) error {
	path := a.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		_, err := fmt.Fprint(a.stdout, d.Markdown(ci.SummaryLimit))
		return err
	}
	left := int64(ci.SummaryLimit)
	info, err := os.Stat(path)
	switch {
	case err == nil:
		left -= info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return errs.Wrap(err, "GITHUB_STEP_SUMMARY")
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return errs.Wrap(err, "GITHUB_STEP_SUMMARY")
	}
	_, err = f.WriteString(d.Markdown(int(max(left, 0))))
	return errs.Wrap(joined(err, f.Close()), "GITHUB_STEP_SUMMARY")
}
