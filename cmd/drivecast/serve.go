package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/score"
)

func (a *app) serveCommand() *cobra.Command {
	var name, tracking, tokens string
	var secure tlsOptions
	var addr address
	var verbose bool
	c := &cobra.Command{
		Use:   "serve -m MODEL",
		Short: "Serve a model over HTTP",
		Long: `Serve a model over HTTP in MLflow's scoring protocol.

POST /invocations takes dataframe_split, dataframe_records, instances, inputs and CSV;
"params": {"explain": true} adds what each feature contributed. POST /score speaks
Azure ML's form; /ping, /health and /version tell how it goes.
MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "model-uri"); err != nil {
				return err
			}
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			return a.serve(c.Context(), name, tracking, tokens, addr, secure, a.logger(level))
		},
	}
	f := c.Flags()
	f.StringVarP(&name, "model-uri", "m", "", "model (required)")
	f.StringVar(&tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+defaultTrackingURI+")")
	f.StringVar(&tokens, "token-file", "", "file of bearer tokens, one a line; requests but probes must carry one")
	secure.addTo(c)
	f.BoolVar(&verbose, "verbose", false, "log every fault of a request")
	addr.addTo(c, 5000)
	accept(c, "no-conda", "install-mlflow", "enable-mlserver")
	for _, ignored := range []string{"env-manager", "workers", "timeout"} {
		f.String(ignored, "", "accepted for MLflow's users")
		_ = f.MarkHidden(ignored)
	}
	return c
}

func (a *app) serve(ctx context.Context, name, tracking, tokens string, addr address, pair tlsOptions, logger *slog.Logger) error {
	secure, err := pair.config()
	if err != nil {
		return err
	}
	l, err := listen(ctx, net.JoinHostPort(addr.host, strconv.Itoa(addr.port)), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := a.openModel(ctx, name, tracking)
	if err != nil {
		return err
	}
	scorer, err := score.NewHandler(score.Config{Model: m, Logger: logger})
	if err != nil {
		return err
	}
	h, flush, err := a.measured(ctx, scorer, logger)
	if err != nil {
		return err
	}
	defer flush()
	if h, err = guarded(h, tokens); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "serving %s (%s) on %s://%s/invocations\n", name, m.Format, pair.scheme(), l.Addr())
	return serveHTTP(ctx, l, secure, h, logger)
}
