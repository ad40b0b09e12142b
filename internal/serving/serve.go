// Package serving is the command that serves a model: the same in the whole
// program and in the scorer alone.
package serving

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/score"
)

// Env is where the command runs.
type Env struct {
	Stderr  io.Writer
	Getenv  func(string) string
	Version string // of the program
}

// options are the flags of the command.
type options struct {
	model, tracking, tokens string
	name                    string
	secure                  cli.TLS
	addr                    cli.Address
	verbose                 bool
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
Azure ML's form, /v2 the Open Inference Protocol of KServe and Triton; /ping, /health
and /version tell how it goes.
MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.model == "" {
				o.model = mounted(e.Getenv("AZUREML_MODEL_DIR"))
			}
			if err := cli.Required(c, "model-uri"); err != nil {
				return err
			}
			level := slog.LevelWarn
			if o.verbose {
				level = slog.LevelDebug
			}
			return e.serve(c.Context(), &o, slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level})))
		},
	}
	f := c.Flags()
	f.StringVarP(&o.model, "model-uri", "m", "", "model (required; default: the one in $AZUREML_MODEL_DIR, where an online endpoint puts it)")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+DefaultTrackingURI+")")
	f.StringVar(&o.name, "name", "", "name of the model under /v2 (default: the registered model's, else model)")
	f.StringVar(&o.tokens, "token-file", "", "file of bearer tokens, one a line; requests but probes must carry one")
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

// identity returns name and version of a models:/ URI: those under /v2. Texts that
// are none have neither, and an alias is no version.
func identity(uri string) (name, version string) {
	rest, ok := strings.CutPrefix(uri, "models:/")
	if !ok {
		return "", ""
	}
	if name, _, ok := strings.Cut(rest, "@"); ok {
		return name, ""
	}
	name, version, _ = strings.Cut(rest, "/")
	return name, version
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

func (e Env) serve(ctx context.Context, o *options, logger *slog.Logger) error {
	secure, err := o.secure.Config()
	if err != nil {
		return err
	}
	l, err := cli.Listen(ctx, o.addr.String(), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := e.Open(ctx, o.model, o.tracking)
	if err != nil {
		return err
	}
	name, version := identity(o.model)
	scorer, err := score.NewHandler(score.Config{Model: m, Logger: logger, Name: cmp.Or(o.name, name), ModelVersion: version, Release: e.Version})
	if err != nil {
		return err
	}
	h, flush, err := e.Measured(ctx, scorer, logger)
	if err != nil {
		return err
	}
	defer flush()
	if h, err = Guarded(h, o.tokens); err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "serving %s (%s) on %s://%s/invocations\n", o.model, m.Format, o.secure.Scheme(), l.Addr())
	return cli.Serve(ctx, l, secure, h, logger)
}
