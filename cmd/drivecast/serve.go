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
	var name, tracking string
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
			return a.serve(c.Context(), name, tracking, addr, a.logger(level))
		},
	}
	f := c.Flags()
	f.StringVarP(&name, "model-uri", "m", "", "model (required)")
	f.StringVar(&tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+defaultTrackingURI+")")
	f.BoolVar(&verbose, "verbose", false, "log every fault of a request")
	addr.addTo(c, 5000)
	accept(c, "no-conda", "install-mlflow", "enable-mlserver")
	for _, ignored := range []string{"env-manager", "workers", "timeout"} {
		f.String(ignored, "", "accepted for MLflow's users")
		_ = f.MarkHidden(ignored)
	}
	return c
}

func (a *app) serve(ctx context.Context, name, tracking string, addr address, logger *slog.Logger) error {
	l, err := listen(ctx, net.JoinHostPort(addr.host, strconv.Itoa(addr.port)), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := a.openModel(ctx, name, tracking)
	if err != nil {
		return err
	}
	h, err := score.NewHandler(score.Config{Model: m, Logger: logger})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "serving %s (%s) on http://%s/invocations\n", name, m.Format, l.Addr())
	return serveHTTP(ctx, l, nil, h, logger)
}
