package main

import "github.com/spf13/cobra"

// azuremlCommands are the commands of --target azureml.
func (a *app) azuremlCommands() []*cobra.Command {
	jobs := &cobra.Command{Use: "job", Short: "Jobs in an Azure ML workspace", RunE: group}
	jobs.AddCommand(a.azuremlJobCommands()...)
	jobs.AddCommand(a.azuremlExport())
	return []*cobra.Command{jobs, a.azuremlCompute(), a.azuremlSchedules(), a.azuremlModels(), a.azureDoctor(), a.azureFake(), a.azuremlDeploy()}
}

// workspace says which Azure ML workspace a command is about, in az ml's words.
type workspace struct{ subscription, group, name string }

func (w *workspace) addTo(c *cobra.Command) {
	c.Flags().StringVar(&w.subscription, "subscription", "", "id of the Azure subscription")
	c.Flags().StringVarP(&w.group, "resource-group", "g", "", "resource group of the workspace")
	c.Flags().StringVarP(&w.name, "workspace-name", "w", "", "name of the workspace")
}
