// Package serving is the command that serves a model: the same in the whole
// program and in the scorer alone.
package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/table"
)

// Env is where the command runs.
type Env struct {
	Stderr  io.Writer
	Getenv  func(string) string
	Version string         // of the program
	Parquet *table.Parquet // nil: neither bodies nor logs
}

// options are the flags of the command.
type options struct {
	models           []string
	tracking, tokens string
	name             string
	every            time.Duration
	files            bool
	grpc             int // a second port, 0: none
	secure           cli.TLS
	addr             cli.Address
	verbose          bool
	routing          routing
	proxying         proxying
}

// Command returns the command of this name that serves a model over HTTP until its
// context ends.
func (e Env) Command(name string) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   name + " -m MODEL",
		Short: "Serve a model over HTTP",
		Long: `Serve a model over HTTP in MLflow's scoring protocol.

POST /invocations takes dataframe_split, dataframe_records, instances, inputs and CSV;
"params": {"explain": true} adds what each feature contributed. POST /score speaks
Azure ML's form, /v2 the Open Inference Protocol of KServe and Triton, over gRPC too; /ping, /health
and /version tell how it goes.
MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model of
--tracking-uri, or an address like http://server:5000/models/NAME@ALIAS.

-m NAME=MODEL, several times, serves several models at /models/NAME/invocations,
/models/NAME/score and /v2/models/NAME; the first also has the routes without a name.
When an alias moves in the registry, its new model is opened, tested and served without
a failed request; a model that cannot be opened leaves the old one serving.

--challenger and --routes share the first model's requests with challengers: a sticky
share of the drives, or a copy of all in the shadow. --inference-log keeps requests and
answers.

--proxy URL --proxy URL serves no model, but passes requests on to the first of these
endpoints that is well, and to the next one when that fails.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if o.verbose {
				level = slog.LevelDebug
			}
			logger := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level}))
			if o.proxying.asked() {
				if len(o.models) > 0 || o.routing.file != "" || len(o.routing.challengers) > 0 || o.routing.log != "" || o.grpc != 0 {
					return errs.New(errs.Usage, "a proxy serves no model and keeps no log: leave out --model-uri, --routes, --challenger, --inference-log and --grpc-port, or --proxy")
				}
				return e.proxy(c.Context(), &o, logger)
			}
			if dir := mounted(e.Getenv("AZUREML_MODEL_DIR")); len(o.models) == 0 && dir != "" {
				o.models = []string{dir}
			}
			routes, err := o.routing.config()
			if err != nil {
				return err
			}
			if routes.Champion != "" {
				o.models = append([]string{routes.Champion}, o.models...)
			}
			if len(o.models) == 0 {
				return cli.Required(c, "model-uri")
			}
			return e.serve(c.Context(), &o, routes, logger)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&o.models, "model-uri", "m", nil, "model, or NAME=MODEL; may be repeated (required; default: the one in $AZUREML_MODEL_DIR, where an online endpoint puts it)")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+DefaultTrackingURI+")")
	f.StringVar(&o.name, "name", "", "name of the model under /v2 (default: the registered model's, else model)")
	f.DurationVar(&o.every, "reload-every", 5*time.Second, "how often to look whether an alias has moved or files have changed; 0: never")
	f.BoolVar(&o.files, "reload-files", false, "take over model files that changed under the server, once they are whole")
	f.IntVar(&o.grpc, "grpc-port", 0, "one more port to listen on, for clients that want gRPC at a port of its own; gRPC is spoken on --port too")
	f.StringVar(&o.tokens, "token-file", "", "file of bearer tokens, one a line; requests but probes must carry one")
	o.routing.addTo(f)
	o.proxying.addTo(f)
	o.secure.AddTo(c)
	f.BoolVar(&o.verbose, "verbose", false, "log every fault of a request")
	o.addr.AddTo(c, 5000)
	cli.Accept(c, "no-conda", "install-mlflow", "enable-mlserver")
	for _, ignored := range []string{"env-manager", "workers", "timeout"} {
		f.String(ignored, "", "accepted for MLflow's users")
		_ = f.MarkHidden(ignored)
	}
	return c
}

// identity returns the name in a models:/ URI or an address of one, "" of others.
func identity(uri string) string {
	if at, _, err := Locate(uri); err == nil {
		uri = at
	}
	rest, ok := strings.CutPrefix(uri, "models:/")
	if !ok {
		return ""
	}
	if name, _, ok := strings.Cut(rest, "@"); ok {
		return name
	}
	return rest[:max(0, strings.LastIndex(rest, "/"))]
}

// mounted returns the model below the folder that an online endpoint mounts: it may
// stand some folders deeper, each alone in the one above.
func mounted(dir string) string {
	for range 4 {
		inside, err := os.ReadDir(dir)
		if dir == "" || err != nil || len(inside) != 1 || !inside[0].IsDir() {
			break
		}
		dir = filepath.Join(dir, inside[0].Name())
	}
	return dir
}

// both runs two servers until ctx ends or one of them fails.
func both(ctx context.Context, a, b func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 2)
	for _, f := range []func(context.Context) error{a, b} {
		go func() { failed <- f(ctx) }()
	}
	first := <-failed
	stop()
	return errors.Join(first, <-failed)
}

// named splits NAME=MODEL. A path that has an equals sign and exists is a path.
func named(arg string) (name, uri string) {
	name, uri, ok := strings.Cut(arg, "=")
	if _, err := os.Stat(arg); !ok || err == nil || strings.ContainsAny(name, "/:@\\") {
		return "", arg
	}
	return name, uri
}

// open opens all models and makes the server that answers with them.
func (e Env) open(ctx context.Context, o *options, routes route.Config, cfg score.Config, logger *slog.Logger) (*keeper, error) {
	if o.every < 0 {
		return nil, errs.New(errs.Usage, "--reload-every is %s; a negative time is none", o.every)
	}
	k := newKeeper(e, o.tracking, o.files, logger)
	models := slices.Clone(o.models)
	for _, c := range routes.Challengers {
		models = append(models, c.Model)
	}
	for i, arg := range models {
		name, uri := named(arg)
		if i >= len(o.models) {
			name, uri = routes.Challengers[i-len(o.models)].Name, arg
		}
		if name == "" && len(o.models) == 1 {
			name = o.name
		}
		name = cmp.Or(name, identity(uri), "model")
		if slices.ContainsFunc(k.models, func(m *kept) bool { return m.name == name }) {
			return nil, errs.New(errs.Usage, "two models have the name %q; write -m NAME=MODEL", name)
		}
		at, err := e.origin(ctx, uri, o.tracking)
		if err != nil {
			return nil, err
		}
		m, err := e.openOrigin(ctx, at, o.tracking)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			cfg.Model, cfg.Logger, cfg.Name, cfg.ModelVersion, cfg.Release = m, logger, name, at.version, e.Version
			k.handler, err = score.NewHandler(cfg)
		} else {
			err = k.handler.Put(name, at.version, m)
		}
		if err != nil {
			return nil, err
		}
		k.models = append(k.models, &kept{name: name, served: at, seen: at.mark})
	}
	return k, nil
}

// warnOpen warns when anybody on the network may ask.
func (o *options) warnOpen(logger *slog.Logger) {
	if ip := net.ParseIP(o.addr.Host); o.tokens == "" && (ip == nil || !ip.IsLoopback()) && o.addr.Host != "localhost" {
		logger.Warn("others can reach this address and are not asked who they are: name tokens with --token-file, or see to it that the network keeps them out", "address", o.addr.String())
	}
}

func (e Env) serve(ctx context.Context, o *options, routes route.Config, logger *slog.Logger) error {
	secure, err := o.secure.Config()
	if err != nil {
		return err
	}
	l, err := cli.Listen(ctx, o.addr.String(), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	o.warnOpen(logger)
	var second net.Listener
	if o.grpc != 0 {
		if second, err = cli.Listen(ctx, (&cli.Address{Host: o.addr.Host, Port: o.grpc}).String(), "--grpc-port"); err != nil {
			return err
		}
		defer second.Close()
	}
	router, log, err := o.routing.watch(routes, e.Parquet, logger)
	if err != nil {
		return err
	}
	k, err := e.open(ctx, o, routes, score.Config{Router: router, Log: log, Parquet: e.Parquet}, logger)
	if err != nil {
		return err
	}
	measured := []prometheus.Collector{k}
	if router != nil {
		measured = append(measured, router)
	}
	if log != nil {
		measured = append(measured, log)
	}
	defer k.background(ctx, router, log)()
	h, flush, err := e.Measured(ctx, k.handler, logger, measured...)
	if err != nil {
		return err
	}
	defer flush()
	if h, err = Guarded(h, o.tokens); err != nil {
		return err
	}
	for i, m := range k.handler.Status() {
		path := "/invocations"
		if i > 0 {
			path = "/models/" + m.Name + path
		}
		fmt.Fprintf(e.Stderr, "serving %s (%s) on %s://%s%s\n", m.Source, m.Format, o.secure.Scheme(), l.Addr(), path)
	}
	if o.every > 0 {
		var done sync.WaitGroup
		defer done.Wait()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		done.Go(func() { k.run(ctx, o.every) })
	}
	if second == nil {
		return cli.Serve(ctx, l, secure, h, logger)
	}
	return both(ctx,
		func(ctx context.Context) error { return cli.Serve(ctx, l, secure, h, logger) },
		func(ctx context.Context) error { return cli.Serve(ctx, second, secure, h, logger) })
}
