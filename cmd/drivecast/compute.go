package main

import (
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (a *app) computeCommand() *cobra.Command {
	c := &cobra.Command{Use: "compute", Short: "Clusters that run jobs on this machine", RunE: group}
	c.AddCommand(a.computeCreate(), a.computeShow(), a.computeList(), a.computeDelete(), a.computeRun())
	return c
}

func (a *app) computeCreate() *cobra.Command {
	f, out, s, file := jobFolder{a: a}, output(""), local.ComputeSpec{}, ""
	c := &cobra.Command{
		Use: "create (-f FILE | -n NAME)", Short: "Register a cluster, or change one", Aliases: []string{"update"}, Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				if err := cli.Required(c, "name"); err != nil {
					return err
				}
			} else if err := local.ReadCompute(file, &s, c.Flags().Changed); err != nil {
				return err
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			made, err := local.CreateCompute(c.Context(), f.store, s, a.now())
			if err != nil {
				return err
			}
			return a.printComputes([]local.ComputeSpec{made}, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&file, "file", "f", "", "YAML file of the cluster (amlCompute)")
	c.Flags().StringVarP(&s.Name, "name", "n", "", "name of the cluster")
	c.Flags().StringVarP(&s.Type, "type", "t", "amlcompute", "accepted; only amlcompute exists")
	c.Flags().StringVar(&s.Size, "size", "", "machine size in the cloud; not used on this machine")
	c.Flags().IntVar(&s.Min, "min-instances", 0, "nodes that stay when idle")
	c.Flags().IntVar(&s.Max, "max-instances", 1, "most nodes")
	c.Flags().Float64Var(&s.Idle, "idle-time-before-scale-down", 120, "seconds after which an idle node goes")
	return c
}

func (a *app) printComputes(list []local.ComputeSpec, out output) error {
	if out == "json" {
		return a.printJSON(list)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tMIN\tMAX\tIDLE SECONDS")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%d\t%d\t%g\n", s.Name, s.Min, s.Max, s.Idle)
	}
	return w.Flush()
}

func (a *app) computeList() *cobra.Command {
	f, out := jobFolder{a: a}, output("")
	c := &cobra.Command{
		Use: "list", Short: "List clusters", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			list, err := local.Computes(c.Context(), f.store)
			if err != nil {
				return err
			}
			return a.printComputes(list, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	return c
}

func (a *app) computeDelete() *cobra.Command {
	f, name := jobFolder{a: a}, ""
	c := &cobra.Command{
		Use: "delete -n NAME", Short: "Forget a cluster", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "name"); err != nil {
				return err
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			return f.store.Drop(c.Context(), job.KindAmlCompute, name)
		},
	}
	f.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&name, "name", "n", "", "name of the cluster")
	c.Flags().BoolP("yes", "y", false, "accepted; nothing is asked")
	return c
}

func (a *app) computeShow() *cobra.Command {
	f, out, name := jobFolder{a: a}, output(""), ""
	c := &cobra.Command{
		Use: "show -n NAME", Short: "Print what a cluster's nodes do", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			s, err := local.Status(c.Context(), f.workDir(), name)
			if errs.Is(err, errs.Unavailable) { // no runner: no nodes
				s, err = local.AtRest(c.Context(), f.store, name)
			}
			if err != nil {
				return err
			}
			if out == "json" {
				return a.printJSON(s)
			}
			fmt.Fprintf(a.stdout, "%s  %s  %d of %d nodes\n", s.Name, s.Allocation, s.Current, s.Max)
			for _, n := range s.Nodes {
				fmt.Fprintf(a.stdout, "  %s  %s  %s\n", n.ID, n.State, n.Job)
			}
			return nil
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&name, "name", "n", job.DefaultCluster, "name of the cluster")
	return c
}

func (a *app) computeRun() *cobra.Command {
	f, name, exit := jobFolder{a: a}, "", false
	minNodes, maxNodes, idle := 0, 1, 120.0
	limits, memory := local.NodeLimits{}, int64(0)
	c := &cobra.Command{
		Use: "run", Short: "Run a cluster's jobs until interrupted", Args: cli.NoArgs,
		Long: `run takes jobs off the queue of one cluster and runs them. "job create" starts it in the
background when no runner of the cluster lives, and "up" runs one of its own.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			cfg, err := f.cluster(c.Context(), name)
			if err != nil {
				return err
			}
			if c.Flags().Changed("min-instances") {
				cfg.Min = minNodes
			}
			if c.Flags().Changed("max-instances") {
				cfg.Max = maxNodes
			}
			if c.Flags().Changed("idle-time-before-scale-down") {
				cfg.Idle = time.Duration(max(idle, 1e-9) * float64(time.Second))
			}
			limits.Memory = memory << 20
			cfg.Limits = limits
			cfg.Logger, cfg.ExitIdle = a.logger(slog.LevelInfo), exit
			var stop func()
			if cfg.Runs, cfg.Tracking, stop, err = f.runs(c.Context(), name, cfg.Logger); err != nil {
				return err
			}
			defer stop()
			cluster, err := local.NewCluster(cfg)
			if err != nil {
				return err
			}
			err = cluster.Run(c.Context())
			if exit && errs.Is(err, errs.Exists) {
				return nil // the one that lives takes the work
			}
			return err
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&name, "name", "n", job.DefaultCluster, "name of the cluster")
	c.Flags().IntVar(&minNodes, "min-instances", 0, "nodes that stay when idle (default the cluster's)")
	c.Flags().IntVar(&maxNodes, "max-instances", 1, "most nodes (default the cluster's)")
	c.Flags().Float64Var(&idle, "idle-time-before-scale-down", 120, "seconds after which an idle node goes (default the cluster's)")
	c.Flags().IntVar(&limits.CPUs, "node-cpus", 0, "cores that the processes of a node may use (default all)")
	c.Flags().Int64Var(&memory, "node-memory", 0, "MiB of address space that a process of a node may use (default no limit)")
	c.Flags().BoolVar(&exit, "exit-when-idle", false, "end once nothing is queued and every node has gone")
	return c
}
