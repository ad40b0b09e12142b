package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
)

// azuremlCompute are the commands about clusters.
func (a *app) azuremlCompute() *cobra.Command {
	computes := &cobra.Command{Use: "compute", Short: "Clusters of an Azure ML workspace", RunE: group}
	k, idle := azure.Cluster{}, 0
	scale := func(c *cobra.Command) *cobra.Command {
		c.Flags().Int32Var(&k.Min, "min-instances", 0, "nodes that are always there")
		c.Flags().Int32Var(&k.Max, "max-instances", 1, "nodes at most")
		c.Flags().IntVar(&idle, "idle-time-before-scale-down", 120, "seconds until an idle node is given back")
		return c
	}
	bounds := func() error {
		if k.Min < 0 || k.Max < 1 || k.Min > k.Max || idle < 0 {
			return errs.New(errs.Usage, "--min-instances %d, --max-instances %d, --idle-time-before-scale-down %d: write 0 ≤ min ≤ max, max from 1", k.Min, k.Max, idle)
		}
		k.Idle = seconds(idle)
		return nil
	}
	create := scale(a.azureCommand("create -n NAME --size SIZE", "Make a cluster, or change it", true, func(ctx context.Context, c *azure.Client, o look) error {
		if k.Size == "" {
			return errs.New(errs.Usage, "compute create needs --size, such as STANDARD_DS3_V2")
		}
		if err := bounds(); err != nil {
			return err
		}
		k.Name = o.thing
		text, err := c.CreateCluster(ctx, k)
		if err != nil {
			return err
		}
		return a.printJSON(text)
	}))
	create.Flags().StringVar(&k.Size, "size", "", "size of a node")
	create.Flags().StringVar(&k.Priority, "tier", "dedicated", "dedicated or low_priority")
	create.Flags().StringVarP(&k.Location, "location", "l", "", "region (default the workspace's)")
	update := scale(a.azureCommand("update -n NAME", "Scale a cluster", true, func(ctx context.Context, c *azure.Client, o look) error {
		if err := bounds(); err != nil {
			return err
		}
		return c.ScaleCluster(ctx, o.thing, k.Min, k.Max, k.Idle)
	}))
	show := a.azureCommand("show -n NAME", "Show a compute", true, func(ctx context.Context, c *azure.Client, o look) error {
		text, err := c.ShowCompute(ctx, o.thing)
		if err != nil {
			return err
		}
		return a.printJSON(text)
	})
	computes.AddCommand(create, update, show)
	return computes
}
