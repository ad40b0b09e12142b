package serving

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/table"
)

// routing are the flags of routes and of the inference log.
type routing struct {
	file        string
	challengers []string
	key         string
	log         string
	sample      float64
	format      string
	every       time.Duration
}

func (o *routing) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.file, "routes", "", "YAML file of champion, challengers, their weights and when to roll them back; see docs/routes.md")
	f.StringArrayVar(&o.challengers, "challenger", nil, "[NAME=]MODEL,weight=10 answers for ten per cent of the drives; [NAME=]MODEL,shadow is asked too and never answers; may be repeated")
	f.StringVar(&o.key, "route-key", "", "column, tensor or parameter that holds a drive's id, by which routes are picked (default serial_number)")
	f.StringVar(&o.log, "inference-log", "", "folder, or name of a .parquet or .jsonl file, to write requests and answers to")
	f.Float64Var(&o.sample, "log-sample", 1, "share of the requests that are logged, 0 to 1")
	f.StringVar(&o.format, "log-format", "", "parquet, or jsonl as Azure ML's data collector writes it (default: by the name, else jsonl)")
	f.DurationVar(&o.every, "log-every", time.Minute, "how long a file of the log is at most")
}

// config returns the routes that are asked for; none of them: no challengers.
func (o *routing) config() (route.Config, error) {
	var c route.Config
	if o.file != "" {
		var err error
		if c, err = route.ReadConfig(o.file); err != nil {
			return c, err
		}
	}
	for _, arg := range o.challengers {
		ch, err := route.ParseChallenger(arg)
		if err != nil {
			return c, err
		}
		c.Challengers = append(c.Challengers, ch)
	}
	if o.key != "" {
		c.Key = o.key
	}
	return c, c.Check()
}

// watch makes the router and the log that the flags ask for; nil is none.
func (o *routing) watch(cfg route.Config, format *table.Parquet, logger *slog.Logger) (router *route.Router, log *route.Log, err error) {
	if len(cfg.Challengers) > 0 {
		if router, err = route.New(cfg, time.Now, logger); err != nil {
			return nil, nil, err
		}
	}
	if o.log == "" {
		return router, nil, nil
	}
	if o.every <= 0 {
		return nil, nil, errs.New(errs.Usage, "--log-every is %s; a time above 0 is wanted", o.every)
	}
	to := route.LogConfig{Path: o.log, Format: o.format, Sample: o.sample, Key: cfg.Key, Every: o.every, Logger: logger}
	if format != nil {
		to.Write = format.Write
	}
	log, err = route.NewLog(to)
	return router, log, err
}

// background runs what answers do not wait for, until the returned function is called:
// shadows, then the log, which keeps what the last answers said.
func (k *keeper) background(ctx context.Context, router *route.Router, log *route.Log) (stop func()) {
	var stops []func()
	start := func(run func(context.Context)) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() { defer close(done); run(ctx) }()
		stops = append(stops, func() { cancel(); <-done })
	}
	if router != nil {
		start(k.handler.RunShadows)
	}
	if log != nil {
		start(log.Run)
	}
	return func() {
		for _, s := range stops {
			s()
		}
	}
}
