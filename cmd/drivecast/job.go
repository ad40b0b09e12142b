package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

// workCommands are those that Azure ML's users know as az ml.
func (a *app) workCommands() []*cobra.Command {
	return []*cobra.Command{
		a.jobCommand(), a.computeCommand(), a.scheduleCommand(),
		a.assetCommand("component", "Components that pipelines refer to", job.KindCommandComponent, job.KindPipelineComponent, job.KindParallelComponent),
		a.dataCommand(),
		a.assetCommand("environment", "Environments that jobs refer to by name", job.KindEnvironment),
	}
}

func (a *app) jobCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "job",
		Short: "Run jobs written in Azure ML's YAML",
		Long: `job takes the files and flags of "az ml job" and runs them on this machine.

Exit codes: 0 done (with --stream: the job completed), 1 failed, 2 the command line is wrong.`,
		RunE: group,
	}
	c.AddCommand(a.jobCreate(), a.jobShow(), a.jobList(), a.jobStream(), a.jobCancel(), a.jobDownload(), a.jobValidate(), a.jobSchema(), a.jobNode())
	return c
}

// group is the action of a command that only has commands below it.
func group(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errs.New(errs.Usage, "%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return c.Help()
}

// named are the flags of a command about one job.
type named struct {
	jobFolder
	name string
}

func (n *named) addTo(c *cobra.Command) {
	n.jobFolder.addTo(c)
	c.Flags().StringVarP(&n.name, "name", "n", "", "name of the job")
	workspaceFlags(c)
}

// workspaceFlags accepts what az ml users type, and what says where: a local run needs
// none of it.
func workspaceFlags(c *cobra.Command) {
	for name, short := range map[string]string{"resource-group": "g", "workspace-name": "w", "subscription": ""} {
		c.Flags().StringP(name, short, "", "of Azure ML; not used on this machine")
		if err := c.Flags().MarkHidden(name); err != nil {
			panic(err) // the flag was added the line before
		}
	}
	c.Flags().String("target", "local", "where to run: local; kube and azureml need drivecast-cloud")
}

func (n *named) start(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && n.name == "":
		n.name = args[0]
	case len(args) > 0:
		return errs.New(errs.Usage, "%s wants one name, got %q", c.CommandPath(), strings.Join(args, " "))
	}
	if f := c.Flags().Lookup("output"); f != nil {
		if err := (&answer{form: f.Value.String()}).check(); err != nil {
			return err
		}
	}
	if n.name == "" {
		return errs.New(errs.Usage, "%s needs --name; `drivecast job list` shows the names", c.CommandPath())
	}
	return n.open(c.Context())
}

func (a *app) jobCreate() *cobra.Command {
	f := jobFolder{a: a}
	o := local.CreateOptions{}
	stream, out := false, answer{}
	c := &cobra.Command{
		Use:   "create -f FILE",
		Short: "Queue a job and see to it that it is run",
		Args:  cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "file"); err != nil {
				return err
			}
			if err := out.check(); err != nil {
				return err
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			o.Store, o.Catalog, o.WorkDir, o.Now, o.Runner = f.store, f.store, f.workDir(), a.now(), f.startRunner
			r, warnings, err := local.Create(c.Context(), o)
			local.PrintWarnings(a.stderr, o.File, warnings)
			if err != nil {
				return err
			}
			if !stream {
				return a.printJob(r, out)
			}
			fmt.Fprintf(a.stderr, "job %s on %s\n", r.Name, r.Cluster)
			return a.follow(c, &f, r.Name, out)
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&o.File, "file", "f", "", "YAML file of the job")
	c.Flags().StringArrayVar(&o.Set, "set", nil, "replace a field, path=value; may be repeated")
	c.Flags().StringVarP(&o.Name, "name", "n", "", "name of the job (default the file's, or a new one)")
	c.Flags().StringVar(&o.Cluster, "compute", "", "cluster to run on (default the file's, or "+job.DefaultCluster+")")
	c.Flags().BoolVarP(&stream, "stream", "s", false, "print the log until the job ends; the exit code is the job's")
	c.Flags().BoolP("web", "e", false, "accepted; there is no page to open")
	return c
}

// follow prints a job's log until its end, which becomes the command's.
func (a *app) follow(c *cobra.Command, f *jobFolder, name string, out answer) error {
	log, table := a.stdout, out.form == "table" && out.query == ""
	if !table {
		log = a.stderr
	}
	r, err := local.Stream(c.Context(), f.store, f.workDir(), name, log)
	if c.Context().Err() != nil {
		fmt.Fprintf(a.stderr, "job %s goes on; to stop it: drivecast job cancel -n %s\n", name, name)
	}
	if err != nil {
		return err
	}
	if !table {
		err = a.printJob(r, out)
	} else {
		_, err = fmt.Fprintf(a.stderr, "job %s %s\n", r.Name, r.State)
	}
	if err != nil {
		return err
	}
	return local.ExitError(r)
}

func (a *app) printJob(r job.Record, out answer) error {
	return a.answer(out, r, func() error { return a.jobTable(r) })
}

func (a *app) jobTable(r job.Record) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("name", r.Name)
	row("status", string(r.State))
	row("experiment", r.Experiment)
	row("compute", r.Cluster)
	row("run", r.RunID)
	row("parent", r.Parent)
	row("best child", r.Best)
	row("created", stamp(r.Created))
	row("started", stamp(r.Started))
	row("ended", stamp(r.Ended))
	if r.ExitCode != nil {
		row("exit code", fmt.Sprint(*r.ExitCode))
	}
	row("detail", r.Detail)
	return w.Flush()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (a *app) jobShow() *cobra.Command {
	n, out := named{jobFolder: jobFolder{a: a}}, answer{}
	c := &cobra.Command{
		Use: "show -n NAME", Short: "Print a job",
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			r, err := n.store.Get(c.Context(), n.name)
			if err != nil {
				return err
			}
			return a.printJob(r, out)
		},
	}
	n.addTo(c)
	out.addTo(c)
	return c
}

func (a *app) jobList() *cobra.Command {
	f, out, q, all := jobFolder{a: a}, answer{}, job.Query{}, false
	c := &cobra.Command{
		Use: "list", Short: "List jobs, newest first", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			q.Top = q.Parent == "" && !all
			list, err := f.store.List(c.Context(), q)
			if err != nil {
				return err
			}
			return a.answer(out, list, func() error { return printJobs(a.stdout, list) })
		},
	}
	f.addTo(c)
	out.addTo(c)
	workspaceFlags(c)
	c.Flags().StringVarP(&q.Parent, "parent-job-name", "p", "", "list the children of this job")
	c.Flags().StringVar(&q.Cluster, "compute", "", "only jobs of this cluster")
	c.Flags().IntVarP(&q.Limit, "max-results", "r", 100, "how many, at most 1000")
	c.Flags().BoolVar(&all, "all", false, "list children, too")
	return c
}

func printJobs(out io.Writer, list []job.Record) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATUS\tEXPERIMENT\tCOMPUTE\tCREATED\tTOOK\tDETAIL")
	for _, r := range list {
		took := ""
		if !r.Ended.IsZero() && !r.Started.IsZero() {
			took = r.Ended.Sub(r.Started).Round(10 * time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.State, r.Experiment, r.Cluster, stamp(r.Created), took, r.Detail)
	}
	return w.Flush()
}

func (a *app) jobStream() *cobra.Command {
	n := named{jobFolder: jobFolder{a: a}}
	c := &cobra.Command{
		Use: "stream -n NAME", Short: "Print a job's log until it ends; the exit code is the job's",
		Long: "stream prints a job's log until it ends. Ctrl-C leaves the job running.",
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			return a.follow(c, &n.jobFolder, n.name, answer{form: "table"})
		},
	}
	n.addTo(c)
	return c
}

func (a *app) jobCancel() *cobra.Command {
	n, out := named{jobFolder: jobFolder{a: a}}, answer{}
	c := &cobra.Command{
		Use: "cancel -n NAME", Short: "Cancel a job and everything it started",
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			r, err := local.Cancel(c.Context(), n.store, n.workDir(), n.name, a.now())
			if err != nil {
				return err
			}
			if err := local.EnsureRunner(c.Context(), n.workDir(), r.Cluster, n.startRunner); err != nil && !r.State.Terminal() {
				return err
			}
			return a.printJob(r, out)
		},
	}
	n.addTo(c)
	out.addTo(c)
	return c
}

func (a *app) jobDownload() *cobra.Command {
	n := named{jobFolder: jobFolder{a: a}}
	path, outputName := "", ""
	c := &cobra.Command{
		Use: "download -n NAME", Short: "Copy a job's outputs and logs",
		RunE: func(c *cobra.Command, args []string) error {
			if err := n.start(c, args); err != nil {
				return err
			}
			defer n.close()
			return local.Download(c.Context(), n.store, n.workDir(), n.name, outputName, path)
		},
	}
	n.addTo(c)
	c.Flags().StringVarP(&path, "download-path", "p", ".", "folder to copy to")
	c.Flags().StringVar(&outputName, "output-name", "", "only this output")
	c.Flags().Bool("all", false, "accepted; without --output-name everything is copied")
	return c
}

func (a *app) jobValidate() *cobra.Command {
	form := ""
	c := &cobra.Command{
		Use: "validate FILE…", Short: "Check Azure ML YAML files: jobs, components, endpoints, …",
		Long: `validate reads each file by itself and says what is wrong with it, with line, field and mend.
Unknown fields, missing local paths and unregistered assets are warnings. With -o jsonl
it prints one JSON object a file: file, kind, valid, errors, warnings.

Exit codes: 0 all files are valid, 1 some file is not, 2 the command line is wrong.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errs.New(errs.Usage, "%s needs at least one file; see %s --help", c.CommandPath(), c.CommandPath())
			}
			if form != "table" && form != "jsonl" && form != "json" {
				return errs.New(errs.Usage, "--output %s: write table or jsonl", form)
			}
			bad := 0
			for _, path := range args {
				v := job.Validate(path)
				if !v.Valid {
					bad++
				}
				if err := a.printVerdict(v, form); err != nil {
					return err
				}
			}
			if bad > 0 {
				return errs.New(errs.Invalid, "%d of %s not valid", bad, count(len(args), "file"))
			}
			return nil
		},
	}
	c.Flags().StringVarP(&form, "output", "o", "table", "how to print the result: table or jsonl")
	return c
}

func (a *app) printVerdict(v job.Verdict, form string) error {
	if form != "table" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	word := "valid"
	if !v.Valid {
		word = "INVALID"
	}
	fmt.Fprintf(a.stdout, "%s: %s %s\n", v.File, word, v.Kind)
	for _, p := range v.Errors {
		fmt.Fprintf(a.stdout, "  error: %s\n", p)
	}
	for _, p := range v.Warnings {
		fmt.Fprintf(a.stdout, "  warning: %s\n", p)
	}
	return nil
}
