package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/dataver"
	"github.com/drivecast/drivecast/internal/job"
)

// dataCommand is data that jobs refer to, and data under version.
func (a *app) dataCommand() *cobra.Command {
	c := a.assetCommand("data", "Versions of data in DVC's files, and data that jobs refer to by name", job.KindData)
	c.Long = `data add, push, pull, status, checkout, gc, diff and repro keep versions of data in the
files of DVC 3 (.dvc, dvc.lock, the cache, remotes in folders, Azure Blob, S3 and
GCS): what one program writes, the other reads. See docs/data-versions.md.

data create, list and delete are about data that jobs name as azureml:NAME:VERSION.`
	c.AddCommand(a.dataInit(), a.dataRemote(), a.dataAdd(), a.dataStatus(), a.dataPush(), a.dataPull("pull"), a.dataPull("fetch"),
		a.dataCheckout(), a.dataGC(), a.dataDiff(), a.dataRepro())
	return c
}

// versions are the flags of every command about versions.
type versions struct {
	a   *app
	out output
}

func (v *versions) open(dir string) (*dataver.Repo, error) {
	opt := dataver.Options{Getenv: v.a.getenv, Now: v.a.now}
	if v.a.live { // elsewhere each command prints what it did
		live := &liveBars{reporter: v.a.progress()}
		opt.Progress = live.set
	}
	return dataver.Open(dir, opt)
}

func (a *app) dataInit() *cobra.Command {
	alone := false
	c := &cobra.Command{
		Use: "init", Short: "Make this folder a repository of data versions", Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error { return dataver.Init(".", alone) },
	}
	c.Flags().BoolVar(&alone, "no-scm", false, "without Git")
	return c
}

func (a *app) dataRemote() *cobra.Command {
	v, isDefault := &versions{a: a}, false
	c := &cobra.Command{Use: "remote", Short: "Where data is pushed to", RunE: group}
	add := &cobra.Command{
		Use: "add NAME URL", Short: "Name a folder, azure://CONTAINER/PATH, s3://BUCKET/PATH or gs://BUCKET/PATH", Args: cli.ExactArgs("NAME", "URL"),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			return r.AddRemote(args[0], args[1], isDefault)
		},
	}
	add.Flags().BoolVarP(&isDefault, "default", "d", false, "push there when no remote is named")
	list := &cobra.Command{
		Use: "list", Short: "List the names of the remotes", Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			for _, name := range r.Remotes() {
				fmt.Fprintln(a.stdout, name)
			}
			return nil
		},
	}
	c.AddCommand(add, list)
	return c
}

func (a *app) dataAdd() *cobra.Command {
	v := &versions{a: a}
	c := &cobra.Command{
		Use: "add PATH…", Short: "Version files and folders as they are now",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errs.New(errs.Usage, "%s wants at least one PATH", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			outs, err := r.Add(c.Context(), args)
			if err != nil {
				return err
			}
			return v.printOutputs(outs)
		},
	}
	v.out.addTo(c)
	return c
}

func (v *versions) printOutputs(outs []dataver.Output) error {
	if v.out == "json" {
		return v.a.printJSON(outs)
	}
	w := tabwriter.NewWriter(v.a.stdout, 0, 0, 2, ' ', 0)
	for _, o := range outs {
		fmt.Fprintf(w, "%s\t%s\t%d bytes\t%d files\n", o.Path, o.OID, o.Size, max(1, o.Files))
	}
	return w.Flush()
}

func (a *app) dataStatus() *cobra.Command {
	v, cloud, remote, quiet := &versions{a: a}, false, "", false
	c := &cobra.Command{
		Use: "status [TARGET…]", Short: "What differs from the recorded versions",
		RunE: func(c *cobra.Command, targets []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			var changes []dataver.Change
			if cloud || remote != "" {
				changes, err = r.CloudStatus(c.Context(), targets, remote)
			} else {
				changes, err = r.Status(c.Context(), targets)
			}
			switch {
			case err != nil:
				return err
			case quiet && len(changes) > 0:
				return errs.New(errs.State, "%s", count(len(changes), "change"))
			case quiet:
				return nil
			}
			return v.printChanges(changes)
		},
	}
	v.out.addTo(c)
	c.Flags().BoolVarP(&cloud, "cloud", "c", false, "compare with the remote instead of the workspace")
	c.Flags().StringVarP(&remote, "remote", "r", "", "the remote to compare with")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing; exit with 1 when something differs")
	return c
}

func (v *versions) printChanges(changes []dataver.Change) error {
	if v.out == "json" {
		return v.a.printJSON(changes)
	}
	if len(changes) == 0 {
		fmt.Fprintln(v.a.stdout, "everything is as recorded")
		return nil
	}
	w := tabwriter.NewWriter(v.a.stdout, 0, 0, 2, ' ', 0)
	for _, c := range changes {
		count := ""
		if c.Objects > 0 {
			count = fmt.Sprintf("\t%d objects", c.Objects)
		}
		fmt.Fprintf(w, "%s\t%s\t%s%s\n", c.Kind, c.Path, c.File, count)
	}
	return w.Flush()
}

func (a *app) dataPush() *cobra.Command {
	v, remote := &versions{a: a}, ""
	c := &cobra.Command{
		Use: "push [TARGET…]", Short: "Copy to the remote what it lacks",
		RunE: func(c *cobra.Command, targets []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			began := a.now()
			moved, err := r.Push(c.Context(), targets, remote)
			if err != nil {
				return err
			}
			return v.printMoved("pushed", moved, a.now().Sub(began))
		},
	}
	v.out.addTo(c)
	c.Flags().StringVarP(&remote, "remote", "r", "", "the remote (default that of the configuration)")
	return c
}

func (v *versions) printMoved(what string, m dataver.Moved, took time.Duration) error {
	if v.out == "json" {
		return v.a.printJSON(m)
	}
	if m.Objects == 0 && len(m.Changed) == 0 {
		fmt.Fprintln(v.a.stdout, "everything is up to date")
		return nil
	}
	fmt.Fprintf(v.a.stdout, "%d objects %s, %d bytes in %s\n", m.Objects, what, m.Bytes, took.Round(time.Millisecond))
	for _, o := range m.Changed {
		fmt.Fprintf(v.a.stdout, "%s\t%s\n", o.Path, o.OID)
	}
	return nil
}

func (a *app) dataPull(use string) *cobra.Command {
	v, remote, force := &versions{a: a}, "", false
	short := "Fetch what the cache lacks, and check it out"
	if use == "fetch" {
		short = "Fetch what the cache lacks from the remote"
	}
	c := &cobra.Command{
		Use: use + " [TARGET…]", Short: short,
		RunE: func(c *cobra.Command, targets []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			began := a.now()
			var moved dataver.Moved
			if use == "fetch" {
				moved, err = r.Fetch(c.Context(), targets, remote)
			} else {
				moved, err = r.Pull(c.Context(), targets, remote, force)
			}
			if err != nil {
				return err
			}
			return v.printMoved("fetched", moved, a.now().Sub(began))
		},
	}
	v.out.addTo(c)
	c.Flags().StringVarP(&remote, "remote", "r", "", "the remote (default that of the configuration)")
	if use == "pull" {
		c.Flags().BoolVarP(&force, "force", "f", false, "drop changes of the workspace that no version holds")
	}
	return c
}

func (a *app) dataCheckout() *cobra.Command {
	v, force := &versions{a: a}, false
	c := &cobra.Command{
		Use: "checkout [TARGET…]", Short: "Make the workspace hold what is recorded",
		RunE: func(c *cobra.Command, targets []string) error {
			r, err := v.open(".")
			if err != nil {
				return err
			}
			outs, err := r.Checkout(c.Context(), targets, force)
			if err != nil {
				return err
			}
			return v.printOutputs(outs)
		},
	}
	v.out.addTo(c)
	c.Flags().BoolVarP(&force, "force", "f", false, "drop changes of the workspace that no version holds")
	return c
}

func (a *app) dataGC() *cobra.Command {
	v, o, workspace := &versions{a: a}, dataver.GCOptions{}, false
	c := &cobra.Command{
		Use: "gc -w|-a|-T|-A", Short: "Remove objects that nothing names any more",
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !workspace && !o.Branches && !o.Tags && !o.Commits {
				return errs.New(errs.Usage, "gc needs to know what to keep: -w what the workspace names, -a also all branches, -T all tags, -A all commits")
			}
			r, err := v.open(".")
			if err != nil {
				return err
			}
			done, err := r.GC(c.Context(), o)
			if err != nil {
				return err
			}
			if v.out == "json" {
				return a.printJSON(done)
			}
			verb := "removed"
			if o.Dry {
				verb = "would be removed"
			}
			fmt.Fprintf(a.stdout, "%d objects of the cache (%d bytes) and %d of the remote %s\n", done.Objects, done.Bytes, done.RemoteObjects, verb)
			return nil
		},
	}
	v.out.addTo(c)
	f := c.Flags()
	f.BoolVarP(&workspace, "workspace", "w", false, "keep what the workspace names")
	f.BoolVarP(&o.Branches, "all-branches", "a", false, "keep also what any branch names")
	f.BoolVarP(&o.Tags, "all-tags", "T", false, "keep also what any tag names")
	f.BoolVarP(&o.Commits, "all-commits", "A", false, "keep also what any commit names")
	f.BoolVarP(&o.Cloud, "cloud", "c", false, "collect in the remote, too")
	f.StringVarP(&o.Remote, "remote", "r", "", "the remote to collect in")
	f.BoolVar(&o.Dry, "dry", false, "remove nothing, only count")
	return c
}

// temporary makes a folder in the repository for files of other versions.
func temporary(r *dataver.Repo) (string, func(), error) {
	base := filepath.Join(r.Root, ".dvc", "tmp")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", nil, errs.Wrap(err, "make a folder for other versions")
	}
	dir, err := os.MkdirTemp(base, "drivecast-version-")
	if err != nil {
		return "", nil, errs.Wrap(err, "make a folder for other versions")
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}
