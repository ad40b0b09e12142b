package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/search"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/internal/tune"
	"github.com/drivecast/drivecast/model"
)

// tuneOptions are the flags of `drivecast tune`: those of train, and how the
// settings are searched.
type tuneOptions struct {
	trainOptions
	space    []string
	study    tune.Settings
	metric   string
	cv       string
	group    string
	prune    string
	resource string
	workers  int
	trials   int // that there will be
	journal  string
}

func (a *app) tuneCommand() *cobra.Command {
	var o tuneOptions
	c := &cobra.Command{
		Use:   "tune --data FILE --target COL --learner NAME --space 'PARAM=KIND(…)' --out DIR",
		Short: "Find good parameters of a learner, and train with the best",
		Long: `Find good parameters of a learner by cross-validation, and train with the best.

--space gives a parameter and the values it may have: choice(A,B,…), int(LOW,HIGH),
logint, uniform, loguniform, quniform(LOW,HIGH,STEP), normal(MEAN,DEVIATION) and
their kin. --param fixes a parameter for all trials, as in train.

The rows that train would hold out are held out here, too: trials are compared on
folds of the other rows, and the best one, fitted on all of these, is judged once
on the held-out rows.

--study names a file to which every finished trial is added. A study that was
interrupted goes on when the same command is run again, and comes out as if it had
not been. The same seed gives the same study with any number of --workers.

With --tracking-uri the study is a run and each trial a run nested in it.`,
		Example: `  drivecast tune --data drives.csv --target failure --learner RandomForestClassifier \
    --space 'max_depth=int(3,12)' --space 'min_samples_split=choice(2,5,10)' \
    --method tpe --trials 40 --cv stratified:5 --metric roc_auc --study study.jsonl --out model
  drivecast tune --data drives.csv --target failure --learner GBDT --param n_estimators=270 \
    --space 'learning_rate=loguniform(0.01,0.3)' --halving sha --resource n_estimators --out model`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.tune(c.Context(), c, &o) },
	}
	a.tuneFlags(c, &o)
	return c
}

func (a *app) tuneFlags(c *cobra.Command, o *tuneOptions) {
	f := c.Flags()
	f.StringVar(&o.spec.Data, "data", "", "CSV file, or folder of daily statistics (required)")
	f.StringVar(&o.spec.Target, "target", "", "target column")
	f.StringSliceVar(&o.spec.Features, "features", nil, "columns to learn from (default: all numeric columns but ids, dates and constants)")
	f.StringVar(&o.spec.Learner, "learner", "", "one of "+strings.Join(train.Learners(), ", "))
	f.StringArrayVar(&o.params, "param", nil, "a parameter that all trials share, as name=value; may be given many times")
	f.StringArrayVar(&o.space, "space", nil, "a parameter that is searched, as name=kind(…); may be given many times (required)")
	f.StringVar(&o.study.Method, "method", "tpe", "how settings are drawn: "+strings.Join(tune.Methods(), ", "))
	f.IntVar(&o.study.Trials, "trials", 0, "settings to try (default 40, or the whole grid)")
	f.StringVar(&o.cv, "cv", "", "splitter: "+tune.Splits+" (default stratified:5, kfold:5 of a regressor, time:3 of daily statistics)")
	f.StringVar(&o.group, "group", "", "column whose values keep rows together (default: the serial number)")
	f.StringVar(&o.metric, "metric", "", "figure to compare by (default roc_auc; accuracy of more than two classes; average_precision of daily statistics; root_mean_squared_error)")
	f.StringVar(&o.prune, "prune", "none", "median: stop a trial whose mean over the folds so far is worse than the median; or none")
	f.StringVar(&o.study.Halving.Kind, "halving", "", "successive halving: sha, rung by rung, or asha, without waiting")
	f.IntVar(&o.study.Halving.Eta, "eta", tune.DefaultEta, "halving: one in so many settings goes on, with so many times the effort")
	f.Float64Var(&o.study.Halving.Least, "min-share", tune.DefaultLeast, "halving: share of the effort that each setting gets first")
	f.StringVar(&o.resource, "resource", "rows", "halving: what there is less of, rows or a parameter given with --param, such as n_estimators")
	f.IntVar(&o.study.Ahead, "ahead", tune.DefaultAhead, "trials that may run while earlier ones that they would learn from are not over")
	f.Uint32Var(&o.spec.Seed, "seed", 42, "random state of split, learner and search")
	f.Float64Var(&o.spec.TestSize, "test-size", 0.2, "share of rows (of days) held out; 0 holds none out")
	f.StringVar(&o.spec.Split, "split", "", "daily statistics: what keeps held-out rows apart: "+strings.Join(train.Splits, ", ")+" (default: time)")
	f.StringVar(&o.horizon, "horizon", "7d", "daily statistics: how far ahead a failure is predicted")
	f.StringVar(&o.spec.Compat, "compat", "sklearn-1.9", "grow the trees of scikit-learn 1.9 and later, or sklearn-1.8 for 1.0 to 1.8")
	f.IntVar(&o.workers, "workers", 0, "trials at the same time (default: one a processor)")
	f.StringVar(&o.journal, "study", "", "file that keeps the finished trials, to go on with")
	f.StringVar(&o.out, "out", "", "folder to write the model to")
	f.StringVar(&o.tracking, "tracking-uri", a.getenv("MLFLOW_TRACKING_URI"), "tracking server to log to (default: $MLFLOW_TRACKING_URI)")
	f.StringVar(&o.experiment, "experiment", a.getenv("MLFLOW_EXPERIMENT_NAME"), "experiment to log to (default: $MLFLOW_EXPERIMENT_NAME)")
	f.StringVar(&o.register, "register", "", "name under which the model is registered")
	o.gate.addTo(c)
	o.output.addTo(c)
}

// complete checks what can be checked before the data is read.
func (o *tuneOptions) complete() error {
	if err := o.trainOptions.complete(); err != nil {
		return err
	}
	var err error
	if o.study.Space, err = search.ParseSpace(o.space); err != nil {
		return err
	}
	switch o.study.Method { // successive halving is a method to many
	case "sha", "asha":
		o.study.Method, o.study.Halving.Kind = "random", o.study.Method
	case "halving":
		o.study.Method, o.study.Halving.Kind = "random", "sha"
	}
	if o.study.Halving.Kind == "" {
		o.study.Halving, o.resource = tune.Halving{}, ""
	}
	if o.prune != "none" {
		o.study.Prune = o.prune
	}
	o.study.Seed, o.study.Goal = uint64(o.spec.Seed), search.Maximize
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	if o.workers < 1 || o.study.Trials < 0 {
		return errs.New(errs.Usage, "--workers %d and --trials %d must be at least 1", o.workers, o.study.Trials)
	}
	if err := tune.CheckSpace(o.spec.Learner, o.spec.Params, o.study.Space); err != nil {
		return err
	}
	o.trials, err = o.study.Check()
	return err
}

func (a *app) tune(ctx context.Context, c *cobra.Command, o *tuneOptions) error {
	if err := cli.Required(c, "data", "learner", "space"); err != nil {
		return err
	}
	if err := o.complete(); err != nil {
		return err
	}
	var log *studyLog
	if o.tracking != "" {
		server, err := client.New(o.tracking, a.getenv)
		if err != nil {
			return err
		}
		log = &studyLog{runLogger: runLogger{server: server, now: a.now, getenv: a.getenv, logger: a.logger(slog.LevelWarn)}, experiment: o.experiment}
	}
	found, err := o.gate.run(ctx, a, &o.trainOptions)
	if err != nil {
		return err
	}
	if log != nil {
		log.audit = found
	}
	bars := &steps{reporter: a.progress()}
	o.spec.Progress = bars.set
	l, err := o.learner(ctx)
	bars.done()
	if err != nil {
		return err
	}
	report, err := a.search(ctx, o, l, log)
	if log != nil {
		err = log.end(ctx, err)
	}
	if err != nil {
		return err
	}
	return a.printTuned(report, o.output)
}

// learner reads the data and makes the cross-validation ready.
func (o *tuneOptions) learner(ctx context.Context) (*tune.Learner, error) {
	p, err := train.Prepare(ctx, o.spec)
	if err != nil {
		return nil, err
	}
	fits := min(o.study.Parallel(o.workers), o.trials)
	l := &tune.Learner{Data: p, Name: o.spec.Learner, Fixed: o.spec.Params, Space: o.study.Space, Seed: o.study.Seed,
		Workers: max(1, runtime.GOMAXPROCS(0)/fits), Resource: o.resource}
	if l.Rows, err = p.Training(o.group); err != nil {
		return nil, err
	}
	if o.cv == "" {
		o.cv = tune.DefaultSplit(l.Rows)
	}
	if o.metric == "" {
		o.metric = tune.DefaultMetric(l.Rows)
	}
	if l.Split, err = tune.ParseSplit(o.cv, o.spec.Seed); err != nil {
		return nil, err
	}
	if l.Metric, err = tune.FindMetric(o.metric, l.Rows.Regression); err != nil {
		return nil, err
	}
	if err := l.Open(); err != nil {
		return nil, err
	}
	o.study.Goal, o.study.Steps, o.study.About = l.Metric.Goal, len(l.Folds()), l.About()
	o.study.About["compat"], o.study.About["group"] = o.spec.Compat, o.group
	return l, nil
}

// search runs the study and trains with the best setting.
func (a *app) search(ctx context.Context, o *tuneOptions, l *tune.Learner, log *studyLog) (*tuneReport, error) {
	opt := tune.Options{Workers: o.workers, Journal: o.journal, ID: rand.Text(), Now: a.now}
	reporter := a.progress()
	total := int64(o.trials)
	if o.study.Halving.Kind != "" {
		total = 0 // not known before: some settings are tried more than once
	}
	bar := reporter.Start("try settings of "+o.spec.Learner, "trials", total)
	var over atomic.Int64
	if log != nil {
		log.metric, log.settings, log.about = l.Metric.Name, o.study, l.About()
		opt.Opened, opt.Begun = log.opened, log.begun
	}
	ended := func(known bool) func(context.Context, tune.Outcome) error {
		return func(ctx context.Context, e tune.Outcome) error {
			bar.Add(1)
			over.Add(1)
			if log == nil {
				return nil
			}
			return log.ended(ctx, e, known)
		}
	}
	opt.Ended, opt.Known = ended(false), ended(true)
	r, err := tune.Run(ctx, o.study, l.Judge, opt)
	bar.Done()
	if err != nil {
		switch {
		case ctx.Err() == nil:
		case o.journal != "":
			reporter.Line("%d finished trials are in %s; run the same command to go on", over.Load(), o.journal)
		default:
			reporter.Line("%d finished trials are lost; name a file with --study to keep them", over.Load())
		}
		return nil, err
	}
	report := &tuneReport{result: r, metric: l.Metric.Name, cv: l.Split.String(), options: o}
	params, err := l.Params(r.Jobs[r.Best].Params)
	if err != nil {
		return nil, err
	}
	if report.Result, err = l.Data.Finish(ctx, params); err != nil {
		return nil, err
	}
	return report, a.keepTuned(ctx, report, log)
}

// keepTuned writes the model and logs it.
func (a *app) keepTuned(ctx context.Context, r *tuneReport, log *studyLog) error {
	dir := r.options.out
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "drivecast-model-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := model.Save(dir, r.Model, model.SaveOptions{Example: r.Example, Extra: r.Extra}); err != nil {
		return errs.Wrap(err, "write the model")
	}
	if log == nil {
		return nil
	}
	var err error
	r.Run, r.Version, err = log.conclude(ctx, r, dir, r.options.register)
	return err
}
