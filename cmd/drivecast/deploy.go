package main

import "github.com/spf13/cobra"

// deployCommand tells where models can be brought; drivecast-cloud brings them there.
func (a *app) deployCommand() *cobra.Command {
	return &cobra.Command{
		Use: "deploy kube|azureml", Short: "Bring a model to a cluster or to an online endpoint of Azure ML",
		Long: `Bring a model to where it serves, test it, and put back what fails.

  drivecast deploy kube     applies manifests to a Kubernetes cluster: rolling, blue and green, or canary
  drivecast deploy azureml  rolls a deployment out to an online endpoint of Azure ML: tested, mirrored, by steps

Both are in drivecast-cloud, beside this program; each has a --help of its own.`,
		Example: "  drivecast deploy azureml -f endpoint.yml -f deployment.yml --subscription S -g GROUP -w WORKSPACE",
		RunE:    group,
	}
}
