package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/ci"
	"github.com/drivecast/drivecast/internal/job"
)

// azuremlModels are the commands about registered models.
func (a *app) azuremlModels() *cobra.Command {
	models := &cobra.Command{Use: "model", Short: "Models of an Azure ML workspace", RunE: group}
	var version, path, kind, gate string
	create := a.azureCommand("create -n NAME --version V --path PATH", "Register a model: a local file or folder, or an address", true,
		func(ctx context.Context, c *azure.Client, o look) error {
			if version == "" || path == "" {
				return errs.New(errs.Usage, "model create needs --version and --path")
			}
			if gate != "" {
				d, err := ci.ReadDecision(gate)
				if err == nil {
					err = d.Admits(path)
				}
				if err != nil {
					return err
				}
			}
			uri := path
			if !job.IsRemote(path) {
				work, err := os.MkdirTemp("", "drivecast-upload-")
				if err != nil {
					return errs.Wrap(err, "make a folder for the upload")
				}
				defer os.RemoveAll(work)
				s := &sender{client: c, dir: ".", work: work}
				up, err := s.upload(ctx, path)
				if err != nil {
					return err
				}
				uri = up.URI
			}
			text, err := c.Model(ctx, o.thing, version, kind, uri, nil)
			if err != nil {
				return err
			}
			return a.printJSON(text)
		})
	create.Flags().StringVar(&path, "path", "", "file, folder or address of the model")
	create.Flags().StringVar(&gate, "gate", "", "decision of \"drivecast ci gate\" that must be a pass of this very model")
	create.Flags().StringVarP(&kind, "type", "t", "custom_model", "custom_model, mlflow_model or triton_model")
	show := a.azureCommand("show -n NAME --version V", "Show a version of a model", true, func(ctx context.Context, c *azure.Client, o look) error {
		text, _, err := c.ShowModel(ctx, o.thing, version)
		if err != nil {
			return err
		}
		return a.printJSON(text)
	})
	download := a.azureCommand("download -n NAME --version V", "Download a version of a model from its datastore", true, func(ctx context.Context, c *azure.Client, o look) error {
		_, uri, err := c.ShowModel(ctx, o.thing, version)
		if err != nil {
			return err
		}
		_, rest, ok := strings.Cut(uri, "/datastores/")
		if !ok {
			_, rest, ok = strings.Cut(uri, "azureml://datastores/")
		}
		store, prefix, found := strings.Cut(rest, "/paths/")
		if !ok || !found {
			return errs.New(errs.Unsupported, "the model is at %s, which is in no datastore; download it from there", uri)
		}
		n, err := c.Fetch(ctx, store, prefix, o.path)
		if err == nil {
			fmt.Fprintf(a.stdout, "%d files in %s\n", n, o.path)
		}
		return err
	})
	for _, c := range []*cobra.Command{create, show, download} {
		c.Flags().StringVarP(&version, "version", "v", "1", "version of the model")
	}
	models.AddCommand(create, show, download)
	return models
}

// seconds writes a time as Azure takes it.
func seconds(n int) string { return fmt.Sprintf("PT%dS", n) }
