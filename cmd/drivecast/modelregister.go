package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/ci"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/model"
)

func (a *app) modelsRegister(open func() (*client.Client, error)) *cobra.Command {
	var gate, alias, experiment string
	var out output
	c := &cobra.Command{Use: "register NAME FOLDER", Short: "Make a model folder a new version",
		Long: `Make a model folder a new version of a registered model. The folder goes to the run that
$MLFLOW_RUN_ID names, or else to a new run. With --gate the decision of "ci gate" must
be a pass of this very model, and its metrics become tags of the version; --alias is set last.`,
		Example: "  drivecast models register hdd outputs/model --gate gate.json --alias champion",
		Args:    cli.ExactArgs("NAME", "FOLDER"),
		RunE: func(c *cobra.Command, args []string) error {
			tags, err := registrable(c.Context(), args[1], gate)
			if err != nil {
				return err
			}
			server, err := open()
			if err != nil {
				return err
			}
			v, err := a.register(c.Context(), server, args[0], args[1], experiment, tags)
			if err != nil {
				return err
			}
			if alias != "" {
				if err := server.SetAlias(c.Context(), args[0], alias, v.Version); err != nil {
					return err
				}
			}
			if out == "json" {
				return a.printJSON(v)
			}
			_, err = fmt.Fprintf(a.stdout, "version %s of %s\n", v.Version, args[0])
			return err
		}}
	c.Flags().StringVar(&gate, "gate", "", "decision of `drivecast ci gate` that lets the model in")
	c.Flags().StringVar(&alias, "alias", "", "alias that the version gets")
	c.Flags().StringVar(&experiment, "experiment", "Default", "experiment of a new run")
	out.addTo(c)
	return c
}

// registrable makes sure that a folder holds a model that opens, and that the gate let
// it in. It returns the tags of the version.
func registrable(ctx context.Context, dir, gate string) ([]client.Tag, error) {
	if _, err := model.Open(ctx, dir); err != nil {
		return nil, err
	}
	tags := []client.Tag{}
	if gate == "" {
		return tags, nil
	}
	d, err := ci.ReadDecision(gate)
	if err != nil {
		return nil, err
	}
	if err := d.Admits(dir); err != nil {
		return nil, err
	}
	for _, m := range d.Metrics {
		tags = append(tags, client.Tag{Key: tagMetric + m.Name, Value: train.Show(float64(m.Candidate.Value))})
	}
	tags = append(tags, client.Tag{Key: tagSplit, Value: d.DataHash}) // judged on the same rows
	return append(tags, client.Tag{Key: "drivecast.gate", Value: d.Verdict + ": " + d.Reason}), nil
}

// register uploads a folder to a run and makes it a version.
func (a *app) register(ctx context.Context, server *client.Client, name, dir, experiment string, tags []client.Tag) (v *client.Version, err error) {
	var info *client.RunInfo
	if id := a.getenv("MLFLOW_RUN_ID"); id != "" {
		run, err := server.GetRun(ctx, id)
		if err != nil {
			return nil, err
		}
		info = &run.Info
	} else {
		e, err := server.EnsureExperiment(ctx, experiment)
		if err != nil {
			return nil, err
		}
		info, err = server.CreateRun(ctx, e.ID, "", a.now(), []client.Tag{{Key: "mlflow.source.name", Value: "drivecast models register"}})
		if err != nil {
			return nil, err
		}
		defer func() {
			status := "FINISHED"
			if err != nil {
				status = "FAILED"
			}
			if e := server.UpdateRun(context.WithoutCancel(ctx), info.ID, status, a.now()); err == nil {
				err = e
			}
		}()
	}
	source := strings.TrimSuffix(info.ArtifactURI, "/") + "/" + modelArtifact
	if err := server.UploadDir(ctx, source, dir); err != nil {
		return nil, err
	}
	return server.Register(ctx, name, source, info.ID, tags)
}
