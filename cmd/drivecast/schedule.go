package main

import (
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (a *app) scheduleCommand() *cobra.Command {
	c := &cobra.Command{Use: "schedule", Short: "Run jobs at set times", RunE: group}
	c.AddCommand(a.scheduleCreate(), a.scheduleList(), a.scheduleSwitch("enable", true), a.scheduleSwitch("disable", false), a.scheduleDelete(), a.scheduleRun())
	return c
}

func (a *app) scheduleCreate() *cobra.Command {
	f, out, file, sets := jobFolder{a: a}, output(""), "", []string{}
	c := &cobra.Command{
		Use: "create -f FILE", Short: "Register a schedule, or change one, and see to it that it fires", Aliases: []string{"update"}, Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "file"); err != nil {
				return err
			}
			d, err := openWith(file, sets)
			if err != nil {
				return err
			}
			if _, err := d.Schedule(a.now(), nil); err != nil && !errs.Is(err, errs.NotFound) {
				return err // only a component that is not registered yet may be missing
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			made, err := local.Register(c.Context(), f.store, d, a.now())
			if err != nil {
				return err
			}
			start := func(string) error {
				args := []string{"schedule", "run", "--dir", f.dir, "--exit-when-none"}
				if f.tracking != "" {
					args = append(args, "--tracking-uri", f.tracking)
				}
				return local.StartDetached(local.RunnerLog(f.workDir(), "schedules"), args)
			}
			if err := local.EnsureRunner(c.Context(), f.workDir(), "schedules", start); err != nil {
				return err
			}
			return a.printSchedules(c, &f, made.Name, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&file, "file", "f", "", "YAML file of the schedule")
	c.Flags().StringArrayVar(&sets, "set", nil, "replace a field, path=value; may be repeated")
	c.Flags().Bool("no-wait", false, "accepted; nothing is waited for")
	return c
}

// openWith opens a document and applies overrides.
func openWith(file string, sets []string) (*job.Document, error) {
	d, err := job.Open(file)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if err := d.Set(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (a *app) printSchedules(c *cobra.Command, f *jobFolder, only string, out output) error {
	list, err := local.Schedules(c.Context(), f.store, a.now())
	if err != nil {
		return err
	}
	shown := []local.ScheduleStatus{}
	for _, s := range list {
		if only == "" || s.Name == only {
			shown = append(shown, s)
		}
	}
	if out == "json" {
		return a.printJSON(shown)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tENABLED\tNEXT\tTIME ZONE")
	for _, s := range shown {
		fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", s.Name, s.Enabled, stamp(s.Next), s.Zone)
	}
	return w.Flush()
}

func (a *app) scheduleList() *cobra.Command {
	f, out, name := jobFolder{a: a}, output(""), ""
	c := &cobra.Command{
		Use: "list", Short: "List schedules with their next time", Aliases: []string{"show"}, Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			return a.printSchedules(c, &f, name, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&name, "name", "n", "", "only this schedule")
	return c
}

func (a *app) scheduleSwitch(use string, on bool) *cobra.Command {
	n := named{jobFolder: jobFolder{a: a}}
	c := &cobra.Command{
		Use: use + " -n NAME", Short: map[bool]string{true: "Let a schedule fire again", false: "Keep a schedule from firing"}[on],
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			return local.EnableSchedule(c.Context(), n.store, n.workDir(), n.name, on, a.now())
		},
	}
	n.addTo(c)
	return c
}

func (a *app) scheduleDelete() *cobra.Command {
	n := named{jobFolder: jobFolder{a: a}}
	c := &cobra.Command{
		Use: "delete -n NAME", Short: "Forget a schedule; its jobs stay",
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			return n.store.Drop(c.Context(), job.KindSchedule, n.name)
		},
	}
	n.addTo(c)
	c.Flags().BoolP("yes", "y", false, "accepted; nothing is asked")
	return c
}

func (a *app) scheduleRun() *cobra.Command {
	f, missed, once := jobFolder{a: a}, "", false
	c := &cobra.Command{
		Use: "run", Short: "Fire schedules until interrupted", Args: cli.NoArgs,
		Long: `run fires the schedules of the folder when they are due. "schedule create" starts it in the
background when none runs. A firing happens once, whatever is killed in between.`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch local.Missed(missed) {
			case local.MissedLatest, local.MissedAll, local.MissedSkip:
			default:
				return errs.New(errs.Usage, "--missed %s: write latest, all or skip", missed)
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			s := &local.Scheduler{
				Options: local.CreateOptions{Store: f.store, Catalog: f.store, WorkDir: f.workDir(), Runner: f.startRunner},
				Missed:  local.Missed(missed), Now: a.now, Logger: a.logger(slog.LevelInfo), Once: once,
			}
			err := s.Run(c.Context())
			if once && errs.Is(err, errs.Exists) {
				return nil // the one that lives does it
			}
			return err
		},
	}
	f.addTo(c)
	c.Flags().StringVar(&missed, "missed", string(local.MissedLatest), "what to make up for of the time without a scheduler: latest, all or skip")
	c.Flags().BoolVar(&once, "exit-when-none", false, "end once no schedule is enabled")
	return c
}
