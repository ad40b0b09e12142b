package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/dataver"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (a *app) dataRepro() *cobra.Command {
	v, f, o, cluster := &versions{a: a}, jobFolder{a: a}, dataver.ReproOptions{}, ""
	c := &cobra.Command{
		Use: "repro [STAGE…]", Short: "Run the stages of dvc.yaml that are out of date, each as a job",
		Long: `repro runs the stages of dvc.yaml whose command, dependencies, parameters or outputs
are not those of dvc.lock, those that others rest on first, and records what they
made. Each stage is a job: ` + "`drivecast job list`" + ` shows it, with its log and its run.
A stage whose inputs are as recorded and whose outputs are in the cache is not run;
they are checked out.`,
		RunE: func(c *cobra.Command, stages []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			if !o.Dry {
				if err := f.open(c.Context()); err != nil {
					return err
				}
				defer f.close()
			}
			o.Targets = stages
			o.Run = func(ctx context.Context, s dataver.StageRun) error { return a.runStage(ctx, &f, cluster, s) }
			done, err := r.Reproduce(c.Context(), o)
			if printed := v.printDone(done); err == nil {
				err = printed
			}
			return err
		},
	}
	v.out.addTo(c)
	f.addTo(c)
	c.Flags().BoolVarP(&o.Single, "single-item", "s", false, "without the stages that the named ones rest on")
	c.Flags().BoolVarP(&o.Force, "force", "f", false, "also stages that are up to date")
	c.Flags().BoolVar(&o.Dry, "dry", false, "only say what would be run")
	c.Flags().StringVar(&cluster, "compute", "", "cluster to run on (default "+job.DefaultCluster+")")
	return c
}

func (v *versions) printDone(done []dataver.Done) error {
	if v.out == "json" {
		return v.a.printJSON(done)
	}
	w := tabwriter.NewWriter(v.a.stdout, 0, 0, 2, ' ', 0)
	for _, d := range done {
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.Stage, d.How, d.Why)
	}
	return w.Flush()
}

// runStage queues a stage as a job and follows it to its end.
func (a *app) runStage(ctx context.Context, f *jobFolder, cluster string, s dataver.StageRun) error {
	line := stageScript(s)
	if strings.Contains(line, "${{") || strings.Contains(line, "$[[") {
		return errs.New(errs.Unsupported, "the command has ${{ or $[[, which jobs read as their own expressions")
	}
	j := &job.Job{
		Kind: job.KindCommand, DisplayName: s.Name, Experiment: "dvc", Tags: map[string]string{"dvc.stage": s.Name},
		Command: &job.Command{Line: line, Variables: map[string]string{"DVC_ROOT": s.Root, "DVC_STAGE": s.Name, "PATH": a.getenv("PATH")}},
	}
	o := local.CreateOptions{Store: f.store, Catalog: f.store, WorkDir: f.workDir(), Cluster: cluster, Now: a.now(), Runner: f.startRunner}
	r, _, err := local.Enqueue(ctx, o, j)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "stage %s: job %s on %s\n", s.Name, r.Name, r.Cluster)
	r, err = local.Stream(ctx, f.store, f.workDir(), r.Name, a.stderr)
	if err != nil {
		return err
	}
	return local.ExitError(r)
}

// stageScript runs each command in a shell of its own, as DVC does, until one fails.
func stageScript(s dataver.StageRun) string {
	var b strings.Builder
	b.WriteString("cd '" + strings.ReplaceAll(s.Dir, "'", `'\''`) + "' || exit\n")
	for _, c := range s.Commands {
		b.WriteString("(\n" + strings.TrimRight(c, "\n") + "\n) || exit\n")
	}
	return b.String()
}
