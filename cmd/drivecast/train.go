package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/progress"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
)

// trainOptions are the flags of `drivecast train`.
type trainOptions struct {
	spec       train.Spec
	params     []string
	iteration  int
	horizon    string
	until      string
	budget     string
	costs      string
	compare    string
	out        string
	tracking   string
	experiment string
	register   string
	spread     spread
	gate       auditGate
	drives     dataFlags
	output     output
}

func (a *app) trainCommand() *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train --data PATH [--target COL --learner NAME] --out DIR",
		Short: "Train a model and judge it on rows that were held out",
		Long: `Train a model and judge it on rows that were held out.

--data is a CSV file (plain, gzip or zip) with a target column, or a folder of
Backblaze daily statistics; for these, leave --target out: the target is failure
within --horizon, and the split is by time. Leave --learner out as well, and the
default recipe compares logistic regression, random forest, extra trees, boosting
and their means on days after those they learned from, calibrates the best, learns
from all days, and says why. See docs/prediction.md.

--learner takes scikit-learn's class names, and GBDT and HistForest for boosting
and forests on binned columns; LGBMClassifier, XGBClassifier and
HistGradientBoostingClassifier (and their regressors) are GBDT with the defaults
of these libraries. --param takes a learner's parameters as Python literals: None,
True, 1 is a whole number, 1.0 a float. Boosting knows them by the names of
scikit-learn, LightGBM and XGBoost. The model is written to
--out as an MLflow model folder; with --tracking-uri the run is logged there, and
with --register its model becomes a version of that name.`,
		Example: `  drivecast train --data drives.csv --target failure --learner RandomForestClassifier \
    --param n_estimators=100 --param max_depth=10 --seed 42 --out model
  drivecast train --data backblaze/2013_daily --horizon 7d --out model
  drivecast train --data backblaze/2013_daily --horizon 7d --learner RandomForestClassifier --out model`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.train(c.Context(), c, &o) },
	}
	f := c.Flags()
	f.StringVar(&o.spec.Data, "data", "", "CSV file, or folder of daily statistics (required)")
	f.StringVar(&o.spec.Target, "target", "", "target column")
	f.StringSliceVar(&o.spec.Features, "features", nil, "columns to learn from (default: all numeric columns but ids, dates and constants)")
	f.StringVar(&o.spec.Learner, "learner", "", "one of "+strings.Join(train.Learners(), ", "))
	f.StringArrayVar(&o.params, "param", nil, "a parameter of the learner as name=value; may be given many times")
	f.IntVar(&o.iteration, "iteration", 0, "a preset instead of --learner: 1 is logistic regression, 2 a random forest")
	f.Uint32Var(&o.spec.Seed, "seed", 42, "random state of split and learner")
	f.Float64Var(&o.spec.TestSize, "test-size", 0.2, "share of rows (of days) held out; 0 fits on all")
	f.StringVar(&o.spec.Split, "split", "", "daily statistics: what keeps held-out rows apart: "+strings.Join(train.Splits, ", ")+" (default: time)")
	f.StringVar(&o.until, "until", "", "daily statistics: last day that is learned from, like 2025-01-31; the days after it only give labels (default: all)")
	f.StringVar(&o.budget, "alarm-budget", "", "daily statistics: false alarms that are affordable, like \"1 per 24 drives per year\"; sets the threshold of high risk")
	f.StringVar(&o.costs, "costs", "", "daily statistics: what a missed failure and an alarm cost, like miss=500,alarm=40, or a file of such lines; sets the threshold instead")
	f.StringVar(&o.compare, "compare-with", "", "daily statistics: a model to compare with on the same days")
	f.StringVar(&o.horizon, "horizon", "7d", "daily statistics: how far ahead a failure is predicted")
	f.StringVar(&o.spec.Compat, "compat", "sklearn-1.9", "grow the trees of scikit-learn 1.9 and later, or sklearn-1.8 for 1.0 to 1.8")
	f.IntVar(&o.spec.Workers, "workers", 0, "goroutines (default: one a processor)")
	f.StringVar(&o.spec.Importance, "importance", train.ImportanceModel, "how much columns matter: model (gain and splits of trees), permutation (on the held-out rows, for any model), none")
	f.StringVar(&o.spec.ImportanceMetric, "importance-metric", "", "metric of permutation importance (default: roc_auc, log_loss of more classes, r2_score of numbers)")
	f.StringVar(&o.out, "out", "", "folder to write the model to")
	f.StringVar(&o.tracking, "tracking-uri", a.getenv("MLFLOW_TRACKING_URI"), "tracking server to log to (default: $MLFLOW_TRACKING_URI)")
	f.StringVar(&o.experiment, "experiment", a.getenv("MLFLOW_EXPERIMENT_NAME"), "experiment to log to (default: $MLFLOW_EXPERIMENT_NAME)")
	f.StringVar(&o.register, "register", "", "name under which the model is registered")
	o.spread.addTo(c, a.getenv)
	o.gate.addTo(c)
	o.drives.addTo(c)
	o.output.addTo(c)
	return c
}

// presets are the two learners of the main job.
var presets = map[int]struct {
	learner string
	params  []string
}{
	1: {"LogisticRegression", []string{"max_iter=1000"}},
	2: {"RandomForestClassifier", []string{"n_estimators=100", "max_depth=10", "min_samples_split=5"}},
}

// complete checks the flags that depend on one another and fills in spec.
func (o *trainOptions) complete() error {
	if err := o.gate.check(); err != nil {
		return err
	}
	if o.iteration != 0 {
		p, ok := presets[o.iteration]
		if !ok || o.spec.Learner != "" {
			return errs.New(errs.Usage, "--iteration is 1 or 2, and goes without --learner")
		}
		o.spec.Learner, o.params = p.learner, append(p.params, o.params...)
	}
	recipe := o.spec.Learner == ""
	if st, err := os.Stat(o.spec.Data); err == nil && st.IsDir() && o.spec.Target != "" {
		return errs.New(errs.Usage, "%s is a folder: a table is one file; daily statistics say themselves which drives failed, so leave --target out for them", o.spec.Data)
	}
	if _, err := os.Stat(o.spec.Data); err == nil && recipe && o.spec.Target == "" && o.drives.mapping == "" && !smart.IsBackblaze(o.spec.Data) {
		return errs.New(errs.Usage, "%s holds no daily drive statistics: name the column to predict with --target, and a --learner", o.spec.Data)
	}
	if recipe && o.spec.Target != "" {
		return errs.New(errs.Usage, "train needs --learner for a table: one of %s", strings.Join(train.Learners(), ", "))
	}
	if recipe && len(o.params) > 0 {
		return errs.New(errs.Usage, "--param belongs to a --learner; the default recipe has none")
	}
	if err := o.completeAlarms(recipe); err != nil {
		return err
	}
	var err error
	if o.spec.Params, err = train.ParseParams(o.params); err != nil {
		return err
	}
	if o.spec.Workers < 0 {
		return errs.New(errs.Usage, "--workers %d: a number of goroutines, or 0 for one a processor", o.spec.Workers)
	}
	if o.spec.Horizon, err = parseDays(o.horizon); err != nil {
		return err
	}
	switch {
	case o.register != "" && o.tracking == "":
		return errs.New(errs.Usage, "--register needs --tracking-uri")
	case o.out == "" && o.tracking == "" && o.spread.rank == 0:
		return errs.New(errs.Usage, "train needs --out or --tracking-uri: else the model would be lost")
	}
	return nil
}

// parseDays reads "7d" or "7".
func parseDays(s string) (int, error) {
	var n int
	rest := strings.TrimSuffix(s, "d")
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil || fmt.Sprint(n) != rest || n < 1 || n > 365 {
		return 0, errs.New(errs.Usage, "--horizon %q is no number of days from 1 to 365; write it like 7d", s)
	}
	return n, nil
}

func (a *app) train(ctx context.Context, c *cobra.Command, o *trainOptions) error {
	if err := cli.Required(c, "data"); err != nil {
		return err
	}
	if o.spec.Target != "" && c.Flags().Changed("horizon") {
		return errs.New(errs.Usage, "--horizon is of daily statistics; with --target a row is predicted from itself")
	}
	if err := o.complete(); err != nil {
		return err
	}
	var server *client.Client
	if o.tracking != "" {
		var err error
		if server, err = client.New(o.tracking, a.getenv); err != nil {
			return err
		}
	}
	if o.compare != "" {
		previous, err := a.env().Open(ctx, o.compare, o.tracking)
		if err != nil {
			return err
		}
		o.spec.Compare = previous
	}
	leave, err := o.spread.join(ctx, &o.spec)
	if err != nil {
		return err
	}
	var found *audited
	if o.spread.rank == 0 {
		if found, err = o.gate.run(ctx, a, o); err != nil {
			return leave(err)
		}
	}
	bars := &steps{reporter: a.progress()}
	o.spec.Progress = bars.set
	kept, err := o.drives.apply(&o.spec.Drives)
	if err != nil {
		return leave(err)
	}
	r, err := train.Run(ctx, o.spec)
	bars.done()
	if err = leave(joined(err, kept())); err != nil {
		return err
	}
	if o.spread.rank > 0 { // every process has the same model; the first one keeps it
		return a.printTrained(trainReport{Result: r}, o.output)
	}
	dir := o.out
	if dir == "" {
		if dir, err = os.MkdirTemp("", "drivecast-model-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := model.Save(dir, r.Model, model.SaveOptions{Example: r.Example, Extra: r.Extra}); err != nil {
		return errs.Wrap(err, "write the model")
	}
	report := trainReport{Result: r, Out: o.out}
	if server != nil {
		log := runLogger{server: server, now: a.now, getenv: a.getenv, logger: a.logger(slog.LevelWarn), audit: found}
		if report.Run, report.Version, err = log.record(ctx, r, dir, o.experiment, o.register); err != nil {
			return err
		}
	}
	return a.printTrained(report, o.output)
}

// steps shows the steps of a piece of work as bars, one after another.
type steps struct {
	reporter *progress.Reporter
	name     string
	bar      *progress.Bar
}

func (s *steps) set(step, unit string, done, total int64) {
	if step != s.name {
		s.done()
		s.name, s.bar = step, s.reporter.Start(step, unit, total)
	}
	s.bar.Set(done, total)
}

func (s *steps) done() { s.bar.Done() }

// trainReport is what `drivecast train` prints.
type trainReport struct {
	*train.Result
	Out     string
	Run     string
	Version string
}

func (a *app) printTrained(r trainReport, form output) error {
	metrics := map[string]float64{}
	for _, m := range r.Metrics {
		metrics[m.Name] = m.Value
	}
	if form == "json" {
		return a.printJSON(map[string]any{
			"learner": r.Learner, "params": r.Settings, "metrics": metrics, "split": r.Split, "data": r.Data,
			"left_out": r.LeftOut, "evidence": r.Evidence, "out": r.Out, "run_id": r.Run, "version": r.Version,
			"importances": r.Importances,
		})
	}
	if r.Evidence != nil {
		return a.printForecast(r)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "learner\t%s\n", r.Learner)
	fmt.Fprintf(w, "data\t%s: %d rows, %d features, sha256 %.12s\n", r.Data.Path, r.Data.Rows, len(r.Data.Features), r.Data.Hash)
	if len(r.LeftOut) > 0 {
		parts := make([]string, len(r.LeftOut))
		for i, l := range r.LeftOut {
			parts[i] = fmt.Sprintf("%s (%s)", l.Column, l.Reason)
		}
		fmt.Fprintf(w, "left out\t%s\n", strings.Join(parts, ", "))
	}
	fmt.Fprintf(w, "split\t%s: %d rows to train, %d held out %s\n", r.Split.Kind, r.Split.Train, r.Split.Test, r.Split.Detail)
	for _, m := range r.Metrics {
		fmt.Fprintf(w, "%s\t%.4f\n", m.Name, m.Value)
	}
	if r.Importances != nil {
		names, values := r.Importances.Top(5)
		for i, v := range values {
			names[i] += fmt.Sprintf(" %.3g", v)
		}
		fmt.Fprintf(w, "importance\t%s\n", strings.Join(names, ", "))
	}
	for _, line := range [][2]string{{"model", r.Out}, {"run", r.Run}, {"version", r.Version}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	return w.Flush()
}
